import { randomBytes } from 'node:crypto';
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
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

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

test.each(['./', '..', 'control\u001f\rreturn', '\ufffd'])(
  'the key %j survives a write, a listing and a read',
  async (key) => {
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
  },
);

test('a missing key is 403 instead of 404 for a caller without s3:ListBucket', async () => {
  harness.deny = ({ action }) => action === 's3:ListBucket';
  try {
    expect(await codeOf(get('nothing'))).toBe('AccessDenied');
    expect((await harness.raw('HEAD', `/${Bucket}/nothing`)).status).toBe(403);
  } finally {
    harness.deny = null;
  }
});

test('Expires is kept as text even if it is not a date', async () => {
  const path = `/${Bucket}/expires`;
  await harness.raw('PUT', path, { headers: { expires: 'never, I hope' }, body: 'x' });
  expect((await harness.raw('HEAD', path)).headers.expires).toBe('never, I hope');
});

test('user metadata of exactly 2 KB is kept, and one byte more is refused', async () => {
  expect(await codeOf(put('big-meta', '', { Metadata: { a: 'x'.repeat(2048) } }))).toBe('MetadataTooLarge');
  await put('big-meta', '', { Metadata: { a: 'x'.repeat(2047) } });
  expect((await head('big-meta')).Metadata?.['a']).toHaveLength(2047);
});

test('raw bytes in user metadata come back encoded as RFC 2047 says', async () => {
  const path = `/${Bucket}/unicode-meta`;
  await harness.raw('PUT', path, {
    headers: { 'x-amz-meta-bytes': 'caf\u00c3\u00a9 au lait' },
    body: '',
  });
  const { headers } = await harness.raw('HEAD', path);
  expect(headers['x-amz-meta-bytes']).toBe('=?UTF-8?Q?caf=C3=83=C2=A9_au_lait?=');
});

test('an expected bucket owner that is not an account id is refused', async () => {
  const listing = new ListObjectsV2Command({ Bucket, ExpectedBucketOwner: 'me' });
  expect(await codeOf(harness.client.send(listing))).toBe('InvalidBucketOwnerAWSAccountID');
});

test('an upload of more than 5 GiB in one piece is refused before its bytes arrive', async () => {
  const answer = await harness.raw('PUT', `/${Bucket}/huge`, {
    headers: { 'content-length': String(5 * 1024 ** 3 + 1), expect: '100-continue' },
  });
  expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('EntityTooLarge') });
});

test('an upload of unknown length is refused', async () => {
  const answer = await harness.raw('PUT', `/${Bucket}/lengthless`, {
    headers: { 'transfer-encoding': 'chunked' },
    body: 'abc',
  });
  expect(answer.status).toBe(411);
  expect(answer.body).toContain('MissingContentLength');
});

test('an upload that is cut in the middle leaves no file and no object', async () => {
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

test('a read that has begun gets all of the old bytes although the object is overwritten', async () => {
  const old = randomBytes(6_000_000);
  await put('overwritten', old);
  const answer = await get('overwritten');
  await put('overwritten', 'new');
  expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? []).equals(old)).toBe(true);
  expect((await bodyOf('overwritten')).toString()).toBe('new');
});

test('a reader that disconnects in the middle releases the bytes', async () => {
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

const bytes = Buffer.from('0123456789');
beforeAll(() => put('ranged', bytes));

test.each(['bytes=5-3', 'lines=1-2'])('the unusable range %s is ignored', async (Range) => {
  const answer = await get('ranged', { Range });
  expect(answer.$metadata.httpStatusCode).toBe(200);
  expect(await answer.Body?.transformToString()).toBe('0123456789');
});

test('a range of a large object is read correctly across buffers', async () => {
  const large = randomBytes(1_500_000);
  await put('ranged-large', large);
  const part = await bodyOf('ranged-large', { Range: 'bytes=200001-1400000' });
  expect(part.equals(large.subarray(200_001, 1_400_001))).toBe(true);
});

test('DeleteObjects reports the keys it deleted and those it was not allowed to delete', async () => {
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
