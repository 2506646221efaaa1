/** What the adapters make of S3's answers, among them those that mislead. */
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ObjectState } from '../../src/lib/model/ports.ts';
import { NO_ATTRIBUTES, NO_LOCK, REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { type ScriptedAws, s3Error, startScriptedAws } from '../model/scripted-aws.ts';
import { testDestination, testRule } from '../model/settings.ts';

let aws: ScriptedAws;
beforeAll(async () => {
  aws = await startScriptedAws();
});
afterAll(async () => {
  await aws[Symbol.asyncDispose]();
});
beforeEach(() => {
  aws.seen.length = 0;
});

const source = () => aws.buckets.source(testRule());
const destination = () => aws.buckets.destination(testDestination());
const s3Requests = () => aws.seen.filter(({ headers }) => !headers.authorization?.includes('/sts/'));

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

describe('reading the source', () => {
  test('a key that is not there is absent, with and without a body in the answer', async () => {
    aws.answer = (request, response) =>
      request.method === 'HEAD' ? response.writeHead(404).end() : s3Error(response, 404, 'NoSuchKey');
    expect(await source().look('k')).toEqual({ kind: 'absent' });
    expect(await source().open('k', null)).toBeNull();
  });

  test('a bucket that is not there is an error, not an absent key', async () => {
    aws.answer = (_request, response) => s3Error(response, 404, 'NoSuchBucket');
    await expect(source().open('k', null)).rejects.toMatchObject({
      reason: 'no-such-bucket',
      requestId: 'REQUEST1',
    });
  });

  test('a read is pinned by version and ETag, and a source replaced meanwhile is a lost race', async () => {
    aws.answer = (_request, response) => s3Error(response, 412, 'PreconditionFailed');
    await expect(source().read('k', PIN, { kind: 'whole' })).rejects.toMatchObject({ reason: 'lost-race' });
    expect(s3Requests()[0]?.url).toContain('versionId=v1');
    expect(s3Requests()[0]?.headers['if-match']).toBe(PIN.etag);
  });

  test('a server that ignores the pin is found out by the ETag of its answer', async () => {
    aws.answer = (_request, response) =>
      response.writeHead(200, { etag: '"other"', 'content-length': '1' }).end('b');
    await expect(source().read('k', PIN, { kind: 'whole' })).rejects.toMatchObject({ reason: 'lost-race' });
  });

  test('a server that ignores the range is found out by the length of its answer', async () => {
    aws.answer = (_request, response) =>
      response.writeHead(200, { etag: PIN.etag, 'content-length': '10' }).end('0123456789');
    const slice = { kind: 'range', firstByte: 0, lastByte: 4 } as const;
    await expect(source().read('k', PIN, slice)).rejects.toMatchObject({ reason: 'service-error' });
  });

  test('stored checksums are asked for without the SDK computing them again', async () => {
    // The value is wrong on purpose: validation by the SDK would throw.
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
  ])('%i %s is %s', async (status, code, reason) => {
    aws.answer = (_request, response) => s3Error(response, status, code);
    await expect(source().open('k', null)).rejects.toMatchObject({ reason });
  });

  test('a bodiless 400 is asked about with a GET, which says what is wrong', async () => {
    const head = (code: string) => {
      aws.answer = (request, response) =>
        request.method === 'HEAD' ? response.writeHead(400).end() : s3Error(response, 400, code);
      return source().look('k');
    };
    await expect(head('ExpiredToken')).rejects.toMatchObject({ reason: 'expired-credentials' });
    await expect(head('InvalidRequest')).rejects.toMatchObject({ reason: 'sse-c' });
    await expect(head('AuthorizationHeaderMalformed')).rejects.toMatchObject({ reason: 'wrong-region' });
  });

  test("a checksum of a multipart object without its type is not taken for the whole object's", async () => {
    aws.answer = (_request, response) =>
      response
        .writeHead(200, { etag: '"0123-2"', 'content-length': '1', 'x-amz-checksum-sha256': 'abc=' })
        .end('a');
    const found = await source().open('k', null);
    found?.body.destroy();
    expect(found?.state.checksum?.type).toBe('COMPOSITE');
  });

  test('metadata that S3 cannot return is not lost silently', async () => {
    aws.answer = (_request, response) =>
      response.writeHead(200, { etag: PIN.etag, 'content-length': '1', 'x-amz-missing-meta': '2' }).end('a');
    await expect(source().open('k', null)).rejects.toMatchObject({ reason: 'invalid-request' });
  });

  test('503 SlowDown is throttled, after the SDK has tried again itself', async () => {
    aws.answer = (_request, response) => s3Error(response, 503, 'SlowDown');
    await expect(source().look('k')).rejects.toMatchObject({ reason: 'throttled' });
    expect(s3Requests().length).toBe(3);
  });
});

describe('writing the destination', () => {
  const stored = { etag: PIN.etag, 'x-amz-version-id': 'r1' };

  test('what S3 has to check goes with the write, and nothing is hashed for the signature', async () => {
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

  test('an MD5 is sent where the ETag is one', async () => {
    aws.answer = (_request, response) => response.writeHead(200, stored).end();
    await put({ guard: { kind: 'md5', md5: 'DMF1ucDxtqgxw5niaXcmYQ==' } });
    expect(s3Requests()[0]?.headers['content-md5']).toBe('DMF1ucDxtqgxw5niaXcmYQ==');
    expect(s3Requests()[0]?.headers['if-none-match']).toBe('*');
  });

  test('a source body that breaks off ends the write instead of hanging', async () => {
    aws.answer = (_request, response) => response.writeHead(200, stored).end();
    const body = Readable.from(
      (async function* () {
        yield Buffer.alloc(10_000);
        throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
      })(),
    );
    await expect(put({ body, sizeBytes: 1_000_000 })).rejects.toMatchObject({ reason: 'connection-lost' });
  });

  test('an answer that comes before the body was sent gives the connection back', async () => {
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
    // Each was closed or used again; none is left waiting for a body that never comes.
    await expect.poll(() => aws.openSockets()).toBeLessThan(5);
  });

  test('bytes are tried again by the pair and not by the SDK as well', async () => {
    aws.answer = (_request, response) => s3Error(response, 503, 'SlowDown');
    await expect(put()).rejects.toMatchObject({ reason: 'throttled' });
    expect(s3Requests()).toHaveLength(1);
  });

  test('a 200 without an ETag proves nothing', async () => {
    aws.answer = (_request, response) => response.writeHead(200).end();
    await expect(put()).rejects.toMatchObject({ reason: 'service-error' });
  });

  test('a 200 with an error in its body is that error', async () => {
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

  test('an upload that is gone when it is completed is a lost race: the next look tells whether it was ours', async () => {
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
  ])('%i %s is %s', async (status, code, reason) => {
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
    // HEAD and PUT go through the two clients of the pair.
    await Promise.all([fresh.look('k'), write(), fresh.look('k'), write()]);
    expect(aws.seen.length - s3Requests().length).toBe(1);
  });

  test('credentials that S3 calls expired are fetched anew for the next call, whatever the clock says', async () => {
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
});
