/**
 * Damaged and hostile inputs for every parser of what comes from outside. No input may crash a parser, take longer than a second, or make a
 * message get lost. `FUZZ_INPUTS` sets how many inputs are tried.
 */
import { expect, test } from 'vitest';
import { fromAttributes, toAttributes } from '../../src/lib/delivery/dead-letter.ts';
import { parseForwarding } from '../../src/lib/delivery/forwarding.ts';
import { fromRetryAttributes, toRetryAttributes } from '../../src/lib/delivery/retry.ts';
import { parsePartRangeMessage } from '../../src/lib/copy/transfer/part-ranges.ts';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { ConfigurationError } from '../../src/lib/configuration/problem.ts';
import { formatHint, formatSeveral } from '../../src/lib/hint/hint.ts';
import { parseMessage } from '../../src/lib/hint/parse-message.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { parsedJson } from '../../src/lib/model/json.ts';
import { queueMessage as fromLambda } from '../../src/lib/aws/sqs/queues.ts';
import { answerBatch } from '../../src/lib/replicate/batch-operations.ts';
import { parseRunRequest } from '../../src/lib/runs/request.ts';
import { answerCustomResource } from '../../src/lib/subscription/custom-resource.ts';
import { SEED } from '../model/seed.ts';
import { s3Event, testConfiguration, testRule } from '../model/settings.ts';
import { batchWorld } from '../replicate/batch-world.ts';
import { createMutator, type Mutator } from './mutator.ts';
import { refusal } from './sqs-rules.ts';

const INPUTS = Number(process.env['FUZZ_INPUTS'] ?? 1_000);
const MAX_MS = 1_000;

const HINT = {
  bucket: 'source',
  key: 'k',
  versionId: 'v1',
  sizeBytes: 1,
  kind: 'extra',
  identity: '1',
  principalId: 'AROA:s3r@x',
  rule: 'rule',
  destination: 'replica',
  run: 'run-1',
};
const EVENT_BRIDGE = {
  source: 'aws.s3',
  'detail-type': 'Object Created',
  detail: {
    bucket: { name: 'source' },
    object: { key: 'k', size: 1, 'version-id': 'v', sequencer: '0A' },
    reason: 'PutObject',
    requester: '111111111111',
  },
};
const BODIES = [
  s3Event({ key: 'a b+c', versionId: 'v', sequencer: '0B' }),
  JSON.stringify({ Type: 'Notification', Message: s3Event({ key: 'k' }) }),
  JSON.stringify({ Event: 's3:TestEvent', Bucket: 'source' }),
  JSON.stringify(EVENT_BRIDGE),
  formatHint(HINT),
  formatSeveral([formatHint(HINT), s3Event({ key: 'k' })]),
];
const ATTRIBUTES = {
  ...toRetryAttributes({
    id: 'm',
    origin: 'live',
    tries: 1,
    attempts: 1,
    firstSeenMs: 1,
    waitingSinceMs: 1,
    firstFailedMs: 1,
    reason: 'throttled',
    detail: 'd',
  }),
  reason: 'kms',
};

/** Each parser with a sample of its input. It may throw only the errors of its contract. */
const PARSERS: { name: string; samples: unknown[]; parse: (input: unknown, text: string) => unknown }[] = [
  { name: 'bodies', samples: BODIES.map(parsedJson), parse: (_input, text) => parseMessage(text) },
  {
    name: 'attributes',
    samples: [ATTRIBUTES],
    parse(input) {
      const texts = Object.fromEntries(
        Object.entries(Object(input)).map(([name, each]) => [name, String(each)]),
      );
      const [retry, letter] = [fromRetryAttributes(texts), fromAttributes(texts)];
      if (retry !== null) expect(refusal('{}', toRetryAttributes(retry))).toBeNull();
      if (letter !== null) expect(refusal('{}', toAttributes(letter))).toBeNull();
    },
  },
  {
    name: 'part ranges',
    samples: [{ uploadId: 'u', attempt: 1, firstPart: 1, lastPart: 9, bucket: 'b', key: 'k' }],
    parse: (_input, text) => parsePartRangeMessage(text),
  },
  {
    name: 'forwarding',
    samples: [{ forward: 'live', messages: [{ body: 'b', attributes: {} }] }],
    parse: parseForwarding,
  },
  {
    name: 'requests of the command line',
    samples: [
      { action: 'start', kind: 'verify', rule: 'rule', prefix: 'p', since: '2026-11-01' },
      { action: 'pause', run: 'r' },
    ],
    parse: (input) => parseRunRequest(input, testConfiguration()),
  },
];

