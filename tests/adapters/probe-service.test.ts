/**
 * What the probe finds out about S3 services. The local AWS plays an honest service, and services that ignore or refuse what they should
 * not.
 */
import { ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { clientConfig, type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SDK_LOGGER } from '../../src/lib/aws/sdk-logger.ts';
import { probeService } from '../../src/lib/aws/s3/probe/probe-service.ts';
import { adviceFor, lackOf, QUESTIONS, type Question } from '../../src/lib/model/service-answers.ts';
import type { ServiceDestination } from '../../src/lib/model/rule.ts';
import { testDestination, testRule } from '../model/settings.ts';

let aws: LocalAws;
let client: S3Client;
beforeAll(async () => {
  aws = await startLocalAws();
  client = new S3Client({
    ...clientConfig(aws, aws.root('333333333333'), { tls: false }),
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    logger: SDK_LOGGER,
  });
  const common = { accountId: '333333333333', region: 'eu-central-1' };
  aws.s3.createBucket({ ...common, name: 'versioned', VersioningConfiguration: { Status: 'Enabled' } });
  aws.s3.createBucket({ ...common, name: 'plain' });
});
afterEach(() => {
  aws.faults.plan = undefined;
});
afterAll(async () => {
  client.destroy();
  await aws.stop();
});

const probe = (bucket = 'versioned') => probeService(client, { bucket, prefix: 'in/', nowMs: 5 });

const ofService = (fields: Partial<ServiceDestination> = {}): ServiceDestination => ({
  ...testDestination(),
  roleArn: null,
  externalId: null,
  account: null,
  service: { endpoint: 'https://minio.example.com', addressing: 'path', secretArn: 'arn' },
  conditionalWrites: 'required',
  ...fields,
});

/** Makes the service ignore these headers, like a service that does not know them. */
const ignoring = (operation: string, ...names: string[]): void => {
  aws.faults.plan = (request) => {
    if (request.operation === operation && 'headers' in request)
      for (const name of names) delete request.headers[name];
    return undefined;
  };
};

test('S3 answers every question with yes, and nothing is left in the bucket', async () => {
  const { answers, isVersioned, askedMs, left } = await probe();
  expect({ isVersioned, askedMs, left }).toEqual({ isVersioned: true, askedMs: 5, left: [] });
  expect(Object.values(answers)).toEqual(Object.keys(QUESTIONS).map(() => 'yes'));
  const { Versions: versions, DeleteMarkers: markers } = await client.send(
    new ListObjectVersionsCommand({ Bucket: 'versioned' }),
  );
  expect([versions, markers]).toEqual([undefined, undefined]);
});

test('a bucket without versions is not asked about them', async () => {
  const { answers, isVersioned } = await probe('plain');
  expect(isVersioned).toBe(false);
  expect([answers.order, answers.createsOverMarkers]).toEqual(['unknown', 'unknown']);
  expect(lackOf({ answers, isVersioned }, testRule({ versions: 'all' }), ofService())).toEqual([]);
});

test.each<[Question, string, string[]]>([
  ['creates', 's3:PutObject', ['if-none-match']],
  ['refusesStale', 's3:PutObject', ['if-match']],
  ['completes', 's3:CompleteMultipartUpload', ['if-none-match']],
  ['completes', 's3:CompleteMultipartUpload', ['if-match']],
  ['deletes', 's3:DeleteObject', ['if-match']],
  ['checksums', 's3:PutObject', ['x-amz-checksum-crc32']],
  ['md5', 's3:PutObject', ['content-md5']],
  ['tags', 's3:PutObject', ['x-amz-tagging']],
])(
  'a service that claims success but does not do what "%s" asks is found out',
  async (question, operation, names) => {
    ignoring(operation, ...names);
    const { answers } = await probe();
    expect(answers[question]).toBe('no');
    const rule = testRule({ deletes: 'replicate' });
    const lacking = lackOf({ answers, isVersioned: true }, rule, ofService());
    const isNeeded = question !== 'checksums' && question !== 'md5';
    expect(lacking).toEqual(isNeeded ? [question] : []);
    expect(adviceFor(lacking).includes('`deletes: ignore`')).toBe(question === 'deletes');
    const isCondition = isNeeded && question !== 'tags';
    if (isCondition)
      expect(lackOf({ answers, isVersioned: true }, rule, ofService({ conditionalWrites: 'none' }))).toEqual(
        [],
      );
  },
);

test.each(['max-keys', 'start-after'])(
  'a service whose listings ignore %s is found out, and lacks what every rule needs',
  async (ignored) => {
    aws.faults.plan = (request) => {
      if (request.operation === 's3:ListObjectsV2' && 'query' in request)
        request.query = request.query.replace(new RegExp(`${ignored}=[^&]*&?`), '');
      return undefined;
    };
    const { answers } = await probe();
    expect(answers.pages).toBe('no');
    const without = ofService({ conditionalWrites: 'none' });
    expect(lackOf({ answers, isVersioned: true }, testRule({ tags: 'ignore' }), without)).toEqual(['pages']);
  },
);

test.each<[Question, string]>([
  ['replaces', 's3:PutObject'],
  ['completes', 's3:CompleteMultipartUpload'],
  ['deletes', 's3:DeleteObject'],
])('a service that refuses the right ETag is found out by "%s"', async (question, operation) => {
  aws.faults.plan = (request) =>
    request.operation === operation && 'headers' in request && request.headers['if-match'] !== undefined
      ? { kind: 'error', status: 412, code: 'PreconditionFailed' }
      : undefined;
  const { answers } = await probe();
  expect([answers[question], answers.refusesStale]).toEqual(['no', 'yes']);
});

// S3Proxy accepted up to six of eight overwrites of the same object, although it answers 412 to a write with a wrong ETag.
test.each<[Question, string, RegExp]>([
  ['creates', 'if-none-match', /-slowly$/],
  ['creates', 'if-none-match', /-at-once$/],
  ['refusesStale', 'if-match', /-slowly$/],
  ['refusesStale', 'if-match', /-at-once$/],
])(
  'a service that checks a condition only when the write begins is found out by "%s" (%s, %s)',
  async (question, header, keys) => {
    aws.faults.plan = (request) => {
      // Such a service checks the condition only when the write begins. Then it is still true, so removing the condition has the same
      // effect.
      if (request.operation === 's3:PutObject' && 'headers' in request && keys.test(request.path))
        delete request.headers[header];
      return undefined;
    };
    const { answers } = await probe();
    expect(answers[question]).toBe('no');
  },
);

test('a service that does not answer is not called unable', async () => {
  aws.faults.plan = (request) =>
    request.operation === 's3:PutObject' &&
    'headers' in request &&
    request.headers['if-none-match'] !== undefined
      ? { kind: 'error', status: 503, code: 'SlowDown' }
      : undefined;
  const { answers } = await probe();
  expect(answers.creates).toBe('unknown');
  expect(lackOf({ answers, isVersioned: true }, testRule(), ofService())).toContain('creates');
});

test('what the access key may not remove is named', async () => {
  aws.faults.plan = (request) =>
    request.operation === 's3:DeleteObject' && 'query' in request && request.query.includes('versionId')
      ? { kind: 'error', status: 403, code: 'AccessDenied' }
      : undefined;
  const { left } = await probe();
  expect(left.length).toBeGreaterThan(3);
  expect(left[0]).toMatch(/^in\/s3-replicator-probe-/);
});
