/**
 * The shape of `replication.yml`. Each field has one sentence that describes the right value. The sentence is the description in
 * the JSON schema and the advice in the error message.
 */
import * as z from 'zod';
import { ACCOUNT, LOG_RETENTION_DAYS, REGION, STACK_NAME_PART } from './aws-syntax.ts';
import { optionBlock, bucket, integer, keyPart, oneOf, pattern, tagMap } from './fields.ts';
import { LIMIT_OPTIONS } from './limits-schema.ts';
import { alarmTopicArn, PLATFORM_OPTIONS, vpcBlock } from './platform-schema.ts';
import { OWN_OPTION } from './own-options.ts';
import { destinationBlock } from './destination-schema.ts';
import { RULE_SECTIONS, ruleSchema } from './rule-schema.ts';

export type FileShape = z.output<typeof fileSchema>;

const alarmsBlock = optionBlock('write the alarm settings as a block under `alarms:`, or remove it', {
  email: z
    .email({ error: 'give the address that alarms are sent to, or remove the line' })
    .describe('The address that alarms are sent to; AWS asks its owner to confirm.')
    .optional(),
  topicArn: alarmTopicArn,
  oldestMessageMinutes: integer(
    'give the age in minutes (1–20160) of the oldest waiting event at which the alarm fires',
    1,
    20160,
  ).default(30),
  errors: integer(
    'give the number of failed invocations in five minutes at which the alarm fires (1–1000000)',
    1,
    1_000_000,
  ).default(1),
  throttles: integer(
    'give the number of throttled invocations in five minutes at which the alarm fires (1–1000000)',
    1,
    1_000_000,
  ).default(1),
});

const stackTags = tagMap(
  48,
  'AWS allows 50 tags, and two of them are set by the stack itself',
  'Tags on every resource of the stack.',
);

const stackBlock = optionBlock('write the stack settings as a block under `stack:`, or remove it', {
  maximumConcurrency: integer(
    'give how many invocations may run at the same time, 2–1000 (SQS allows no other values)',
    2,
    1000,
  ).default(50),
  batchSize: integer(
    'give how many events one invocation receives at most, 1–100 (more than 10 need `batchWindowSeconds`)',
    1,
    100,
  )
    .describe('Events per invocation. Left out: 10, or 100 with `batchWindowSeconds`.')
    .optional(),
  batchWindowSeconds: integer(
    'give how many seconds Lambda may wait for a batch to fill, 0–300: 0 is off, and every event may be late by as much',
    0,
    300,
  ).default(0),
  logRetentionDays: z
    .literal([...LOG_RETENTION_DAYS], {
      error: `give one of the numbers of days that CloudWatch Logs allows: ${LOG_RETENTION_DAYS.join(', ')}`,
    })
    .describe('Days after which log lines are deleted.')
    .default(30),
  logLevel: oneOf('write one of DEBUG, INFO, WARN, ERROR', ['DEBUG', 'INFO', 'WARN', 'ERROR']).default(
    'INFO',
  ),
  doctor: z
    .boolean({ error: 'write `true` or `false`' })
    .describe('Whether `serverless deploy` ends with what `s3-replicator doctor` finds.')
    .default(true),
  loggedKeys: oneOf(
    'write `plain` (log lines and report files have the keys of objects) or `hashed` (they have the SHA-256 of each key instead)',
    ['plain', 'hashed'],
  ).default('plain'),
  metrics: oneOf(
    'write `standard` (six CloudWatch metrics for each destination of each rule) or `detailed` (more of them, at more than twice the price)',
    ['standard', 'detailed'],
  ).default('standard'),
  lostSubscriptions: oneOf(
    'write `repair` (a source bucket that has lost its subscription gets it back within minutes) or `alarm` (it is only reported)',
    ['repair', 'alarm'],
  ).default('repair'),
  alarms: alarmsBlock.prefault({}),
  dashboard: z
    .boolean({
      error:
        'write true (the stack has a CloudWatch dashboard, US$3 a month where the account has three already) or false',
    })
    .describe('Whether the stack has a CloudWatch dashboard, made from the rules.')
    .default(true),
  tags: stackTags.default({}),
  ...PLATFORM_OPTIONS,
});

