import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, OTHER, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
const Bucket = 'copies';

beforeAll(async () => {
  harness = await startHarness();
  harness.s3.createBucket({
    name: Bucket,
    accountId: SOURCE,
    region: REGION,
    VersioningConfiguration: { Status: 'Enabled' },
  });
});
afterAll(() => harness.close());

const put = (Key: string, Body: string | Buffer, more: object = {}) =>
  harness.client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(Body), ...more }));
const copy = (from: string, Key: string, more: object = {}) =>
  harness.client.send(
    new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${encodeURIComponent(from)}`, ...more }),
  );
const head = (Key: string) => harness.client.send(new HeadObjectCommand({ Bucket, Key }));

test('a copy does not inherit the storage class of its source', async () => {
  await put('classed', '', { StorageClass: 'STANDARD_IA' });
  await copy('classed', 'unclassed');
  expect((await head('unclassed')).StorageClass).toBeUndefined();
});

test('a copy of a multipart object with composite checksums has a checksum of the whole object', async () => {
  const Key = 'pieces';
  const { UploadId } = await harness.client.send(
    new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'CRC32' }),
  );
  const part = { Bucket, Key, UploadId, PartNumber: 1, Body: 'whole', ChecksumAlgorithm: 'CRC32' as const };
  const { ETag, ChecksumCRC32 } = await harness.client.send(new UploadPartCommand(part));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32 }] };
  await harness.client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
  const copied = await copy(Key, 'whole');
  expect(copied.CopyObjectResult?.ChecksumCRC32).toMatch(/^[^-]*$/);
});

test('the bytes of a copy outlive the deletion of its source', async () => {
  harness.s3.createBucket({ name: 'sharing', accountId: SOURCE, region: REGION });
  const before = readdirSync(harness.directory).length;
  const bytes = randomBytes(100_000);
  const send = harness.client;
  await send.send(new PutObjectCommand({ Bucket: 'sharing', Key: 'a', Body: bytes }));
  await send.send(new CopyObjectCommand({ Bucket: 'sharing', Key: 'b', CopySource: 'sharing/a' }));
  expect(readdirSync(harness.directory).length).toBe(before + 1);
  await send.send(new DeleteObjectCommand({ Bucket: 'sharing', Key: 'a' }));
  const answer = await send.send(new GetObjectCommand({ Bucket: 'sharing', Key: 'b' }));
  expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true);
  await send.send(new DeleteObjectCommand({ Bucket: 'sharing', Key: 'b' }));
  await expect.poll(() => readdirSync(harness.directory).length).toBe(before);
});

test('a source that was not modified since the named date is not copied', async () => {
  await put('guarded', 'x');
  const condition = { CopySourceIfModifiedSince: new Date(harness.clock.nowMs) };
  expect(await codeOf(copy('guarded', 'guarded-copy', condition))).toBe('PreconditionFailed');
  expect(await codeOf(head('guarded-copy'))).toBe('NotFound');
});

test('a copy from a bucket that does not exist is NoSuchBucket', async () => {
  expect(await codeOf(copy('x', 'to', { CopySource: 'no-such-bucket/x' }))).toBe('NoSuchBucket');
});

test('a copy needs permission to read the source and its tags and to write the destination', async () => {
  await put('rights', 'x', { Tagging: 'k=v' });
  for (const action of ['s3:GetObject', 's3:GetObjectTagging', 's3:PutObject']) {
    harness.deny = (question) => question.action === action;
    expect(await codeOf(copy('rights', 'rights-copy'))).toBe('AccessDenied');
  }
  harness.deny = null;
  await copy('rights', 'rights-copy');
});

test('a copy between accounts is authorized with the owner of each bucket', async () => {
  harness.s3.createBucket({ name: 'theirs', accountId: OTHER, region: REGION });
  await put('across', 'x');
  harness.questions.length = 0;
  await harness.client.send(
    new CopyObjectCommand({ Bucket: 'theirs', Key: 'across', CopySource: `${Bucket}/across` }),
  );
  expect(harness.questions.map(({ action, resourceAccountId }) => [action, resourceAccountId])).toEqual([
    ['s3:GetObject', SOURCE],
    ['s3:PutObject', OTHER],
  ]);
});

test.each([
  ['0-8', 'must be of the form bytes=first-last'],
  ['bytes=1-0', 'must be of the form bytes=first-last'],
  ['bytes=-2', 'must be of the form bytes=first-last'],
  ['bytes=0-100', 'Range specified is not valid for source object of size: 10'],
  ['bytes=100-200', 'The specified copy range is invalid for the source object size'],
])('UploadPartCopy of the range %s of a ten-byte object is refused', async (CopySourceRange, message) => {
  await put('ten', '0123456789');
  const { UploadId } = await harness.client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'ranged' }));
  const part = { Bucket, Key: 'ranged', UploadId, PartNumber: 1, CopySource: `${Bucket}/ten` };
  await expect(harness.client.send(new UploadPartCopyCommand({ ...part, CopySourceRange }))).rejects.toThrow(
    message,
  );
});
