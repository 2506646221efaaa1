/** Copies inside S3 and what is left of uploads, from a server that answers as it is told. */
import type { ServerResponse } from 'node:http';
import { CopyObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { call } from '../../src/lib/aws/s3/call.ts';
import { createS3Clients } from '../../src/lib/aws/s3/clients.ts';
import type { Checksum, ReplicaAttributes } from '../../src/lib/model/ports.ts';
import { REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { type ScriptedAws, s3Error, startScriptedAws } from '../model/scripted-aws.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { collected } from './collected.ts';

let aws: ScriptedAws;
beforeAll(async () => {
  aws = await startScriptedAws();
  await aws.clients.copyConditions.areChecked(testDestination().bucket, async () => true);
});
afterAll(async () => {
  await aws[Symbol.asyncDispose]();
});
beforeEach(() => {
  aws.seen.length = 0;
});

const destination = () => aws.buckets.destination(testDestination());
const s3Requests = () => aws.seen.filter(({ headers }) => !headers.authorization?.includes('/sts/'));
const answerText = (text: string, headers: Record<string, string> = {}, status = 200): void => {
  aws.answer = (_request, response) => response.writeHead(status, headers).end(text);
};

const CHECKSUM: Checksum = { algorithm: 'SHA256', type: 'FULL_OBJECT', value: 'value=' };
const from = (checksum: Checksum | null = null) => ({
  bucket: 'source',
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
  test('names and pins what it copies', async () => {
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
  ])('an answer of 200 that holds %s is %s, and is not asked for again by the SDK', async (code, reason) => {
    answerText(`<?xml version="1.0"?>\n   \n  <Error><Code>${code}</Code><Message>m</Message></Error>`);
    await expect(ways[way]()).rejects.toMatchObject({ reason });
    expect(s3Requests()).toHaveLength(1);
  });

  test.each([
    ['nothing', ''],
    ['white space', '  \n  '],
    ['no ETag', '<R><LastModified>2026-11-22T00:00:00Z</LastModified></R>'],
    ['half a document', '<R><ETag>"r"</ET'],
  ])('an answer of 200 that holds %s proves nothing', async (_what, text) => {
    answerText(text);
    await expect(ways[way]()).rejects.toMatchObject({ disposition: 'retry' });
  });

  test('an answer that breaks off is a lost connection', async () => {
    aws.answer = (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('<R><ETag>"r"</ETag>', () => response.destroy());
    };
    await expect(ways[way]()).rejects.toMatchObject({ reason: 'connection-lost' });
  });

  test('white space that S3 sends while it copies is no part of the answer', async () => {
    aws.answer = (_request, response) => {
      response.writeHead(200);
      response.write('<?xml version="1.0"?>\n');
      setTimeout(() => response.end('    \n  <R><ETag>"r"</ETag></R>'), 20);
    };
    expect(await ways[way]()).toMatchObject({ etag: '"r"' });
  });

  test.each([
    [403, 'AccessDenied', 'access-denied'],
    [403, 'InvalidObjectState', 'archived'],
    [404, 'NoSuchKey', 'lost-race'],
    [404, 'NoSuchVersion', 'lost-race'],
    [404, 'NoSuchUpload', 'lost-race'],
    [404, 'NoSuchBucket', 'no-such-bucket'],
    [409, 'ConditionalRequestConflict', 'lost-race'],
    [412, 'PreconditionFailed', 'lost-race'],
    [400, 'InvalidRequest', 'invalid-request'],
    [400, 'KMS.DisabledException', 'kms'],
    [501, 'NotImplemented', 'invalid-request'],
    [503, 'SlowDown', 'throttled'],
  ])('%i %s is %s', async (status, code, reason) => {
    aws.answer = (_request, response) => s3Error(response, status, code);
    await expect(ways[way]()).rejects.toMatchObject({ reason, requestId: 'REQUEST1' });
    expect(s3Requests()).toHaveLength(1);
  });
});

describe('CopyObject', () => {
  test('asks for all of the replica and none of the source but its bytes', async () => {
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

  test('asks for the checksum of its source where the copy can have the same', async () => {
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

  test('with a lock, InvalidRequest means that the bucket has no Object Lock', async () => {
    aws.answer = (_request, response) => s3Error(response, 400, 'InvalidRequest');
    const lock = { retention: null, legalHold: true };
    await expect(ways.CopyObject({ lock })).rejects.toMatchObject({ reason: 'object-lock' });
  });
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

test('a silent S3 is waited for as long as the copy may take, and then taken for lost', async () => {
  aws.answer = () => undefined;
  const clients = createS3Clients({ region: 'eu-central-1', sessionName: 'test' });
  const target = {
    clients,
    pair: () => clients.own,
    signal: new AbortController().signal,
    name: 'bucket b',
  };
  const command = new CopyObjectCommand({ Bucket: 'b', Key: 'k', CopySource: 'source/k' });
  const waiting = call(target, 'CopyObject', (client, options) => client.send(command, options), {
    patienceMs: 200,
  });
  await expect(waiting).rejects.toMatchObject({ reason: 'connection-lost' });
});

test('the size of a part comes with the number of parts, where the server knows what part numbers are', async () => {
  const part = (headers: Record<string, string>) => {
    answerText('', { etag: '"e"', 'content-length': '7', ...headers }, 206);
    return aws.buckets.source(testRule()).part('k', from().pin, 2);
  };
  expect(await part({ 'x-amz-mp-parts-count': '3' })).toEqual({ parts: 3, sizeBytes: 7 });
  expect(s3Requests()[0]?.url).toContain('partNumber=2');
  expect(await part({})).toBeNull();
  expect(await part({ 'x-amz-mp-parts-count': '3', etag: '"of-the-part"' })).toBeNull();
});

describe('a HEAD of a part that is refused without a word', () => {
  const PART = { etag: '"e"', 'content-length': '7', 'x-amz-mp-parts-count': '3' };
  const part = (refusals: number, onGet: (response: ServerResponse) => void) => {
    let left = refusals;
    aws.answer = ({ method }, response) => {
      if (method === 'GET') onGet(response);
      else if (left-- > 0) response.writeHead(400).end();
      else response.writeHead(206, PART).end();
    };
    return aws.buckets.source(testRule()).part('k', from().pin, 2);
  };
  const isFine = (response: ServerResponse) =>
    void response.writeHead(206, { etag: '"e"', 'content-length': '1' }).end('x');

  test('is asked for once more where the object can be read', async () => {
    expect(await part(1, isFine)).toEqual({ parts: 3, sizeBytes: 7 });
    expect(s3Requests().map(({ method }) => method)).toEqual(['HEAD', 'GET', 'HEAD']);
  });

  test('is a part number that the server does not know, where it stays so', async () => {
    await expect(part(Infinity, isFine)).rejects.toMatchObject({ reason: 'invalid-request' });
  });

  test('is what GET says it is', async () => {
    const expired = (response: ServerResponse) => s3Error(response, 400, 'ExpiredToken');
    await expect(part(Infinity, expired)).rejects.toMatchObject({ reason: 'expired-credentials' });
  });
});

describe('ListParts', () => {
  const parts = (after = 0) => collected(destination().parts({ key: 'k', uploadId: 'u', after }));
  const part = (number: number) =>
    `<Part><PartNumber>${number}</PartNumber><ETag>"${number}"</ETag><Size>5</Size>` +
    `<LastModified>2026-11-22T00:00:00Z</LastModified><ChecksumCRC32>abc=</ChecksumCRC32></Part>`;
  const page = (numbers: number[], isTruncated: boolean | null, more = '') =>
    `<R>${isTruncated === null ? '' : `<IsTruncated>${isTruncated}</IsTruncated>`}${more}${numbers.map(part).join('')}</R>`;

  test('goes on behind the last part of each page, and keeps checksums', async () => {
    aws.answer = ({ url = '' }, response) => {
      const marker = Number(new URL(url, 'http://s3').searchParams.get('part-number-marker') ?? 0);
      response.end(page([marker + 1, marker + 2], marker < 6));
    };
    const listed = await parts(2);
    expect(listed.map(({ partNumber }) => partNumber)).toEqual([3, 4, 5, 6, 7, 8]);
    expect(listed[0]).toEqual({
      partNumber: 3,
      etag: '"3"',
      sizeBytes: 5,
      lastModifiedMs: Date.UTC(2026, 10, 22),
      checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'abc=' },
    });
  });

  test('asks for a page only when somebody wants it', async () => {
    answerText(page([1, 2], true));
    for await (const { partNumber } of destination().parts({ key: 'k', uploadId: 'u', after: 0 }))
      if (partNumber === 2) break;
    expect(s3Requests()).toHaveLength(1);
  });

  test.each([
    ['does not say whether it is all', page([1], null)],
    ['is empty and not all', page([], true)],
    ['begins again', page([1], true)],
    ['lacks the size of a part', page([1], false).replace('<Size>5</Size>', '')],
  ])('an answer that %s is none', async (_what, text) => {
    answerText(text);
    await expect(parts()).rejects.toMatchObject({ reason: 'service-error' });
  });

  test.each([
    [404, 'NoSuchUpload', 'lost-race'],
    [404, 'NoSuchBucket', 'no-such-bucket'],
    [403, 'AccessDenied', 'access-denied'],
  ])('%i %s is %s', async (status, code, reason) => {
    aws.answer = (_request, response) => s3Error(response, status, code);
    await expect(parts()).rejects.toMatchObject({ reason });
  });
});

describe('ListMultipartUploads', () => {
  const uploads = (prefix = '') => collected(destination().uploads(prefix));
  const upload = (key: string, id: string, initiator = '<Initiator><ID>arn</ID></Initiator>') =>
    `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>2026-11-22T00:00:00Z</Initiated>${initiator}</Upload>`;
  const page = (entries: string[], isTruncated: boolean | null) =>
    `<R><EncodingType>url</EncodingType>${isTruncated === null ? '' : `<IsTruncated>${isTruncated}</IsTruncated>`}${entries.join('')}</R>`;

  test('goes on behind the last upload of each page, also within a key', async () => {
    const pages = [
      page([upload('a%2Bb+c', '1'), upload('a%2Bb+c', '2')], true),
      page([upload('a%2Bb+c', '3', '')], false),
    ];
    aws.answer = (_request, response) => response.end(pages[s3Requests().length - 1]);
    expect(await uploads('a')).toEqual([
      { key: 'a+b c', uploadId: '1', initiatedMs: Date.UTC(2026, 10, 22), initiator: 'arn' },
      { key: 'a+b c', uploadId: '2', initiatedMs: Date.UTC(2026, 10, 22), initiator: 'arn' },
      { key: 'a+b c', uploadId: '3', initiatedMs: Date.UTC(2026, 10, 22), initiator: null },
    ]);
    const [first, second] = s3Requests().map(({ url }) => new URL(url, 'http://s3').searchParams);
    expect([first?.get('prefix'), first?.has('key-marker')]).toEqual(['a', false]);
    expect([second?.get('key-marker'), second?.get('upload-id-marker')]).toEqual(['a+b c', '2']);
  });

  test.each([
    ['does not say whether it is all', page([upload('k', '1')], null)],
    ['is empty and not all', page([], true)],
    ['begins again', page([upload('k', '1')], true)],
    ['lacks a date', page([upload('k', '1').replace(/<Initiated>.*<\/Initiated>/, '')], false)],
  ])('an answer that %s is none', async (_what, text) => {
    answerText(text);
    await expect(uploads()).rejects.toMatchObject({ reason: 'service-error' });
  });
});
