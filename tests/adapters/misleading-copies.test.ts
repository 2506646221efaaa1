/** Copies inside S3, against a server with scripted responses. */
import { CopyObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { call } from '../../src/lib/aws/s3/client/call.ts';
import { createS3Clients } from '../../src/lib/aws/s3/client/clients.ts';
import type { Checksum, ReplicaAttributes } from '../../src/lib/model/ports.ts';
import { REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { s3Error } from '../model/scripted-aws.ts';
import { testDestination } from '../model/settings.ts';
import { aws, destination, forgetRequests, s3Requests, startScript, stopScript } from './scripted-s3.ts';

beforeAll(async () => {
  await startScript();
  aws.clients.copyConditions.set(testDestination().bucket, true);
});
afterAll(stopScript);
beforeEach(forgetRequests);

const answerText = (text: string, headers: Record<string, string> = {}, status = 200): void => {
  aws.answer = (_request, response) => response.writeHead(status, headers).end(text);
};

const CHECKSUM: Checksum = { algorithm: 'SHA256', type: 'FULL_OBJECT', value: 'value=' };
const from = (checksum: Checksum | null = null) => ({
  bucket: 'source',
  account: null,
  key: 'k',
  pin: { versionId: 'v+1', etag: '"e"', sizeBytes: 10, checksum },
});
const ways = {
  CopyObject: (attributes: Partial<ReplicaAttributes> = {}, checksum: Checksum | null = null) =>
    destination().copyObject({
      from: from(checksum),
      key: 'k',
      attributes: { ...REPLICA_ATTRIBUTES, ...attributes },
      precondition: { kind: 'unchanged', etag: '"d"' },
      unchecked: 'refuse',
    }),
  UploadPartCopy: () =>
    destination().copyPart({
      from: from(),
      key: 'k',
      uploadId: 'u',
      partNumber: 3,
      bytes: { first: 2, last: 4 },
    }),
};
const WAYS = ['CopyObject', 'UploadPartCopy'] as const;

describe.each(WAYS)('%s', (way) => {
  test(`${way} names and pins its source`, async () => {
    answerText(`<R><ETag>"r"</ETag></R>`);
    await ways[way]();
    expect(s3Requests()[0]?.headers).toMatchObject({
      'x-amz-copy-source': 'source/k?versionId=v%2B1',
      'x-amz-copy-source-if-match': '"e"',
    });
  });

  test.each([
    ['InternalError', 'service-error'],
    ['SlowDown', 'throttled'],
    ['AccessDenied', 'access-denied'],
    ['PreconditionFailed', 'lost-race'],
  ])(
    'a 200 with %s in its body has the reason %s, and the SDK does not retry the copy',
    async (code, reason) => {
      answerText(`<?xml version="1.0"?>\n   \n  <Error><Code>${code}</Code><Message>m</Message></Error>`);
      await expect(ways[way]()).rejects.toMatchObject({ reason });
      // Only PUT requests are counted, because after a refusal a GET asks who owns the bucket.
      expect(s3Requests().filter(({ method }) => method === 'PUT')).toHaveLength(1);
    },
  );

  test.each([
    ['empty', ''],
    ['white space', '  \n  '],
    ['without an ETag', '<R><LastModified>2026-11-22T00:00:00Z</LastModified></R>'],
    ['half a document', '<R><ETag>"r"</ET'],
  ])('a 200 whose body is %s does not prove the copy, which is retried', async (_what, text) => {
    answerText(text);
    await expect(ways[way]()).rejects.toMatchObject({ disposition: 'retry' });
  });

  test(`an answer to ${way} that is cut off is a lost connection`, async () => {
    aws.answer = (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('<R><ETag>"r"</ETag>', () => response.destroy());
    };
    await expect(ways[way]()).rejects.toMatchObject({ reason: 'connection-lost' });
  });

  test(`white space that S3 sends during ${way} is not part of the answer`, async () => {
    aws.answer = (_request, response) => {
      response.writeHead(200);
      response.write('<?xml version="1.0"?>\n');
      setTimeout(() => response.end('    \n  <R><ETag>"r"</ETag></R>'), 20);
    };
    expect(await ways[way]()).toMatchObject({ etag: '"r"' });
  });
});

describe.each(WAYS)('an error answered to %s', (way) => {
  test.each([
    [403, 'AccessDenied', 'access-denied'],
    [403, 'InvalidObjectState', 'archived'],
    [404, 'NoSuchVersion', 'lost-race'],
    [404, 'NoSuchUpload', 'lost-race'],
    [404, 'NoSuchBucket', 'no-such-bucket'],
    [409, 'ConditionalRequestConflict', 'lost-race'],
    [412, 'PreconditionFailed', 'lost-race'],
    [400, 'InvalidRequest', 'invalid-request'],
    [400, 'KMS.DisabledException', 'kms'],
    [501, 'NotImplemented', 'invalid-request'],
    [503, 'SlowDown', 'throttled'],
  ])('the answer %i %s to a copy has the reason %s', async (status, code, reason) => {
    aws.answer = (_request, response) => s3Error(response, status, code);
    await expect(ways[way]()).rejects.toMatchObject({ reason, requestId: 'REQUEST1' });
    expect(s3Requests()).toHaveLength(1);
  });
});

test('CopyObject sends all attributes of the replica and takes only the bytes from the source', async () => {
  answerText(`<R><ETag>"r"</ETag></R>`, {
    'x-amz-version-id': 'r1',
    'x-amz-server-side-encryption': 'AES256',
  });
  const written = await ways.CopyObject({ expires: 'never', metadata: { a: 'b' }, tags: { c: 'd' } });
  expect(written).toEqual({ versionId: 'r1', etag: '"r"', encryption: 'AES256', checksum: null });
  expect(s3Requests()[0]?.headers).toMatchObject({
    'x-amz-metadata-directive': 'REPLACE',
    'x-amz-tagging-directive': 'REPLACE',
    'x-amz-object-annotation-directive': 'EXCLUDE',
    'x-amz-meta-a': 'b',
    'x-amz-tagging': 'c=d',
    'if-match': '"d"',
    expires: 'never',
  });
});

test('CopyObject asks for the checksum algorithm of its source if the copy can have the same checksum', async () => {
  answerText(`<R><ETag>"r"</ETag><ChecksumSHA256>value=</ChecksumSHA256></R>`);
  expect((await ways.CopyObject({}, CHECKSUM)).checksum).toEqual(CHECKSUM);
  await ways.CopyObject({}, { ...CHECKSUM, type: 'COMPOSITE', value: 'value=-2' });
  await ways.CopyObject();
  expect(s3Requests().map(({ headers }) => headers['x-amz-checksum-algorithm'])).toEqual([
    'SHA256',
    undefined,
    undefined,
  ]);
});

test('InvalidRequest to a locked CopyObject means that the bucket has no Object Lock', async () => {
  aws.answer = (_request, response) => s3Error(response, 400, 'InvalidRequest');
  const lock = { retention: null, legalHold: true };
  await expect(ways.CopyObject({ lock })).rejects.toMatchObject({ reason: 'object-lock' });
});

test('UploadPartCopy names the upload, the part and its bytes', async () => {
  answerText(`<R><ETag>"r"</ETag><ChecksumCRC32>abc=</ChecksumCRC32></R>`);
  expect(await ways.UploadPartCopy()).toEqual({
    partNumber: 3,
    etag: '"r"',
    checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'abc=' },
  });
  expect(s3Requests()[0]?.url).toMatch(/^\/replica\/k\?.*partNumber=3.*uploadId=u/);
  expect(s3Requests()[0]?.headers['x-amz-copy-source-range']).toBe('bytes=2-4');
});

test('a copy during which S3 stays silent for too long fails as no-answer', async () => {
  aws.answer = () => undefined;
  const clients = createS3Clients({
    region: 'eu-central-1',
    sessionName: 'test',
    ownAccount: async () => '111111111111',
  });
  const target = {
    clients,
    pair: () => clients.own(null),
    bucket: 'b',
    signal: new AbortController().signal,
    name: 'bucket b',
    side: 'destination' as const,
    watch: null,
  };
  const command = new CopyObjectCommand({
    Bucket: 'b',
    Key: 'k',
    CopySource: 'source/k',
    ExpectedSourceBucketOwner: '111111111111',
  });
  const waiting = call(target, 'CopyObject', (client, options) => client.send(command, options), {
    patienceMs: 200,
  });
  await expect(waiting).rejects.toMatchObject({ reason: 'no-answer' });
});