const reportBlock = optionBlock(
  'write where reports go as a block with `bucket:`, or remove it: none are written then',
  {
    bucket: bucket(
      'give the name of an existing bucket of the source account: reports of backfill and verify are written there',
    ),
    account: pattern(
      'give the id of the account that owns the bucket, 12 digits in quotes, or remove the line: the bucket then belongs to the account of the stack',
      ACCOUNT,
    ).optional(),
    prefix: keyPart('give the beginning of the keys of reports, like reports/, or remove the line').default(
      '',
    ),
  },
);

const backfillBlock = optionBlock('write the backfill settings as a block under `backfill:`, or remove it', {
  maximumConcurrency: integer(
    'give how many invocations may copy for backfills at the same time, 2–1000: live replication has its own',
    2,
    1000,
  ).default(10),
  listingConcurrency: integer(
    'give how many parts of a bucket may be listed at the same time, 2–1000',
    2,
    1000,
  ).default(8),
  ...LIMIT_OPTIONS,
  report: reportBlock.optional(),
});

const transfersBlock = optionBlock(
  'write the settings of transfers as a block under `transfers:`, or remove it',
  {
    maximumConcurrency: integer(
      'give how many invocations may move parts of large objects at the same time, 2–1000 (SQS allows no other values)',
      2,
      1000,
    ).default(20),
  },
);

/** The schema of the whole file except the rules. Each rule is checked separately with {@link ruleSchema}. */
export const fileSchema = optionBlock(
  'the file must consist of `rules:` and, if you like, `name:`, `region:`, `backfill:`, `transfers:` and `stack:`',
  {
    name: pattern(
      'give a name of letters, digits and hyphens that begins with a letter; all resources of the stack begin with it',
      STACK_NAME_PART,
    ).default('s3-replicator'),
    region: pattern('give the region of the source buckets, like us-east-1', REGION).default('us-east-1'),
    rules: z
      .array(z.unknown(), { error: 'list at least one rule under `rules:`, each beginning with a hyphen' })
      .min(1, { error: 'list at least one rule under `rules:`, each beginning with a hyphen' })
      .describe('What is replicated where.'),
    backfill: backfillBlock.prefault({}),
    transfers: transfersBlock.prefault({}),
    stack: stackBlock.prefault({}),
  },
);

/** The options of each section. The name of a section is its path without list positions. */
export const SECTIONS: Record<string, string[]> = {
  '': Object.keys(fileSchema.shape),
  ...Object.fromEntries(
    Object.entries(RULE_SECTIONS).map(([path, names]) => [path === '' ? 'rules' : `rules.${path}`, names]),
  ),
  backfill: Object.keys(backfillBlock.shape),
  'backfill.report': Object.keys(reportBlock.shape),
  transfers: Object.keys(transfersBlock.shape),
  stack: Object.keys(stackBlock.shape),
  'stack.alarms': Object.keys(alarmsBlock.shape),
  'stack.vpc': Object.keys(vpcBlock.shape),
};

/** Returns the JSON schema of the file, for editors that complete and check YAML. */
export const jsonSchema = (): object => {
  const whole = fileSchema.extend({ rules: z.array(ruleSchema).min(1) });
  return z.toJSONSchema(whole, {
    io: 'input',
    override({ zodSchema, jsonSchema: written }) {
      if (zodSchema === whole || zodSchema === ruleSchema)
        written.patternProperties = { [OWN_OPTION.source]: {} };
      if (zodSchema === destinationBlock)
        written.anyOf = [{ required: ['roleArn', 'externalId'] }, { required: ['secretArn'] }];
    },
  });
};
