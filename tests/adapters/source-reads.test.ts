/** How the source adapter interprets S3's responses, including misleading ones. */
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ObjectState } from '../../src/lib/model/ports.ts';
import { NO_ATTRIBUTES, NO_LOCK } from '../model/memory-buckets.ts';
import { s3Error } from '../model/scripted-aws.ts';
import { aws, forgetRequests, s3Requests, source, startScript, stopScript } from './scripted-s3.ts';

beforeAll(startScript);
afterAll(stopScript);
beforeEach(forgetRequests);

const PIN: ObjectState = {
  versionId: 'v1',
  etag: '"0cc175b9c0f1b6a831c399e269772661"',
  sizeBytes: 1,
  lastModifiedMs: 0,
  encryption: 'AES256',
  checksum: null,
  attributes: NO_ATTRIBUTES,
  tagCount: 0,
  lock: NO_LOCK,
};

test('a key that does not exist is absent, with and without a body in the answer', async () => {
  aws.answer = (request, response) =>
    request.method === 'HEAD' ? response.writeHead(404).end() : s3Error(response, 404, 'NoSuchKey');
  expect(await source().look('k')).toEqual({ kind: 'absent' });
  expect(await source().open('k', null)).toBeNull();
});

test('a bucket that does not exist is an error, not an absent key', async () => {
  aws.answer = (_request, response) => s3Error(response, 404, 'NoSuchBucket');
  await expect(source().open('k', null)).rejects.toMatchObject({
    reason: 'no-such-bucket',
    requestId: 'REQUEST1',
  });
});

test('a read is pinned by version and ETag, and fails as a lost race if the source was replaced', async () => {
  aws.answer = (_request, response) => s3Error(response, 412, 'PreconditionFailed');
  await expect(source().read('k', PIN, { kind: 'whole' })).rejects.toMatchObject({ reason: 'lost-race' });
  expect(s3Requests()[0]?.url).toContain('versionId=v1');
  expect(s3Requests()[0]?.headers['if-match']).toBe(PIN.etag);
});

test('a read notices by the ETag of the answer that a server ignored the pin', async () => {
  aws.answer = (_request, response) =>
    response.writeHead(200, { etag: '"other"', 'content-length': '1' }).end('b');
  await expect(source().read('k', PIN, { kind: 'whole' })).rejects.toMatchObject({ reason: 'lost-race' });
});

test('a read notices by the length of the answer that a server ignored the range', async () => {
  aws.answer = (_request, response) =>
    response.writeHead(200, { etag: PIN.etag, 'content-length': '10' }).end('0123456789');
  const slice = { kind: 'range', firstByte: 0, lastByte: 4 } as const;
  await expect(source().read('k', PIN, slice)).rejects.toMatchObject({ reason: 'service-error' });
});

test('a read asks for the stored checksum, and the SDK does not compute it again', async () => {
  // The checksum below is wrong on purpose. If the SDK validated it, the SDK would throw.
  aws.answer = (_request, response) =>
    response
      .writeHead(200, {
        etag: PIN.etag,
        'content-length': '1',
        'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=',
        'x-amz-checksum-type': 'FULL_OBJECT',
        expires: 'never, says the uploader',
      })
      .end('a');
  const found = await source().open('k', null);
  expect(found && (await text(found.body))).toBe('a');
  expect(found?.state.checksum).toEqual({
    algorithm: 'CRC64NVME',
    type: 'FULL_OBJECT',
    value: 'AAAAAAAAAAA=',
  });
  expect(found?.state.attributes.expires).toBe('never, says the uploader');
  expect(s3Requests()[0]?.headers['x-amz-checksum-mode']).toBe('ENABLED');
});

test.each([
  [403, 'AccessDenied', 'access-denied'],
  [403, 'InvalidObjectState', 'archived'],
  [400, 'InvalidRequest', 'sse-c'],
  [400, 'KMS.DisabledException', 'kms'],
  [400, 'KMS.KMSInvalidStateException', 'kms'],
  [400, 'KMS.ThrottlingException', 'throttled'],
  [500, 'KMS.KMSInternalException', 'service-error'],
  [403, 'InvalidAccessKeyId', 'expired-credentials'],
  [307, 'TemporaryRedirect', 'service-error'],
  [501, 'NotImplemented', 'invalid-request'],
  [409, 'InvalidBucketState', 'invalid-request'],
  [301, 'PermanentRedirect', 'wrong-region'],
  [400, 'ExpiredToken', 'expired-credentials'],
])('the answer %i %s to a read has the reason %s', async (status, code, reason) => {
  aws.answer = (_request, response) => s3Error(response, status, code);
  await expect(source().open('k', null)).rejects.toMatchObject({ reason });
});

test('after a HEAD answered 400 without a body, a GET finds the reason', async () => {
  const head = (code: string) => {
    aws.answer = (request, response) =>
      request.method === 'HEAD' ? response.writeHead(400).end() : s3Error(response, 400, code);
    return source().look('k');
  };
  await expect(head('ExpiredToken')).rejects.toMatchObject({ reason: 'expired-credentials' });
  await expect(head('InvalidRequest')).rejects.toMatchObject({ reason: 'sse-c' });
  await expect(head('AuthorizationHeaderMalformed')).rejects.toMatchObject({ reason: 'wrong-region' });
});

test('a checksum of a multipart object without a type counts as composite', async () => {
  aws.answer = (_request, response) =>
    response
      .writeHead(200, { etag: '"0123-2"', 'content-length': '1', 'x-amz-checksum-sha256': 'abc=' })
      .end('a');
  const found = await source().open('k', null);
  found?.body.destroy();
  expect(found?.state.checksum?.type).toBe('COMPOSITE');
});

test('an object with metadata that S3 cannot return is refused', async () => {
  aws.answer = (_request, response) =>
    response.writeHead(200, { etag: PIN.etag, 'content-length': '1', 'x-amz-missing-meta': '2' }).end('a');
  await expect(source().open('k', null)).rejects.toMatchObject({ reason: 'invalid-request' });
});

test('503 SlowDown has the reason throttled after the SDK has retried the call', async () => {
  aws.answer = (_request, response) => s3Error(response, 503, 'SlowDown');
  await expect(source().look('k')).rejects.toMatchObject({ reason: 'throttled' });
  expect(s3Requests().length).toBe(3);
});
