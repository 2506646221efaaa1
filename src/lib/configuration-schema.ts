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
  isBucketName,
} from './aws-syntax.ts';

export type FileShape = z.output<typeof fileSchema>;
export type RuleShape = z.output<typeof ruleSchema>;
export type DestinationShape = z.output<typeof destination>;

const text = (advice: string, accepts: RegExp): z.ZodString =>
  z.string({ error: advice }).regex(accepts, { error: advice }).describe(advice);

const choice = <const T extends readonly [string, ...string[]]>(advice: string, values: T) =>
  z.enum(values, { error: advice }).describe(advice);

const wholeNumber = (advice: string, minimum: number, maximum: number): z.ZodNumber =>
  z.int({ error: advice }).min(minimum, { error: advice }).max(maximum, { error: advice }).describe(advice);

const section = <T extends z.ZodRawShape>(advice: string, shape: T): z.ZodObject<T, z.core.$strict> =>
  z
    .strictObject(shape, { error: (issue) => (issue.code === 'invalid_type' ? advice : undefined) })
    .describe(advice);

const id = (advice: string): z.ZodString => text(advice, /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);

const bucket = (advice: string) =>
  z.string({ error: advice }).refine(isBucketName, { error: advice }).describe(advice);

/** Part of a key: S3 limits keys to 1,024 bytes of UTF-8. The framework would take `${` for one of its variables. */
const keyPart = (advice: string) =>
  z
    .string({ error: advice })
    .refine((value) => Buffer.byteLength(value) <= 1024 && !value.includes('${'), { error: advice })
    .describe(advice);

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
    kmsKeyArn: text(
      "give the ARN of the KMS key replicas are encrypted with (the key, not an alias), or remove the line: the bucket's default encryption then applies",
      KMS_KEY_ARN,
    ).optional(),
  },
);

export const ruleSchema = section('write each rule as a block with `id:`, `source:` and `destinations:`', {
  id: id('give the rule an id of 1–64 letters, digits, dots, hyphens and underscores'),
  source,
  destinations: z
    .array(destination, {
      error: 'list at least one destination under `destinations:`, each beginning with a hyphen',
    })
    .min(1, { error: 'list at least one destination under `destinations:`, each beginning with a hyphen' })
    .describe('Where the replicas go.'),
  versions: choice('write `latest`: each key is kept at its current version', ['latest']).default('latest'),
  deletes: choice('write `ignore`: replicas stay when the source object is deleted', ['ignore']).default(
    'ignore',
  ),
  copy: choice('write `stream`: the bytes pass through the function', ['stream']).default('stream'),
  stamp: z
    .boolean({ error: 'write `true` (replicas carry the source version in their user metadata) or `false`' })
    .describe('Whether replicas carry the source version in their user metadata.')
    .default(true),
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

/** https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html */
const tags = z
  .record(
    z.string().regex(/^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/iu, {
      error: 'a tag key has 1–128 letters, digits, spaces and _.:/=+-@, and does not begin with aws:',
    }),
    text(
      'a tag value has at most 256 letters, digits, spaces and _.:/=+-@, in quotes if it looks like a number',
      /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u,
    ),
    { error: 'write tags as `key: value`, one a line' },
  )
  .refine((value) => Object.keys(value).length <= 48, { error: 'AWS allows 50 tags; two are ours' })
  .describe('Tags on every resource of the stack.');

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

/** The whole file, except that the rules are left as they are: each is checked by itself with {@link ruleSchema}. */
export const fileSchema = section(
  'the file must consist of `rules:` and, if you like, `name:`, `region:` and `stack:`',
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
    stack: stack.prefault({}),
  },
);

/** The options each section knows, by its path without list positions. */
export const SECTIONS: Record<string, string[]> = {
  '': Object.keys(fileSchema.shape),
  rules: Object.keys(ruleSchema.shape),
  'rules.source': Object.keys(source.shape),
  'rules.destinations': Object.keys(destination.shape),
  stack: Object.keys(stack.shape),
  'stack.alarms': Object.keys(alarms.shape),
};

/** For editors that complete and check YAML by JSON schema. */
export const jsonSchema = (): object =>
  z.toJSONSchema(fileSchema.extend({ rules: z.array(ruleSchema).min(1) }), { io: 'input' });
