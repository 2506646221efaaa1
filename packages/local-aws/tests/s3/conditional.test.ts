import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
const Bucket = 'conditional';

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

const put = (Key: string, Body: string, more: object = {}) =>
  harness.client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(Body), ...more }));
const remove = (Key: string, more: object = {}) =>
  harness.client.send(new DeleteObjectCommand({ Bucket, Key, ...more }));
const read = async (Key: string, more: object = {}) =>
  (await harness.client.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body?.transformToString();

const startUpload = async (Key: string) => {
  const { UploadId } = await harness.client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const part = await harness.client.send(
    new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'part' }),
  );
  const Parts = [{ PartNumber: 1, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 }];
  return {
    UploadId,
    complete: (more: object = {}) =>
      harness.client.send(
        new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }),
      ),
  };
};

/**
 * Starts a PUT and sends all bytes of its body except the last one. The returned `finish` sends the last
 * byte.
 */
const slowPut = (key: string, headers: Record<string, string>) => {
  const request = httpRequest({
    host: '127.0.0.1',
    port: harness.port,
    method: 'PUT',
    path: `/${Bucket}/${key}`,
    agent: false,
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=AKIA${SOURCE}/20261122/${REGION}/s3/aws4_request, x`,
      'content-length': '4',
      ...headers,
    },
  });
  request.write('slo');
  return {
    finish: () =>
      new Promise<number>((resolve, reject) => {
        request.on('response', (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        request.on('error', reject);
        request.end('w');
      }),
  };
};

test('If-None-Match is evaluated at commit: one of two racing creators fails even if both started with no object', async () => {
  const slow = slowPut('race', { 'if-none-match': '*' });
  await expect.poll(() => harness.questions.some(({ resource }) => resource.endsWith('/race'))).toBe(true);
  await put('race', 'fast', { IfNoneMatch: '*' });
  expect(await slow.finish()).toBe(412);
  expect(await read('race')).toBe('fast');
});

test('a completion with If-None-Match is a permanent 409 if an object was deleted since the upload was created', async () => {
  await put('multi-deleted', 'there');
  const upload = await startUpload('multi-deleted');
  expect(await codeOf(upload.complete({ IfNoneMatch: '*' }))).toBe('PreconditionFailed');
  await remove('multi-deleted');
  expect(await codeOf(upload.complete({ IfNoneMatch: '*' }))).toBe('ConditionalRequestConflict');
  expect(await codeOf(upload.complete({ IfNoneMatch: '*' }))).toBe('ConditionalRequestConflict');
  await (await startUpload('multi-deleted')).complete({ IfNoneMatch: '*' });
  expect(await read('multi-deleted')).toBe('part');
});

test('a completion with If-Match is a 409 if even the same bytes were written since the upload was created', async () => {
  const { ETag } = await put('multi-match', 'same');
  const upload = await startUpload('multi-match');
  await put('multi-match', 'same');
  expect(await codeOf(upload.complete({ IfMatch: ETag }))).toBe('ConditionalRequestConflict');
  await (await startUpload('multi-match')).complete({ IfMatch: ETag });
  expect(await read('multi-match')).toBe('part');
});

test('a completion with If-Match is a 404 if the object was deleted', async () => {
  const { ETag } = await put('multi-gone', 'body');
  const upload = await startUpload('multi-gone');
  await remove('multi-gone');
  expect(await codeOf(upload.complete({ IfMatch: ETag }))).toBe('NoSuchKey');
});

test('a write with If-Match: * is NotImplemented', async () => {
  expect(await codeOf(put('any', '', { IfMatch: '*' }))).toBe('NotImplemented');
});

test('a write with both If-Match and If-None-Match is NotImplemented', async () => {
  expect(await codeOf(put('both', '', { IfMatch: '"x"', IfNoneMatch: '*' }))).toBe('NotImplemented');
});

test('a write or delete with If-Match needs s3:GetObject as well', async () => {
  const { ETag } = await put('rights', 'one');
  harness.deny = ({ action }) => action === 's3:GetObject';
  expect(await codeOf(put('rights', 'two', { IfMatch: ETag }))).toBe('AccessDenied');
  expect(await codeOf(remove('rights', { IfMatch: ETag }))).toBe('AccessDenied');
  await put('rights', 'three');
  harness.deny = null;
});

test('a write with If-Match is a 409 if a delete commits while its body arrives', async () => {
  const { ETag } = await put('deleted-meanwhile', 'one');
  harness.questions.length = 0;
  const slow = slowPut('deleted-meanwhile', { 'if-match': ETag ?? '' });
  await expect.poll(() => harness.questions.length).toBeGreaterThan(0);
  await remove('deleted-meanwhile');
  expect(await slow.finish()).toBe(409);
});

test('a bucket policy can require a conditional write', async () => {
  harness.deny = ({ action, context }) =>
    action === 's3:PutObject' &&
    context?.['s3:if-none-match'] === undefined &&
    context?.['s3:objectcreationoperation'] === 'true';
  expect(await codeOf(put('demanded', ''))).toBe('AccessDenied');
  await put('demanded', '', { IfNoneMatch: '*' });
  const upload = await startUpload('demanded-multi');
  expect(await codeOf(upload.complete())).toBe('AccessDenied');
  await upload.complete({ IfNoneMatch: '*' });
  harness.deny = null;
});

test('a delete with If-Match is a 404 if there is no object or a delete marker', async () => {
  expect(await codeOf(remove('delete-absent', { IfMatch: '"x"' }))).toBe('NoSuchKey');
  const { ETag } = await put('delete-gone', 'one');
  await remove('delete-gone');
  expect(await codeOf(remove('delete-gone', { IfMatch: ETag }))).toBe('NoSuchKey');
});

test('a delete with If-Match: * needs any object to exist, but not s3:GetObject', async () => {
  await put('delete-any', 'one');
  harness.deny = ({ action }) => action === 's3:GetObject';
  await remove('delete-any', { IfMatch: '*' });
  harness.deny = null;
  expect(await codeOf(remove('delete-any', { IfMatch: '*' }))).toBe('NoSuchKey');
});

const same = 'Sun, 22 Nov 2026 10:00:00 GMT';
const after = 'Mon, 23 Nov 2026 10:00:00 GMT';
let etag = '';
beforeAll(async () => {
  etag = (await put('read', 'body')).ETag ?? '';
});

test.each([
  [{ 'if-match': '"other", E' }, 200],
  [{ 'if-none-match': '*' }, 304],
  [{ 'if-modified-since': same }, 304],
  [{ 'if-modified-since': after }, 200],
  [{ 'if-unmodified-since': after }, 200],
  [{ 'if-none-match': '"other"', 'if-modified-since': same }, 200],
  [{ 'if-modified-since': 'yesterday' }, 200],
])('a read with the conditions %j is answered with %i', async (conditions, status) => {
  const headers = Object.fromEntries(
    Object.entries(conditions).map(([name, value]) => [name, value.replace('E', etag)]),
  );
  for (const method of ['GET', 'HEAD']) {
    const answer = await harness.raw(method, `/${Bucket}/read`, { headers });
    expect(answer.status).toBe(status);
    if (status === 304) expect(answer.headers.etag).toBe(etag);
  }
});
