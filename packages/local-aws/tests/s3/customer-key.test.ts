/** Sources: User Guide "Using server-side encryption with customer-provided keys", "Blocking or unblocking SSE-C". */
import { createHash, randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetBucketEncryptionCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
const OTHER_KEY = keyParameters(randomBytes(32));
const put = (Key: string, more: object = {}) =>
  harness.client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from('secret'), ...more }));
const get = (Key: string, more: object = {}) =>
  harness.client.send(new GetObjectCommand({ Bucket, Key, ...more }));
const head = (Key: string, more: object = {}) =>
  harness.client.send(new HeadObjectCommand({ Bucket, Key, ...more }));

describe('an object under a customer’s key', () => {
  test('is read with that key, and no MD5 is its ETag', async () => {
    const written = await put('k', KEY);
    expect(written).toMatchObject({
      SSECustomerAlgorithm: 'AES256',
      SSECustomerKeyMD5: KEY.SSECustomerKeyMD5,
    });
    expect(written.ServerSideEncryption).toBeUndefined();
    expect(written.ETag).not.toContain(createHash('md5').update('secret').digest('hex'));
    expect(await (await get('k', KEY)).Body?.transformToString()).toBe('secret');
    expect((await head('k', KEY)).SSECustomerKeyMD5).toBe(KEY.SSECustomerKeyMD5);
  });

  test('without the key is 400, also for a HEAD that has no body to say so', async () => {
    await put('k', KEY);
    await expect(get('k')).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining('stored using a form of Server Side Encryption'),
      $metadata: { httpStatusCode: 400 },
    });
    expect(await codeOf(head('k'))).toBe('400');
  });

  test('with another key is 403', async () => {
    await put('k', KEY);
    expect(await codeOf(get('k', OTHER_KEY))).toBe('AccessDenied');
    expect(await codeOf(head('k', OTHER_KEY))).toBe('403');
  });

  test('is copied with the source’s key', async () => {
    await put('k', KEY);
    const copy = (more: object) =>
      harness.client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/k`, ...more }));
    expect(await codeOf(copy({}))).toBe('InvalidRequest');
    await copy({
      CopySourceSSECustomerAlgorithm: 'AES256',
      CopySourceSSECustomerKey: KEY.SSECustomerKey,
      CopySourceSSECustomerKeyMD5: KEY.SSECustomerKeyMD5,
    });
    expect(await (await get('copy')).Body?.transformToString()).toBe('secret');
  });

  test('in parts takes the key with each part', async () => {
    const upload = { Bucket, Key: 'parts' };
    const { UploadId } = await harness.client.send(new CreateMultipartUploadCommand({ ...upload, ...KEY }));
    const part = { ...upload, UploadId, PartNumber: 1, Body: Buffer.from('secret') };
    expect(await codeOf(harness.client.send(new UploadPartCommand(part)))).toBe('InvalidRequest');
    expect(await codeOf(harness.client.send(new UploadPartCommand({ ...part, ...OTHER_KEY })))).toBe(
      'InvalidRequest',
    );
    const { ETag, ChecksumCRC32 } = await harness.client.send(new UploadPartCommand({ ...part, ...KEY }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32 }] };
    await harness.client.send(
      new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload, ...KEY }),
    );
    expect(await codeOf(get('parts'))).toBe('InvalidRequest');
    await get('parts', KEY);
  });
});

test('a key for an object without one is refused', async () => {
  await put('open');
  expect(await codeOf(get('open', KEY))).toBe('InvalidRequest');
});

test('a key that does not match its MD5, or has another length, is refused', async () => {
  const send = (bytes: Buffer, md5Of: Buffer) =>
    harness.raw('PUT', `/${Bucket}/refused`, {
      headers: {
        'x-amz-server-side-encryption-customer-algorithm': 'AES256',
        'x-amz-server-side-encryption-customer-key': bytes.toString('base64'),
        'x-amz-server-side-encryption-customer-key-md5': createHash('md5').update(md5Of).digest('base64'),
      },
      body: 'x',
    });
  const mismatched = await send(randomBytes(32), randomBytes(32));
  expect(mismatched.body).toContain('The calculated MD5 hash of the key did not match');
  const short = randomBytes(16);
  expect((await send(short, short)).body).toContain(
    'The secret key was invalid for the specified algorithm.',
  );
});

test('a key together with another encryption is refused', async () => {
  expect(await codeOf(put('k', { ...KEY, ServerSideEncryption: 'aws:kms' }))).toBe('InvalidArgument');
});

test('a key over a connection without TLS is refused', async () => {
  harness.secure = false;
  await expect(put('k', KEY)).rejects.toThrow('must be made over a secure connection');
  harness.secure = true;
});

test('a new bucket takes no objects under customers’ keys until that is unblocked', async () => {
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

describe('encryption under a KMS key', () => {
  const SSEKMSKeyId = `arn:aws:kms:${REGION}:${SOURCE}:key/0123`;

  test('shows the writer’s encryption context to the key’s policy, on reads too', async () => {
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

  test('in two layers has no bucket key', async () => {
    const written = await put('dsse', {
      ServerSideEncryption: 'aws:kms:dsse',
      SSEKMSKeyId,
      BucketKeyEnabled: true,
    });
    expect(written).toMatchObject({ ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId });
    expect(written.BucketKeyEnabled).toBeUndefined();
  });
});
