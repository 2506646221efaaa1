/** The requests that the destination adapter sends, and how it interprets S3's responses. */
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { s3Error } from '../model/scripted-aws.ts';
import { testDestination } from '../model/settings.ts';
import { aws, destination, forgetRequests, s3Requests, startScript, stopScript } from './scripted-s3.ts';

beforeAll(startScript);
afterAll(stopScript);
beforeEach(forgetRequests);

const put = (fields: object = {}) =>
  destination().put({
    key: 'k',
    body: Buffer.from('a'),
    sizeBytes: 1,
    attributes: REPLICA_ATTRIBUTES,
    precondition: { kind: 'absent' },
    guard: { kind: 'none' },
    ...fields,
  });

const stored = { etag: '"0cc175b9c0f1b6a831c399e269772661"', 'x-amz-version-id': 'r1' };

test('a write carries the checksum for S3 to verify, and its body is not hashed for the signature', async () => {
  aws.answer = (_request, response) => response.writeHead(200, stored).end();
  const checksum = { algorithm: 'SHA256', type: 'FULL_OBJECT', value: 'value=' } as const;
  const attributes = { ...REPLICA_ATTRIBUTES, expires: 'tomorrow', metadata: { owner: 'me' } };
  await put({
    guard: { kind: 'checksum', checksum },
    attributes,
    precondition: { kind: 'unchanged', etag: '"e"' },
  });
  const { headers } = s3Requests()[0]!;
  expect(headers).toMatchObject({
    'x-amz-checksum-sha256': 'value=',
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    'x-amz-meta-owner': 'me',
    expires: 'tomorrow',
    'if-match': '"e"',
  });
  expect(Object.keys(headers).filter((name) => name.startsWith('x-amz-checksum-'))).toEqual([
    'x-amz-checksum-sha256',
  ]);
  expect(headers).not.toHaveProperty('expect');
});

test('a write sends an MD5 if the ETag of the source is one', async () => {
  aws.answer = (_request, response) => response.writeHead(200, stored).end();
  await put({ guard: { kind: 'md5', md5: 'DMF1ucDxtqgxw5niaXcmYQ==' } });
  expect(s3Requests()[0]?.headers['content-md5']).toBe('DMF1ucDxtqgxw5niaXcmYQ==');
  expect(s3Requests()[0]?.headers['if-none-match']).toBe('*');
});

test('a source body that breaks ends the write as connection-lost instead of hanging', async () => {
  aws.answer = (_request, response) => response.writeHead(200, stored).end();
  const body = Readable.from(
    (async function* () {
      yield Buffer.alloc(10_000);
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    })(),
  );
  await expect(put({ body, sizeBytes: 1_000_000 })).rejects.toMatchObject({ reason: 'connection-lost' });
});

test('an answer that comes before the whole body was sent releases the connection', async () => {
  const sockets = new Set<unknown>();
  for (let attempt = 0; attempt < 20; attempt++) {
    aws.early = (request, response) => {
      sockets.add(request.socket);
      s3Error(response, 412, 'PreconditionFailed');
    };
    const body = Readable.from(Array.from({ length: 100 }, () => Buffer.alloc(65_536)));
    await expect(put({ body, sizeBytes: 6_553_600 })).rejects.toMatchObject({ reason: 'lost-race' });
  }
  aws.early = null;
  // Each connection was closed or used again. No connection still waits for the rest of a body.
  await expect.poll(() => aws.openSockets()).toBeLessThan(5);
});

test('the SDK does not retry a write, because the pair of read and write is retried', async () => {
  aws.answer = (_request, response) => s3Error(response, 503, 'SlowDown');
  await expect(put()).rejects.toMatchObject({ reason: 'throttled' });
  expect(s3Requests()).toHaveLength(1);
});

test('a write answered 200 without an ETag is not proven and is retried', async () => {
  aws.answer = (_request, response) => response.writeHead(200).end();
  await expect(put()).rejects.toMatchObject({ reason: 'service-error' });
});

test('a completion answered 200 with an error in its body fails with that error', async () => {
  aws.answer = (_request, response) => s3Error(response, 200, 'InternalError');
  const complete = destination().completeUpload({
    key: 'k',
    uploadId: 'u',
    parts: [{ partNumber: 1, etag: '"e"', checksum: null }],
    sizeBytes: 1,
    checksum: null,
    precondition: { kind: 'absent' },
  });
  await expect(complete).rejects.toMatchObject({ reason: 'service-error' });
});

test('the completion of an upload that is gone fails as a lost race, so that a fresh look shows whether it succeeded', async () => {
  aws.answer = (_request, response) => s3Error(response, 404, 'NoSuchUpload');
  const upload = { key: 'k', uploadId: 'u' };
  await expect(
    destination().completeUpload({
      ...upload,
      parts: [{ partNumber: 1, etag: '"e"', checksum: null }],
      sizeBytes: 1,
      checksum: null,
      precondition: { kind: 'absent' },
    }),
  ).rejects.toMatchObject({ reason: 'lost-race' });
  await expect(destination().abortUpload(upload)).resolves.toBeUndefined();
});

test.each([
  [412, 'PreconditionFailed', 'lost-race'],
  [409, 'ConditionalRequestConflict', 'lost-race'],
  [404, 'NoSuchKey', 'lost-race'],
  [404, 'NoSuchBucket', 'no-such-bucket'],
  [403, 'AccessDenied', 'access-denied'],
  [400, 'BadDigest', 'bad-checksum'],
  [400, 'InvalidArgument', 'invalid-request'],
])('the answer %i %s to a write has the reason %s', async (status, code, reason) => {
  aws.answer = (_request, response) => s3Error(response, status, code);
  await expect(put()).rejects.toMatchObject({ reason });
});

test('calls that need credentials at the same time share one answer of STS', async () => {
  aws.answer = (request, response) =>
    request.method === 'HEAD' ? response.writeHead(404).end() : response.writeHead(200, stored).end();
  const fresh = aws.buckets.destination(testDestination({ externalId: 'never-used-before' }));
  const write = () =>
    fresh.put({
      key: 'k',
      body: Buffer.from('a'),
      sizeBytes: 1,
      attributes: REPLICA_ATTRIBUTES,
      precondition: { kind: 'absent' },
      guard: { kind: 'none' },
    });
  // HEAD requests and PUT requests go through two separate S3 clients.
  await Promise.all([fresh.look('k'), write(), fresh.look('k'), write()]);
  expect(aws.seen.length - s3Requests().length).toBe(1);
});

test('after S3 answers ExpiredToken the next call fetches new credentials, even before they expire by the clock', async () => {
  const assumed = () => aws.seen.length - s3Requests().length;
  aws.answer = (_request, response) => response.writeHead(200, stored).end();
  await put();
  const before = assumed();
  await put();
  expect(assumed()).toBe(before);
  aws.answer = (_request, response) => s3Error(response, 400, 'ExpiredToken');
  await expect(put()).rejects.toMatchObject({ reason: 'expired-credentials' });
  aws.answer = (_request, response) => response.writeHead(200, stored).end();
  await put();
  expect(assumed()).toBe(before + 1);
});

test('no request is sent for an empty key, because it would concern the bucket itself', async () => {
  aws.answer = (_request, response) => response.writeHead(204).end();
  await expect(put({ key: '' })).rejects.toMatchObject({ reason: 'empty-key' });
  await expect(destination().remove({ key: '', etag: '"e"' })).rejects.toMatchObject({ reason: 'empty-key' });
  await expect(destination().look('')).rejects.toMatchObject({ reason: 'empty-key' });
  expect(s3Requests()).toEqual([]);
});
