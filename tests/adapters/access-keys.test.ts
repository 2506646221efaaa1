/** Buckets of another S3 service, whose access key is in a secret. A second local AWS plays the service. */
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { clientConfig, type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { createBuckets } from '../../src/lib/aws/s3/buckets.ts';
import { createS3Clients } from '../../src/lib/aws/s3/client/clients.ts';
import { NO_ATTRIBUTES, NO_LOCK } from '../../src/lib/model/no-attributes.ts';
import type { DestinationBucket } from '../../src/lib/model/ports.ts';
import type { S3Service, ServiceDestination } from '../../src/lib/model/rule.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

const STRANGER = '333333333333';

let local: LocalBuckets;
let other: LocalAws;
beforeAll(async () => {
  [local, other] = await Promise.all([startLocalBuckets(), startLocalAws()]);
  other.s3.createBucket({ name: 'replica', accountId: STRANGER, region: 'eu-central-1' });
});
afterEach(() => {
  vi.restoreAllMocks();
  local.aws.faults.plan = undefined;
  other.faults.plan = undefined;
});
afterAll(async () => {
  await Promise.all([local[Symbol.asyncDispose](), other.stop()]);
});

const putSecret = (name: string, text: string, accountId = '111111111111'): string =>
  local.aws.secretsmanager.put({ accountId, region: 'eu-central-1', name, text });

const serviceWith = (secretArn: string): S3Service => ({
  endpoint: other.httpEndpoint,
  addressing: 'path',
  secretArn,
});

/** Each test has clients of its own, because clients remember keys. */
const openReplica = (
  secretArn: string,
  conditionalWrites: ServiceDestination['conditionalWrites'] = 'required',
  name = 'replica',
): DestinationBucket => {
  const clients = createS3Clients({
    region: 'eu-central-1',
    sessionName: 'test',
    ownAccount: async () => '111111111111',
  });
  const destination: ServiceDestination = {
    ...testDestination({ bucket: name }),
    roleArn: null,
    externalId: null,
    account: null,
    service: serviceWith(secretArn),
    conditionalWrites,
  };
  return createBuckets(clients, new AbortController().signal).destination(destination);
};

const keyText = (key = other.root(STRANGER)): string =>
  JSON.stringify({ accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey });

const put = (bucket: DestinationBucket, key: string) =>
  bucket.put({
    key,
    body: Buffer.from('meow'),
    sizeBytes: 4,
    attributes: { ...NO_ATTRIBUTES, tags: {}, lock: NO_LOCK },
    precondition: { kind: 'absent' },
    guard: { kind: 'compute' },
  });

test('an object is written to another service with the key in the secret, which is read once, and no request names an owner', async () => {
  const secretArn = putSecret('once', keyText());
  let reads = 0;
  local.aws.faults.plan = ({ operation }) => {
    if (operation === 'secretsmanager:GetSecretValue') reads += 1;
    return undefined;
  };
  const owners: unknown[] = [];
  other.faults.plan = (request) => {
    if ('headers' in request) owners.push(request.headers['x-amz-expected-bucket-owner']);
    return undefined;
  };
  const bucket = openReplica(secretArn);
  await Promise.all(['a', 'b', 'c'].map((key) => put(bucket, key)));
  expect(await bucket.look('a')).toMatchObject({ kind: 'object', state: { sizeBytes: 4 } });
  expect(reads).toBe(1);
  expect(owners.length).toBeGreaterThan(3);
  expect(owners.filter((owner) => owner !== undefined)).toEqual([]);
  const stored = new S3Client(clientConfig(other, other.root(STRANGER), { tls: false }));
  const { Body: body } = await stored.send(new GetObjectCommand({ Bucket: 'replica', Key: 'b' }));
  expect(await body?.transformToString()).toBe('meow');
  stored.destroy();
});

test('a source of another service is read with its key', async () => {
  await put(openReplica(putSecret('source', keyText())), 'read');
  const { source } = testRule();
  const rule = testRule({
    source: {
      ...source,
      bucket: 'replica',
      events: 'none',
      region: 'eu-central-1',
      service: serviceWith(putSecret('source', keyText())),
    },
  });
  const shown = await local.buckets.source(rule).look('read');
  expect(shown).toMatchObject({ kind: 'object', state: { sizeBytes: 4 } });
});

test('a key that is rotated while the function runs is read again, and the next try succeeds', async () => {
  const old = other.iam.createSession(createRole('old'), 'old', 3_600).credentials;
  const secretArn = putSecret('rotated', JSON.stringify(old));
  const bucket = openReplica(secretArn);
  await put(bucket, 'before');
  other.faults.plan = (request) =>
    'headers' in request && String(request.headers.authorization).includes(old.accessKeyId)
      ? { kind: 'error', status: 403, code: 'SignatureDoesNotMatch' }
      : undefined;
  // Within a minute after the last read, the secret is not read again.
  await expect(put(bucket, 'during')).rejects.toMatchObject({ reason: 'access-denied' });
  putSecret('rotated', keyText());
  const { now } = Date;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + 61_000);
  await expect(put(bucket, 'during')).rejects.toMatchObject({ reason: 'expired-credentials' });
  await put(bucket, 'during');
  expect(await bucket.look('during')).toMatchObject({ kind: 'object' });
});

