import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, OTHER, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
const Bucket = 'objects';

beforeAll(async () => {
  harness = await startHarness();
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
});
afterAll(() => harness.close());

const put = (Key: string, Body: string | Buffer, more: object = {}) =>
  harness.client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(Body), ...more }));
const head = (Key: string, more: object = {}) =>
  harness.client.send(new HeadObjectCommand({ Bucket, Key, ...more }));
const get = (Key: string, more: object = {}) =>
  harness.client.send(new GetObjectCommand({ Bucket, Key, ...more }));
const bodyOf = async (Key: string, more: object = {}) => {
  const answer = await get(Key, more);
  return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
};

describe('storing and reading', () => {
  test('an object comes back byte for byte with the MD5 as its ETag', async () => {
    const bytes = randomBytes(300_000);
    const written = await put('plain', bytes);
    expect(written.ETag).toBe(`"${createHash('md5').update(bytes).digest('hex')}"`);
    expect((await bodyOf('plain')).equals(bytes)).toBe(true);
  });

  test('an object of no bytes is an object', async () => {
    await put('empty', '');
    const answer = await head('empty');
    expect(answer.ContentLength).toBe(0);
    expect(answer.ETag).toBe('"d41d8cd98f00b204e9800998ecf8427e"');
  });

  test.each([
    'folder/',
    'a b+c&d=e?f#g%h',
    'ключ/日本語/🪣',
    'double//slash',
    './',
    '..',
    'control\u0001\u001f\u007f',
    'new\nline\ttab\rreturn',
    '<xml>&"\'',
    'x'.repeat(1024),
    'é'.repeat(512),
    '\u{10ffff}\ufffd',
  ])('a key like %j survives a write, a listing and a read', async (key) => {
    const path = `/${Bucket}/${encodeURIComponent(key)}`;
    expect((await harness.raw('PUT', path, { body: key })).status).toBe(200);
    expect((await harness.raw('GET', path)).body).toBe(key);
    const listed = await harness.client.send(
      new ListObjectsV2Command({ Bucket, Prefix: key, EncodingType: 'url' }),
    );
    const keys = (listed.Contents ?? []).map((entry) =>
      decodeURIComponent((entry.Key ?? '').replaceAll('+', ' ')),
    );
    expect(keys).toContain(key);
  });

  test('a key of more than 1,024 bytes is refused though it has fewer characters', async () => {
    expect(await codeOf(put('é'.repeat(513), ''))).toBe('KeyTooLongError');
  });

  test('a missing key is NoSuchKey, and a HEAD of it has no body', async () => {
    expect(await codeOf(get('nothing'))).toBe('NoSuchKey');
    const answer = await harness.raw('HEAD', `/${Bucket}/nothing`);
    expect(answer.status).toBe(404);
    expect(answer.body).toBe('');
    expect(answer.headers['x-amz-request-id']).toBeDefined();
  });

  test('without s3:ListBucket a missing key is 403 instead of 404', async () => {
    harness.deny = ({ action }) => action === 's3:ListBucket';
    try {
      expect(await codeOf(get('nothing'))).toBe('AccessDenied');
      expect((await harness.raw('HEAD', `/${Bucket}/nothing`)).status).toBe(403);
    } finally {
      harness.deny = null;
    }
  });

  test('content headers, metadata, redirect and storage class are kept verbatim', async () => {
    await put('described', 'x', {
      ContentType: 'text/plain; charset=utf-8',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de, en',
      ContentDisposition: 'attachment; filename="a b.txt"',
      CacheControl: 'max-age=60',
      WebsiteRedirectLocation: '/elsewhere',
      StorageClass: 'STANDARD_IA',
      Metadata: { colour: 'blue', Mixed: 'Case kept' },
    });
    const answer = await head('described');
    expect(answer).toMatchObject({
      ContentType: 'text/plain; charset=utf-8',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de, en',
      ContentDisposition: 'attachment; filename="a b.txt"',
      CacheControl: 'max-age=60',
      WebsiteRedirectLocation: '/elsewhere',
      StorageClass: 'STANDARD_IA',
      Metadata: { colour: 'blue', mixed: 'Case kept' },
      ServerSideEncryption: 'AES256',
    });
  });

  test('Expires is kept as text even when it is no date', async () => {
    const path = `/${Bucket}/expires`;
    await harness.raw('PUT', path, { headers: { expires: 'never, I hope' }, body: 'x' });
    expect((await harness.raw('HEAD', path)).headers.expires).toBe('never, I hope');
  });

  test('an object without a type is binary/octet-stream', async () => {
    const path = `/${Bucket}/untyped`;
    await harness.raw('PUT', path, { body: 'x' });
    expect((await harness.raw('HEAD', path)).headers['content-type']).toBe('binary/octet-stream');
  });

  test('aws-chunked is not kept as a content encoding', async () => {
    await put('chunk-encoded', Buffer.alloc(100), { ChecksumAlgorithm: 'CRC32', ContentEncoding: 'gzip' });
    expect((await head('chunk-encoded')).ContentEncoding).toBe('gzip');
  });

  test('user metadata over 2 KB is refused and of exactly 2 KB is kept', async () => {
    expect(await codeOf(put('big-meta', '', { Metadata: { a: 'x'.repeat(2048) } }))).toBe('MetadataTooLarge');
    await put('big-meta', '', { Metadata: { a: 'x'.repeat(2047) } });
    expect((await head('big-meta')).Metadata?.['a']).toHaveLength(2047);
  });

  test('metadata beyond ASCII comes back encoded as RFC 2047 says', async () => {
    const path = `/${Bucket}/unicode-meta`;
    await harness.raw('PUT', path, {
      headers: { 'x-amz-meta-word': '=?UTF-8?B?w4TDlsOc?=', 'x-amz-meta-bytes': 'caf\u00c3\u00a9 au lait' },
      body: '',
    });
    const { headers } = await harness.raw('HEAD', path);
    expect(headers['x-amz-meta-word']).toBe('=?UTF-8?B?w4TDlsOc?=');
    expect(headers['x-amz-meta-bytes']).toBe('=?UTF-8?Q?caf=C3=83=C2=A9_au_lait?=');
  });

  test('an unknown storage class is refused', async () => {
    expect(await codeOf(put('class', '', { StorageClass: 'WARM' }))).toBe('InvalidStorageClass');
  });

  test('an archived object has metadata but no bytes', async () => {
    await put('archived', 'frozen', { StorageClass: 'DEEP_ARCHIVE' });
    expect(await codeOf(get('archived'))).toBe('InvalidObjectState');
    expect((await head('archived')).StorageClass).toBe('DEEP_ARCHIVE');
  });

  test('ACL headers are refused where the bucket owner owns everything', async () => {
    expect(await codeOf(put('acl', '', { ACL: 'public-read' }))).toBe('AccessControlListNotSupported');
    await put('acl', '', { ACL: 'bucket-owner-full-control' });
  });

  test('a wrong expected bucket owner is 403', async () => {
    expect(await codeOf(head('plain', { ExpectedBucketOwner: OTHER }))).toBe('403');
    await head('plain', { ExpectedBucketOwner: SOURCE });
    const listing = (ExpectedBucketOwner: string) =>
      harness.client.send(new ListObjectsV2Command({ Bucket, ExpectedBucketOwner }));
    expect(await codeOf(listing(OTHER))).toBe('AccessDenied');
    expect(await codeOf(listing('me'))).toBe('InvalidBucketOwnerAWSAccountID');
  });

  test.each(['x-amz-checksum-sha512', 'x-amz-checksum-xxhash64', 'x-amz-checksum-md5'])(
    'a checksum this S3 cannot compute (%s) is refused, not ignored',
    async (name) => {
      const answer = await harness.raw('PUT', `/${Bucket}/sum`, { headers: { [name]: 'AAAA' }, body: 'x' });
      expect(answer.status).toBe(501);
    },
  );

  test('an upload of more than 5 GiB in one piece is refused before its bytes come', async () => {
    const answer = await harness.raw('PUT', `/${Bucket}/huge`, {
      headers: { 'content-length': String(5 * 1024 ** 3 + 1), expect: '100-continue' },
    });
    expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('EntityTooLarge') });
  });

  test('a body of unknown length is refused', async () => {
    const answer = await harness.raw('PUT', `/${Bucket}/lengthless`, {
      headers: { 'transfer-encoding': 'chunked' },
      body: 'abc',
    });
    expect(answer.status).toBe(411);
    expect(answer.body).toContain('MissingContentLength');
  });

  test('an upload that is cut in the middle leaves nothing behind', async () => {
    const filesBefore = readdirSync(harness.directory).length;
    const socket = connect(harness.port, '127.0.0.1', () => {
      socket.write(
        `PUT /${Bucket}/cut HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000000\r\n` +
          `Authorization: AWS4-HMAC-SHA256 Credential=AKIA${SOURCE}/20261122/${REGION}/s3/aws4_request, x\r\n\r\n`,
      );
      socket.write(Buffer.alloc(4_000_000));
    });
    await expect.poll(() => readdirSync(harness.directory).length).toBe(filesBefore + 1);
    socket.destroy();
    await expect.poll(() => readdirSync(harness.directory).length).toBe(filesBefore);
    expect(await codeOf(get('cut'))).toBe('NoSuchKey');
  });

  test('the bytes of a large object leave the disk with its last version', async () => {
    const before = readdirSync(harness.directory).length;
    await put('on-disk', randomBytes(200_000));
    expect(readdirSync(harness.directory).length).toBe(before + 1);
    await harness.client.send(new DeleteObjectCommand({ Bucket, Key: 'on-disk' }));
    await expect.poll(() => readdirSync(harness.directory).length).toBe(before);
    expect(existsSync(harness.directory)).toBe(true);
  });

  test('a read that has begun gets the old bytes to the end while the object is overwritten', async () => {
    const old = randomBytes(6_000_000);
    await put('overwritten', old);
    const answer = await get('overwritten');
    await put('overwritten', 'new');
    expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? []).equals(old)).toBe(true);
    expect((await bodyOf('overwritten')).toString()).toBe('new');
  });

  test('a reader that goes away in the middle lets go of the bytes', async () => {
    const before = readdirSync(harness.directory).length;
    await put('left', randomBytes(20_000_000));
    await new Promise<void>((resolve) => {
      const socket = connect(harness.port, '127.0.0.1', () =>
        socket.write(
          `GET /${Bucket}/left HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
            `Authorization: AWS4-HMAC-SHA256 Credential=AKIA${SOURCE}/20261122/${REGION}/s3/aws4_request, x\r\n\r\n`,
        ),
      );
      socket.once('data', () => socket.destroy());
      socket.on('close', () => resolve());
    });
    await harness.client.send(new DeleteObjectCommand({ Bucket, Key: 'left' }));
    await expect.poll(() => readdirSync(harness.directory).length).toBe(before);
  });

  test('a bucket can be named in the host', async () => {
    await put('hosted', 'by name');
    const answer = await harness.raw('GET', '/hosted', { headers: { host: `${Bucket}.localhost:1` } });
    expect(answer.body).toBe('by name');
  });
});

describe('ranges', () => {
  const bytes = Buffer.from('0123456789');
  beforeAll(() => put('ranged', bytes));

  test.each([
    ['bytes=0-0', '0', 'bytes 0-0/10'],
    ['bytes=3-5', '345', 'bytes 3-5/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=5-100', '56789', 'bytes 5-9/10'],
    ['bytes=-100', '0123456789', 'bytes 0-9/10'],
  ])('%s answers 206 with just those bytes', async (Range, expected, ContentRange) => {
    const answer = await get('ranged', { Range });
    expect(answer.$metadata.httpStatusCode).toBe(206);
    expect(answer.ContentRange).toBe(ContentRange);
    expect(await answer.Body?.transformToString()).toBe(expected);
  });

  test.each(['bytes=10-', 'bytes=10-20', 'bytes=-0'])('%s cannot be satisfied', async (Range) => {
    expect(await codeOf(get('ranged', { Range }))).toBe('InvalidRange');
  });

  test.each(['bytes=0-1,3-4', 'bytes=5-3', 'lines=1-2'])('%s is as if it were not there', async (Range) => {
    const answer = await get('ranged', { Range });
    expect(answer.$metadata.httpStatusCode).toBe(200);
    expect(await answer.Body?.transformToString()).toBe('0123456789');
  });

  test('a range of a large object crosses the read buffers intact', async () => {
    const large = randomBytes(1_500_000);
    await put('ranged-large', large);
    const part = await bodyOf('ranged-large', { Range: 'bytes=200001-1400000' });
    expect(part.equals(large.subarray(200_001, 1_400_001))).toBe(true);
  });

  test('part number 1 of a single-part object is all of it, and no other part exists', async () => {
    const answer = await head('ranged', { PartNumber: 1 });
    expect(answer.$metadata.httpStatusCode).toBe(206);
    expect(answer.PartsCount).toBeUndefined();
    expect(await codeOf(get('ranged', { PartNumber: 2 }))).toBe('InvalidPartNumber');
  });

  test('a range together with a part number is refused', async () => {
    expect(await codeOf(get('ranged', { PartNumber: 1, Range: 'bytes=0-1' }))).toBe('InvalidRequest');
  });
});

describe('deleting', () => {
  test('deleting what is not there is no error', async () => {
    const answer = await harness.client.send(new DeleteObjectCommand({ Bucket, Key: 'never was' }));
    expect(answer.$metadata.httpStatusCode).toBe(204);
    expect(answer.DeleteMarker).toBeUndefined();
  });

  test('many keys go in one request, each with its own result', async () => {
    await Promise.all(['many/1', 'many/2', 'many/3'].map((key) => put(key, key)));
    harness.deny = ({ action, resource }) => action === 's3:DeleteObject' && resource.endsWith('many/2');
    const answer = await harness.client.send(
      new DeleteObjectsCommand({
        Bucket,
        Delete: { Objects: [{ Key: 'many/1' }, { Key: 'many/2' }, { Key: 'many/none' }] },
      }),
    );
    harness.deny = null;
    expect(answer.Deleted?.map((deleted) => deleted.Key)).toEqual(['many/1', 'many/none']);
    expect(answer.Errors).toMatchObject([{ Key: 'many/2', Code: 'AccessDenied' }]);
    expect(await bodyOf('many/3')).toEqual(Buffer.from('many/3'));
  });

  test('a multi-object delete without a digest of its body is refused', async () => {
    const body = '<Delete><Object><Key>a</Key></Object></Delete>';
    const answer = await harness.raw('POST', `/${Bucket}?delete`, { body });
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('Missing required header for this request: Content-MD5');
  });
});
