/**
 * The shape of `replication.yml`. Every field says in one sentence what belongs there; the sentence is the description
 * in the JSON schema and the advice in the error message.
 */
import * as z from 'zod';
import {
  EXTERNAL_ID,
  KMS_KEY_ARN,
  LOG_RETENTION_DAYS,
  REGION,
  ROLE_ARN,
  STACK_NAME_PART,
  STORAGE_CLASSES,
} from './aws-syntax.ts';
import { bucket, choice, id, keyPart, section, tagMap, text, wholeNumber } from './fields.ts';

export type FileShape = z.output<typeof fileSchema>;
export type RuleShape = z.output<typeof ruleSchema>;
export type DestinationShape = z.output<typeof destination>;

const source = section('say where the objects come from: `source:` with at least `bucket:`', {
  bucket: bucket(
    'give the name of an existing general purpose bucket (no ARN, no s3://): 3–63 characters of a–z, 0–9, dot and hyphen',
  ),
  prefix: keyPart(
    'give the beginning of the keys to replicate, at most 1,024 bytes and without ${, or remove the line',
  ).default(''),
  suffix: keyPart(
    'give the end of the keys to replicate, at most 1,024 bytes and without ${, or remove the line',
  ).default(''),
  events: choice(
    'write `s3` (the bucket notifies the queue itself) or `eventbridge` (the bucket notifies EventBridge)',
    ['s3', 'eventbridge'],
  ).default('s3'),
  roleArn: text(
    'give the ARN of the role that may read the bucket, like arn:aws:iam::111111111111:role/name, or remove the line: the function then reads with its own role',
    ROLE_ARN,
  ).optional(),
  externalId: text(
    'give the external id the source role asks for: 2–1,224 characters of letters, digits and _+=,.@:/-, in quotes if it looks like a number',
    EXTERNAL_ID,
  ).optional(),
  kmsKeyArn: text(
    'give the ARN of the KMS key the source objects are encrypted with (the key, not an alias): arn:aws:kms:region:account:key/id',
    KMS_KEY_ARN,
  ).optional(),
});

const destination = section(
  'write each destination as a block with `bucket:`, `region:`, `roleArn:` and `externalId:`',
  {
    id: id('give an id of 1–64 letters, digits, dots, hyphens and underscores').optional(),
    bucket: bucket(
      'give the name of a general purpose bucket (no ARN, no s3://): 3–63 characters of a–z, 0–9, dot and hyphen',
    ),
    region: text('give the region the destination bucket is in, like eu-central-1', REGION),
    roleArn: text(
      'give the ARN of the replication role in the destination account, like arn:aws:iam::222222222222:role/s3-replicator: it is the output RoleArn of destination/template.yml',
      ROLE_ARN,
    ),
    externalId: text(
      'give the external id the replication role asks for: 2–1,224 characters of letters, digits and _+=,.@:/-, in quotes if it looks like a number',
      EXTERNAL_ID,
    ),
    prefix: keyPart(
      'give what takes the place of the source prefix in the replica\'s key, at most 1,024 bytes and without ${ ("" removes it), or remove the line: keys then stay as they are',
    ).optional(),
    storageClass: choice(
      `write one of ${STORAGE_CLASSES.join(', ')}, or remove the line: replicas then keep the class of the source object`,
      STORAGE_CLASSES,
    ).optional(),
    encryption: choice(
      "write `AES256` (SSE-S3), `aws:kms` (SSE-KMS) or `aws:kms:dsse` (DSSE-KMS), or remove the line: `kmsKeyArn` alone then means aws:kms, and without it the bucket's default encryption applies",
      ['AES256', 'aws:kms', 'aws:kms:dsse'],
    ).optional(),
    kmsKeyArn: text(
      'give the ARN of the KMS key replicas are encrypted with (the key, not an alias), or remove the line',
      KMS_KEY_ARN,
    ).optional(),
    objectLock: choice(
      'write `replicate` (replicas get the retention and legal hold of the source version), `governance` (the same, with compliance mode weakened to governance mode) or `ignore`',
      ['replicate', 'governance', 'ignore'],
    ).default('replicate'),
  },
);

