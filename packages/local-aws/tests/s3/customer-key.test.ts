/** Sources: User Guide "Using server-side encryption with customer-provided keys", "Blocking or unblocking SSE-C". */
import { createHash, randomBytes } from 'node:crypto';
import {
  GetBucketEncryptionCommand,
  GetObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
const Bucket = 'secrets';

beforeAll(async () => {
  harness = await startHarness();
  harness.secure = true;
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
  await block(Bucket, 'NONE');
});
afterAll(() => harness.close());

const block = (bucket: string, type: 'NONE' | 'SSE-C') =>
  harness.client.send(
    new PutBucketEncryptionCommand({
      Bucket: bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [
          {
            ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
            BlockedEncryptionTypes: { EncryptionType: [type] },
          },
        ],
      },
    }),
  );
const keyParameters = (key: Buffer) => ({
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: key.toString('base64'),
  SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
});
const KEY = keyParameters(randomBytes(32));
const put = (Key: string, more: object = {}) =>
  harness.client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from('secret'), ...more }));
const get = (Key: string, more: object = {}) =>
  harness.client.send(new GetObjectCommand({ Bucket, Key, ...more }));

test('a customer key sent without TLS is refused', async () => {
  harness.secure = false;
  await expect(put('k', KEY)).rejects.toThrow('must be made over a secure connection');
  harness.secure = true;
});

test('a bucket refuses new objects under customer keys while SSE-C is blocked, as it is at first', async () => {
  harness.s3.createBucket({ name: 'new', accountId: SOURCE, region: REGION });
  expect(await codeOf(put('k', { Bucket: 'new', ...KEY }))).toBe('AccessDenied');
  const read = async () =>
    (await harness.client.send(new GetBucketEncryptionCommand({ Bucket: 'new' })))
      .ServerSideEncryptionConfiguration?.Rules?.[0]?.BlockedEncryptionTypes?.EncryptionType;
  expect(await read()).toEqual(['SSE-C']);
  await block('new', 'NONE');
  expect(await read()).toBeUndefined();
  await put('k', { Bucket: 'new', ...KEY });
  await block('new', 'SSE-C');
  await get('k', { Bucket: 'new', ...KEY });
  expect(await codeOf(put('k', { Bucket: 'new', ...KEY }))).toBe('AccessDenied');
});

const SSEKMSKeyId = `arn:aws:kms:${REGION}:${SOURCE}:key/0123`;

test("a KMS key's policy sees the writer's encryption context, on reads too", async () => {
  const SSEKMSEncryptionContext = Buffer.from(JSON.stringify({ Team: 'red' })).toString('base64');
  harness.questions.length = 0;
  await put('context', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId, SSEKMSEncryptionContext });
  await get('context');
  const contexts = harness.questions
    .filter(({ action }) => action.startsWith('kms:'))
    .map(({ context }) => context?.['kms:encryptioncontext:team']);
  expect(contexts).toEqual(['red', 'red']);
  const wrong = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId, SSEKMSEncryptionContext: 'e30x' };
  expect(await codeOf(put('context', wrong))).toBe('InvalidArgument');
});
