/** The shape of one rule in `replication.yml`. */
import * as z from 'zod';
import { ACCOUNT, EXTERNAL_ID, KMS_KEY_ARN, SERVICE_REGION, ROLE_ARN } from './aws-syntax.ts';
import { optionBlock, bucket, id, integer, keyPart, oneOf, pattern } from './fields.ts';
import { destinationBlock, DESTINATION_OPTIONS } from './destination-schema.ts';
import { SERVICE_OPTIONS } from './service-schema.ts';
import { excludeBlock, excludeList, filterBlock } from './filter-schema.ts';
import { limitsBlock } from './limits-schema.ts';
import { verifyBlock } from './verify-schema.ts';

export type RuleShape = z.output<typeof ruleSchema>;

/** 32 bytes in base64url. */
const PUBLIC_KEY = /^[\w-]{43}$/;

const KEYS_ADVICE =
  'list the ARNs of KMS keys (the keys, not aliases): arn:aws:kms:region:account:key/id, or remove the line';

const PUBLIC_KEY_ADVICE =
  'list public keys of other deployments, each with 43 characters as `s3-replicator config key` prints it there, or remove the line';

const sourceBlock = optionBlock('say where the objects come from: `source:` with at least `bucket:`', {
  bucket: bucket(
    'give the name of an existing general purpose bucket (no ARN, no s3://): 3–63 characters of a–z, 0–9, dot and hyphen',
  ),
  prefix: keyPart(
    'give the beginning of the keys to replicate, at most 1,024 bytes and without ${, or remove the line',
  ).default(''),
  suffix: keyPart(
    'give the end of the keys to replicate, at most 1,024 bytes and without ${, or remove the line',
  ).default(''),
  events: oneOf(
    'write `s3` (the bucket notifies the queue itself), `eventbridge` (the bucket notifies EventBridge) or, beside `secretArn:`, `none` (only runs read the bucket)',
    ['s3', 'eventbridge', 'none'],
  ).default('s3'),
  roleArn: pattern(
    'give the ARN of the role that may read the bucket, like arn:aws:iam::111111111111:role/name, or remove the line: the function then reads with its own role',
    ROLE_ARN,
  ).optional(),
  externalId: pattern(
    'give the external id the source role asks for: 2–1,224 characters of letters, digits and _+=,.@:/-, in quotes if it looks like a number',
    EXTERNAL_ID,
  ).optional(),
  kmsKeyArn: pattern(
    'give the ARN of the KMS key the source objects are encrypted with (the key, not an alias): arn:aws:kms:region:account:key/id',
    KMS_KEY_ARN,
  ).optional(),
  kmsKeyArns: z
    .array(pattern(KEYS_ADVICE, KMS_KEY_ARN), { error: KEYS_ADVICE })
    .describe(
      'Further KMS keys with which source objects are encrypted, for example after a change of the key.',
    )
    .default([]),
  replicators: z
    .array(pattern(PUBLIC_KEY_ADVICE, PUBLIC_KEY), { error: PUBLIC_KEY_ADVICE })
    .describe(
      'The public keys of the other deployments that write replicas to this bucket: only objects that one of them has signed count as replicas.',
    )
    .default([]),
  account: pattern(
    'give the id of the account that owns the bucket, 12 digits in quotes, or remove the line: the bucket then belongs to the account of the stack',
    ACCOUNT,
  ).optional(),
  region: pattern(
    'give the region of the bucket, or remove the line: without `secretArn:` it is the region of the stack, with `endpoint:` us-east-1',
    SERVICE_REGION,
  ).optional(),
  ...SERVICE_OPTIONS,
});

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreRequest.html */
const restoreBlock = optionBlock(
  'write the restore as a block with `days:` and, if you like, `tier:`, or remove it: archived objects are then quarantined',
  {
    days: integer(
      'give for how many days S3 keeps the restored copy of an archived source object, 1 or more',
      1,
      2_147_483_647,
    ),
    tier: oneOf(
      'write `Bulk`, `Standard` or `Expedited` (which S3 refuses for DEEP_ARCHIVE and the Deep Archive Access tier)',
      ['Bulk', 'Standard', 'Expedited'],
    ).default('Standard'),
  },
);

const BRAKE_ADVICE =
  'write `off`, or a block with any of `windowMinutes:` (1–1440), `deletes:`, `deletesPercent:` (1–100), `expirations:` and `overwrites:` (whole numbers), or remove it: with `deletes: replicate` the brake then has its defaults';