/** 10,000 parts of 5 GiB. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const LARGEST_OBJECT_BYTES = 10_000 * 5 * 2 ** 30;

const filter = section(
  'write the filter as a block with `tags:`, `minimumBytes:` or `maximumBytes:`, or remove it',
  {
    tags: tagMap(
      10,
      'S3 allows 10 tags on an object: with more than 10 here no object could have them all',
      'Tags an object must have, all of them.',
    ).default({}),
    minimumBytes: wholeNumber(
      `give the size in bytes of the smallest object to replicate, a whole number up to ${LARGEST_OBJECT_BYTES} (the largest object S3 stores), or remove the line`,
      0,
      LARGEST_OBJECT_BYTES,
    ).optional(),
    maximumBytes: wholeNumber(
      `give the size in bytes of the largest object to replicate, a whole number up to ${LARGEST_OBJECT_BYTES} (the largest object S3 stores), or remove the line`,
      0,
      LARGEST_OBJECT_BYTES,
    ).optional(),
  },
);

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreRequest.html */
const restore = section(
  'write the restore as a block with `days:` and, if you like, `tier:`, or remove it: archived objects are then quarantined',
  {
    days: wholeNumber(
      'give for how many days S3 keeps the restored copy of an archived source object, 1 or more',
      1,
      2_147_483_647,
    ),
    tier: choice(
      'write `Bulk`, `Standard` or `Expedited` (which S3 refuses for DEEP_ARCHIVE and the Deep Archive Access tier)',
      ['Bulk', 'Standard', 'Expedited'],
    ).default('Standard'),
  },
);

export const ruleSchema = section('write each rule as a block with `id:`, `source:` and `destinations:`', {
  id: id('give the rule an id of 1–64 letters, digits, dots, hyphens and underscores'),
  source,
  filter: filter.prefault({}),
  destinations: z
    .array(destination, {
      error: 'list at least one destination under `destinations:`, each beginning with a hyphen',
    })
    .min(1, { error: 'list at least one destination under `destinations:`, each beginning with a hyphen' })
    .describe('Where the replicas go.'),
  versions: choice(
    'write `all` (every version, in the order of the source; where a bucket is not versioned, the current state) or `latest` (each key is kept at its current state)',
    ['all', 'latest'],
  ).default('all'),
  deletes: choice(
    'write `ignore` (replicas stay when the source object is deleted) or `replicate` (delete markers, and deletes in unversioned buckets, travel; deletes of single versions never do)',
    ['ignore', 'replicate'],
  ).default('ignore'),
  copy: choice(
    'write `auto` (S3 copies by itself where the replication role may read the source, see `config policy`; where it may not, the bytes pass through the function), `server-side` (S3 copies, and what the role may not read is quarantined) or `stream` (the bytes pass through the function)',
    ['auto', 'server-side', 'stream'],
  ).default('auto'),
  stamp: z
    .boolean({ error: 'write `true` (replicas carry the source version in their user metadata) or `false`' })
    .describe('Whether replicas carry the source version in their user metadata.')
    .default(true),
  replicas: choice(
    'write `ignore` (source objects that a replicator wrote stay where they are, so that two-way replication does not go round) or `replicate` (they are replicated too, for chains)',
    ['ignore', 'replicate'],
  ).default('ignore'),
  acl: choice(
    'write `ignore` (replicas belong to the destination account and are granted to nobody else) or `replicate` (grants of the source object are given to the replica)',
    ['ignore', 'replicate'],
  ).default('ignore'),
  restore: restore.optional(),
});

const alarms = section('write the alarm settings as a block under `alarms:`, or remove it', {
  email: z
    .email({ error: 'give the address that alarms are sent to, or remove the line' })
    .describe('The address that alarms are sent to; AWS asks its owner to confirm.')
    .optional(),
  oldestMessageMinutes: wholeNumber(
    'give the age in minutes (1–20160) of the oldest waiting event at which the alarm goes off',
    1,
    20160,
  ).default(30),
  errors: wholeNumber(
    'give the number of failed invocations in five minutes at which the alarm goes off (1–1000000)',
    1,
    1_000_000,
  ).default(1),
  throttles: wholeNumber(
    'give the number of throttled invocations in five minutes at which the alarm goes off (1–1000000)',
    1,
    1_000_000,
  ).default(1),
});

