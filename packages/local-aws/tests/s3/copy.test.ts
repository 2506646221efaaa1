import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
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
const read = async (Key: string) =>
  (await harness.client.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();

test('a copy carries bytes, ETag, content headers, metadata and tags over', async () => {
  const { ETag, VersionId } = await put('from here+ü', 'body', {
    ContentType: 'text/x',
    Metadata: { a: 'b' },
    Tagging: 'k=v',
  });
  const copied = await copy('from here+ü', 'to');
  expect(copied.CopyObjectResult?.ETag).toBe(ETag);
  expect(copied.CopySourceVersionId).toBe(VersionId);
  expect(await head('to')).toMatchObject({ ETag, ContentType: 'text/x', Metadata: { a: 'b' }, TagCount: 1 });
  expect(await read('to')).toBe('body');
});

test('storage class and redirect are not carried over', async () => {
  await put('classed', '', { StorageClass: 'STANDARD_IA', WebsiteRedirectLocation: '/x' });
  await copy('classed', 'unclassed');
  const copied = await head('unclassed');
  expect(copied.StorageClass).toBeUndefined();
  expect(copied.WebsiteRedirectLocation).toBeUndefined();
});

test('the directives replace metadata and tags', async () => {
  await put('directed', '', { Metadata: { a: 'b' }, Tagging: 'k=v', ContentType: 'text/x' });
  await copy('directed', 'replaced', {
    MetadataDirective: 'REPLACE',
    Metadata: { c: 'd' },
    TaggingDirective: 'REPLACE',
    Tagging: 'l=w',
  });
  expect(await head('replaced')).toMatchObject({
    Metadata: { c: 'd' },
    ContentType: 'binary/octet-stream',
  });
  const { TagSet } = await harness.client.send(new GetObjectTaggingCommand({ Bucket, Key: 'replaced' }));
  expect(TagSet).toEqual([{ Key: 'l', Value: 'w' }]);
});

test('a named version is what is copied', async () => {
  const { VersionId } = await put('versioned', 'one');
  await put('versioned', 'two');
  await copy('versioned', 'old', { CopySource: `${Bucket}/versioned?versionId=${VersionId}` });
  expect(await read('old')).toBe('one');
});

test('a copy of a multipart object is one piece with an MD5 of its own', async () => {
  const Key = 'pieces';
  const { UploadId } = await harness.client.send(
    new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'CRC32' }),
  );
  const Parts = [];
  for (const [index, Body] of [randomBytes(5 * 1024 ** 2), Buffer.from('end')].entries()) {
    const part = await harness.client.send(
      new UploadPartCommand({
        Bucket,
        Key,
        UploadId,
        PartNumber: index + 1,
        Body,
        ChecksumAlgorithm: 'CRC32',
      }),
    );
    Parts.push({ PartNumber: index + 1, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 });
  }
  await harness.client.send(
    new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
  );
  const copied = await copy(Key, 'whole');
  expect(copied.CopyObjectResult?.ETag).toMatch(/^"[0-9a-f]{32}"$/);
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

test('an object cannot be copied onto itself unchanged', async () => {
  await put('itself', 'x');
  expect(await codeOf(copy('itself', 'itself'))).toBe('InvalidRequest');
  await copy('itself', 'itself', { MetadataDirective: 'REPLACE', Metadata: { new: 'yes' } });
  expect((await head('itself')).Metadata).toEqual({ new: 'yes' });
});

test('conditions on the source are judged before anything is copied', async () => {
  const { ETag } = await put('guarded', 'x');
  await copy('guarded', 'guarded-1', { CopySourceIfMatch: ETag });
  expect(await codeOf(copy('guarded', 'guarded-2', { CopySourceIfMatch: '"y"' }))).toBe('PreconditionFailed');
  expect(await codeOf(copy('guarded', 'guarded-2', { CopySourceIfNoneMatch: ETag }))).toBe(
    'PreconditionFailed',
  );
  expect(
    await codeOf(copy('guarded', 'guarded-2', { CopySourceIfModifiedSince: new Date(harness.clock.nowMs) })),
  ).toBe('PreconditionFailed');
  expect(await codeOf(head('guarded-2'))).toBe('NotFound');
});

test('a missing source is NoSuchKey, a missing bucket NoSuchBucket', async () => {
  expect(await codeOf(copy('nothing', 'to'))).toBe('NoSuchKey');
  expect(await codeOf(copy('x', 'to', { CopySource: 'no-such-bucket/x' }))).toBe('NoSuchBucket');
});

test('a copy takes the right to read there, to read tags, and to write here', async () => {
  await put('rights', 'x', { Tagging: 'k=v' });
  for (const action of ['s3:GetObject', 's3:GetObjectTagging', 's3:PutObject']) {
    harness.deny = (question) => question.action === action;
    expect(await codeOf(copy('rights', 'rights-copy'))).toBe('AccessDenied');
  }
  harness.deny = null;
  await copy('rights', 'rights-copy');
});

test('between accounts the owner of each bucket is asked about', async () => {
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
])('a part of the range %s of ten bytes is refused', async (CopySourceRange, message) => {
  await put('ten', '0123456789');
  const { UploadId } = await harness.client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'ranged' }));
  const part = { Bucket, Key: 'ranged', UploadId, PartNumber: 1, CopySource: `${Bucket}/ten` };
  await expect(harness.client.send(new UploadPartCopyCommand({ ...part, CopySourceRange }))).rejects.toThrow(
    message,
  );
});