test(`${INPUTS} damaged inputs crash no parser and take no parser longer than a second (seed ${SEED})`, () => {
  const mutate = createMutator(SEED);
  for (let n = 0; n < INPUTS; n += 1) {
    const { name, samples, parse } = mutate.pick(PARSERS);
    const input = mutate.value(mutate.pick(samples));
    const text = mutate.text(JSON.stringify(input) ?? '');
    const beganMs = performance.now();
    parse(input, text);
    expect(performance.now() - beganMs, `${name}: ${text.slice(0, 200)}`).toBeLessThan(MAX_MS);
  }
});

/** Does the work, and ignores errors that `known` accepts. Any other error is a crash, and is thrown. */
const only = async (work: () => unknown, known: (error: unknown) => boolean): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (!known(error)) throw error;
  }
};

const YAML = `name: acme
region: us-east-1
rules:
  - id: invoices
    source: { bucket: documents, prefix: invoices/ }
    destinations:
      - { bucket: archive, region: eu-west-1, roleArn: 'arn:aws:iam::222222222222:role/archive', externalId: acme }
`;

test('damaged configuration files, tasks of S3 and custom resources are refused, and crash nothing', async () => {
  const mutate = createMutator(SEED);
  const known = (error: unknown): boolean => error instanceof ConfigurationError;
  const isReplication = (error: unknown): boolean => error instanceof ReplicationError;
  const task = { taskId: 't', s3Key: 'k', s3VersionId: 'v', s3BucketArn: 'arn:aws:s3:::nobodys' };
  const job = { invocationSchemaVersion: '1.0', invocationId: 'i', tasks: [task, task] };
  const resource = {
    RequestType: 'Create',
    ResponseURL: 'https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/x',
    StackId: 's',
    RequestId: 'r',
    LogicalResourceId: 'l',
    ResourceProperties: { bucket: 'b' },
  };
  const refusals = { mayPass: () => false };
  const brake = { flush: async () => undefined };
  const noWork = { configuration: testConfiguration(), refusals, brake } as unknown as Parameters<
    typeof answerBatch
  >[1];
  const subscription = {
    create: async () => ({}),
    update: async () => ({}),
    remove: async () => ({}),
  } as never;
  for (let n = 0; n < INPUTS / 15; n += 1) {
    const beganMs = performance.now();
    await only(() => parseConfiguration(mutate.text(YAML)), known);
    await only(() => answerBatch(mutate.value(job), noWork), isReplication);
    await only(
      () => answerCustomResource(mutate.value(resource), subscription, async () => undefined),
      (error) => error instanceof Error && !(error instanceof RangeError),
    );
    expect(performance.now() - beganMs).toBeLessThan(3 * MAX_MS);
  }
});

test('no damaged message is lost: each is tried again, skipped with a record, done, or a dead letter that SQS takes', async () => {
  const mutate: Mutator = createMutator(SEED);
  const { source, dead, sent, records, run } = batchWorld(
    testConfiguration(testRule({ deletes: 'replicate' })),
  );
  source.put('k', Buffer.from('x'));
  for (let n = 0; n < INPUTS / 5; n += 1) {
    const body = mutate.text(JSON.stringify(mutate.value(parsedJson(mutate.pick(BODIES)))) ?? 'x') || 'x';
    if (refusal(body, {}) !== null) continue;
    const before = dead.length + sent.length + records.length;
    const record = {
      messageId: `m${n}`,
      receiptHandle: 'h',
      body,
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: '1',
        SenderId: '',
        ApproximateFirstReceiveTimestamp: '1',
      },
      messageAttributes: {},
      md5OfBody: '',
      eventSource: 'aws:sqs',
      eventSourceARN: `arn:aws:sqs:us-east-1:111111111111:acme-${mutate.pick(['live', 'backfill'])}`,
      awsRegion: 'us-east-1',
    };
    const { failed } = await run(fromLambda(record));
    expect(failed.length + dead.length + sent.length + records.length, body).toBeGreaterThan(before);
  }
  for (const { body, letter } of dead) expect(refusal(body, toAttributes(letter)), body).toBeNull();
});