const tags = tagMap(48, 'AWS allows 50 tags; two are ours', 'Tags on every resource of the stack.');

const stack = section('write the stack settings as a block under `stack:`, or remove it', {
  maximumConcurrency: wholeNumber(
    'give how many invocations may run at the same time, 2–1000 (SQS allows no other values)',
    2,
    1000,
  ).default(50),
  batchSize: wholeNumber('give how many events one invocation receives at most, 1–10', 1, 10).default(10),
  logRetentionDays: z
    .literal([...LOG_RETENTION_DAYS], {
      error: `give one of the numbers of days that CloudWatch Logs allows: ${LOG_RETENTION_DAYS.join(', ')}`,
    })
    .describe('Days after which log lines are deleted.')
    .default(30),
  logLevel: choice('write one of DEBUG, INFO, WARN, ERROR', ['DEBUG', 'INFO', 'WARN', 'ERROR']).default(
    'INFO',
  ),
  alarms: alarms.prefault({}),
  tags: tags.default({}),
});

const report = section(
  'write where reports go as a block with `bucket:`, or remove it: none are written then',
  {
    bucket: bucket(
      'give the name of an existing bucket of the source account: reports of backfill and verify are written there',
    ),
    prefix: keyPart('give the beginning of the keys of reports, like reports/, or remove the line').default(
      '',
    ),
  },
);

const backfill = section('write the backfill settings as a block under `backfill:`, or remove it', {
  maximumConcurrency: wholeNumber(
    'give how many invocations may copy for backfills at the same time, 2–1000: live replication has its own',
    2,
    1000,
  ).default(10),
  listingConcurrency: wholeNumber(
    'give how many parts of a bucket may be listed at the same time, 2–1000',
    2,
    1000,
  ).default(8),
  report: report.optional(),
});

const transfers = section('write the settings of transfers as a block under `transfers:`, or remove it', {
  maximumConcurrency: wholeNumber(
    'give how many invocations may move parts of large objects at the same time, 2–1000 (SQS allows no other values)',
    2,
    1000,
  ).default(20),
});

/** The whole file, except that the rules are left as they are: each is checked by itself with {@link ruleSchema}. */
export const fileSchema = section(
  'the file must consist of `rules:` and, if you like, `name:`, `region:`, `backfill:`, `transfers:` and `stack:`',
  {
    name: text(
      'give a name of letters, digits and hyphens that begins with a letter; all resources of the stack begin with it',
      STACK_NAME_PART,
    ).default('s3-replicator'),
    region: text('give the region of the source buckets, like us-east-1', REGION).default('us-east-1'),
    rules: z
      .array(z.unknown(), { error: 'list at least one rule under `rules:`, each beginning with a hyphen' })
      .min(1, { error: 'list at least one rule under `rules:`, each beginning with a hyphen' })
      .describe('What is replicated where.'),
    backfill: backfill.prefault({}),
    transfers: transfers.prefault({}),
    stack: stack.prefault({}),
  },
);

/** The options each section knows, by its path without list positions. */
export const SECTIONS: Record<string, string[]> = {
  '': Object.keys(fileSchema.shape),
  rules: Object.keys(ruleSchema.shape),
  'rules.source': Object.keys(source.shape),
  'rules.destinations': Object.keys(destination.shape),
  'rules.filter': Object.keys(filter.shape),
  'rules.restore': Object.keys(restore.shape),
  backfill: Object.keys(backfill.shape),
  'backfill.report': Object.keys(report.shape),
  transfers: Object.keys(transfers.shape),
  stack: Object.keys(stack.shape),
  'stack.alarms': Object.keys(alarms.shape),
};

/** For editors that complete and check YAML by JSON schema. */
export const jsonSchema = (): object =>
  z.toJSONSchema(fileSchema.extend({ rules: z.array(ruleSchema).min(1) }), { io: 'input' });