const createRole = (roleName: string): string =>
  other.iam.putRole({
    accountId: STRANGER,
    roleName,
    assumeRolePolicy: { Statement: [] },
    policies: [{ Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] }],
  }).arn;

test.each([
  ['that does not exist', () => 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:none-abc123'],
  ['that the role may not read', () => putSecret('foreign', keyText(), STRANGER)],
  ['without an access key', () => putSecret('empty', '{"user": "me"}')],
  ['that is no JSON', () => putSecret('text', 'hunter2')],
])('a secret %s is reported as such', async (_, secret) => {
  const secretArn = secret();
  await expect(put(openReplica(secretArn), 'x')).rejects.toMatchObject({
    reason: 'secret-unreadable',
    side: 'destination',
    message: expect.stringContaining(secretArn),
  });
});

test('a throttled Secrets Manager is asked again', async () => {
  let asked = 0;
  local.aws.faults.plan = ({ operation }) => {
    if (operation !== 'secretsmanager:GetSecretValue') return undefined;
    asked += 1;
    return asked === 1 ? { kind: 'error', status: 400, code: 'ThrottlingException' } : undefined;
  };
  await put(openReplica(putSecret('throttled', keyText())), 'throttled');
  expect(asked).toBe(2);
});

test('with `conditionalWrites: none` no request has a condition, and a look finds what somebody else wrote', async () => {
  const secretArn = putSecret('unconditional', keyText());
  const bucket = openReplica(secretArn, 'none');
  const conditions: unknown[] = [];
  other.faults.plan = (request) => {
    if (request.operation !== 's3:PutObject' && request.operation !== 's3:DeleteObject') return undefined;
    if ('headers' in request)
      conditions.push(request.headers['if-match'] ?? request.headers['if-none-match']);
    return undefined;
  };
  await put(bucket, 'looked');
  expect(conditions).toEqual([undefined]);
  await expect(put(bucket, 'looked')).rejects.toMatchObject({ reason: 'lost-race' });
  const shown = await bucket.look('looked');
  const etag = shown.kind === 'object' ? shown.state.etag : '';
  await expect(bucket.remove({ key: 'looked', etag: '"other"' })).rejects.toMatchObject({
    reason: 'lost-race',
  });
  await bucket.remove({ key: 'looked', etag });
  expect(conditions).toEqual([undefined, undefined]);
  expect(await bucket.look('looked')).toEqual({ kind: 'absent' });
});

test('a service that refuses If-None-Match over a delete marker gets the object in the next round', async () => {
  other.s3.createBucket({
    name: 'versioned',
    accountId: STRANGER,
    region: 'eu-central-1',
    VersioningConfiguration: { Status: 'Enabled' },
  });
  const bucket = openReplica(putSecret('markers', keyText()), 'required', 'versioned');
  const { etag } = await put(bucket, 'back');
  await bucket.remove({ key: 'back', etag });
  other.faults.plan = (request) =>
    request.operation === 's3:PutObject' &&
    'headers' in request &&
    request.headers['if-none-match'] !== undefined
      ? { kind: 'error', status: 412, code: 'PreconditionFailed' }
      : undefined;
  await expect(put(bucket, 'back')).rejects.toMatchObject({ reason: 'lost-race' });
  await put(bucket, 'back');
  expect(await bucket.look('back')).toMatchObject({ kind: 'object' });
});