/** Maximum of a limit. Nobody makes that many changes within a day. */
const LARGEST_LIMIT = 1_000_000_000;

const limit = (advice: string) => integer(advice, 0, LARGEST_LIMIT);

const brakeBlock = optionBlock(BRAKE_ADVICE, {
  windowMinutes: integer(
    'give the minutes in which deletes and overwrites are counted, 1–1440',
    1,
    1_440,
  ).default(60),
  deletes: limit('give how many deletes may be passed on within the window; the next ones are held').default(
    10_000,
  ),
  deletesPercent: integer(
    'give which share of the keys that the last whole backfill or verify counted may be deleted within the window, 1–100; a hundred deletes always pass',
    1,
    100,
  ).default(10),
  expirations: limit(
    'give how many deletes by S3 Lifecycle may be passed on within the window; the next ones are held',
  ).default(100_000),
  overwrites: limit(
    'give how many replicas may be overwritten within the window; then deletes are held, and overwrites too if the destination is not versioned',
  ).default(100_000),
});

export const ruleSchema = optionBlock(
  'write each rule as a block with `id:`, `source:` and `destinations:`',
  {
    id: id('give the rule an id of 1–64 letters, digits, dots, hyphens and underscores'),
    source: sourceBlock,
    filter: filterBlock.prefault({}),
    exclude: excludeList,
    destinations: z
      .array(destinationBlock, {
        error: 'list at least one destination under `destinations:`, each beginning with a hyphen',
      })
      .min(1, { error: 'list at least one destination under `destinations:`, each beginning with a hyphen' })
      .describe('The destinations of the replicas.'),
    versions: oneOf(
      'write `all` (every version, in the order of the source; where a bucket is not versioned, the current state) or `latest` (each key is kept at its current state)',
      ['all', 'latest'],
    ).default('all'),
    deletes: oneOf(
      'write `ignore` (replicas stay when the source object is deleted) or `replicate` (delete markers, and deletes in unversioned buckets, travel; deletes of single versions never do)',
      ['ignore', 'replicate'],
    ).default('ignore'),
    copy: oneOf(
      'write `auto` (S3 copies by itself where the replication role may read the source, see `config policy`; where it may not, the bytes pass through the function), `server-side` (S3 copies, and what the role may not read is quarantined) or `stream` (the bytes pass through the function)',
      ['auto', 'server-side', 'stream'],
    ).default('auto'),
    stamp: z
      .boolean({
        error: 'write `true` (replicas carry the source version in their user metadata) or `false`',
      })
      .describe('Whether replicas carry the source version in their user metadata.')
      .default(true),
    replicas: oneOf(
      'write `ignore` (source objects that a replicator wrote stay where they are, so that two-way replication does not go round) or `replicate` (they are replicated too, for chains)',
      ['ignore', 'replicate'],
    ).default('ignore'),
    tags: oneOf(
      'write `replicate` (replicas get the tags of the source object) or `ignore` (whoever uploads cannot choose the tags by which lifecycle rules and policies of the destination decide); tags that select objects belong under `filter:`',
      ['replicate', 'ignore'],
    ).default('replicate'),
    acl: oneOf(
      'write `ignore` (replicas belong to the destination account and are granted to nobody else) or `replicate` (grants of the source object are given to the replica)',
      ['ignore', 'replicate'],
    ).default('ignore'),
    announce: oneOf(
      'write `none` or `eventbridge` (each proven replica is an event on the default event bus of the account, which costs US$ 1 per million)',
      ['none', 'eventbridge'],
    ).default('none'),
    restore: restoreBlock.optional(),
    verify: verifyBlock.optional(),
    limits: limitsBlock.optional(),
    brake: z
      .union([z.literal('off'), brakeBlock], { error: BRAKE_ADVICE })
      .describe(BRAKE_ADVICE)
      .optional(),
  },
);

/** The default brake of a rule that replicates deletes. */
export const DEFAULT_BRAKE = brakeBlock.parse({});

/** The options of each section of a rule. The name of a section is its path below the rule. */
export const RULE_SECTIONS: Record<string, string[]> = {
  '': Object.keys(ruleSchema.shape),
  source: Object.keys(sourceBlock.shape),
  destinations: DESTINATION_OPTIONS,
  filter: Object.keys(filterBlock.shape),
  exclude: Object.keys(excludeBlock.shape),
  restore: Object.keys(restoreBlock.shape),
  brake: Object.keys(brakeBlock.shape),
  verify: Object.keys(verifyBlock.shape),
  limits: Object.keys(limitsBlock.shape),
};
