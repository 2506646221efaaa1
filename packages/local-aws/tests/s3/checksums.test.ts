import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type ChecksumAlgorithm,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { combineCrc } from '../../src/s3/storage/crc-combine.ts';
import {
  createCrc32,
  createCrc32c,
  createCrc64Nvme,
  POLYNOMIALS,
  type Crc,
} from '../../src/s3/storage/crc.ts';
import { codeOf, REGION, SOURCE, startHarness, type Harness, type RawOptions } from './harness.ts';

let harness: Harness;
const Bucket = 'checksums';

beforeAll(async () => {
  harness = await startHarness();
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
});
afterAll(() => harness.close());

const put = (key: string, options: RawOptions) => harness.raw('PUT', `/${Bucket}/${key}`, options);
const head = (Key: string) =>
  harness.client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
const base64Crc32 = (bytes: Buffer) => {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(bytes));
  return digest.toString('base64');
};
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
const digestOf = (crc: Crc, ...chunks: Buffer[]) => {
  for (const chunk of chunks) crc.update(chunk);
  return crc.digest();
};

describe('the CRCs', () => {
  test.each([
    ['CRC32', createCrc32],
    ['CRC32C', createCrc32c],
    ['CRC64NVME', createCrc64Nvme],
  ])('%s takes chunks of any length from any place in memory', (_, create) => {
    // A chunk of one byte at an odd place was an error once.
    const memory = randomBytes(64);
    for (let start = 0; start < 8; start += 1)
      for (let length = 0; length < 20; length += 1) {
        const chunk = memory.subarray(start, start + length);
        expect(digestOf(create(), chunk)).toEqual(
          digestOf(create(), ...Array.from(chunk, (byte) => Buffer.of(byte))),
        );
      }
  });

  test.each([
    ['CRC32', createCrc32, 'cbf43926'],
    ['CRC32C', createCrc32c, 'e3069283'],
    ['CRC64NVME', createCrc64Nvme, 'ae8b14860a799888'],
  ])('%s has its published check value', (_, create, expected) => {
    expect(digestOf(create(), Buffer.from('123456789')).toString('hex')).toBe(expected);
    expect(Number.parseInt(digestOf(create(), Buffer.alloc(0)).toString('hex'), 16)).toBe(0);
  });

  test.each([
    ['CRC32', createCrc32],
    ['CRC32C', createCrc32c],
    ['CRC64NVME', createCrc64Nvme],
  ] as const)('%s of a long chunk is what its definition says', (algorithm, create) => {
    // Longer than the window through which WebAssembly is given its bytes, and not a multiple of what it takes at a time.
    const bytes = randomBytes(3 * 64 * 1024 + 13);
    const ones = algorithm === 'CRC64NVME' ? 2n ** 64n - 1n : 2n ** 32n - 1n;
    let register = ones;
    for (const byte of bytes) {
      register ^= BigInt(byte);
      for (let bit = 0; bit < 8; bit += 1)
        register = (register >> 1n) ^ ((register & 1n) * POLYNOMIALS[algorithm]);
    }
    expect(BigInt(`0x${digestOf(create(), bytes).toString('hex')}`)).toBe(register ^ ones);
  });

  test.each([
    ['CRC32', createCrc32],
    ['CRC32C', createCrc32c],
    ['CRC64NVME', createCrc64Nvme],
  ] as const)('%s does not depend on how the bytes are cut or aligned', (algorithm, create) => {
    const bytes = randomBytes(5000);
    const expected = digestOf(create(), bytes).toString('hex');
    for (const cut of [0, 1, 3, 7, 8, 9, 1000, 4999]) {
      const first = bytes.subarray(0, cut);
      const second = bytes.subarray(cut);
      expect(digestOf(create(), first, second).toString('hex')).toBe(expected);
      const combined = combineCrc(
        algorithm,
        digestOf(create(), first),
        digestOf(create(), second),
        second.length,
      );
      expect(combined.toString('hex')).toBe(expected);
    }
  });
});

describe('an upload with a checksum', () => {
  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] satisfies ChecksumAlgorithm[])(
    'of %s made by the SDK is verified, answered and kept',
    async (ChecksumAlgorithm) => {
      const name = `Checksum${ChecksumAlgorithm}` as const;
      const written = await harness.client.send(
        new PutObjectCommand({ Bucket, Key: name, Body: Buffer.from('body'), ChecksumAlgorithm }),
      );
      expect(written[name]).toBeDefined();
      expect(written.ChecksumType).toBe('FULL_OBJECT');
      expect((await head(name))[name]).toBe(written[name]);
      const read = await harness.client.send(
        new GetObjectCommand({ Bucket, Key: name, ChecksumMode: 'ENABLED' }),
      );
      expect(await read.Body?.transformToString()).toBe('body');
    },
  );

  test.each([
    ['x-amz-checksum-crc32', 'AAAAAA=='],
    ['x-amz-checksum-crc32c', 'AAAAAA=='],
    ['x-amz-checksum-crc64nvme', 'AAAAAAAAAAA='],
    ['x-amz-checksum-sha1', base64('00'.repeat(20))],
    ['x-amz-checksum-sha256', base64('00'.repeat(32))],
  ])('that is wrong is refused and leaves nothing (%s)', async (name, value) => {
    const answer = await put('wrong', { headers: { [name]: value }, body: 'body' });
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('<Code>BadDigest</Code>');
    expect(answer.body).toContain(`The ${name.slice(15).toUpperCase()} you specified did not match`);
    expect(await codeOf(head('wrong'))).toBe('NotFound');
  });

  test('that is no digest at all, or two of them, is InvalidRequest', async () => {
    for (const headers of [
      { 'x-amz-checksum-crc32': 'AAA=' },
      { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-crc32c': 'AAAAAA==' },
      { 'x-amz-sdk-checksum-algorithm': 'CRC32' },
    ])
      expect((await put('bad', { headers, body: 'body' })).body).toContain('<Code>InvalidRequest</Code>');
  });

  test('is answered to a read only when asked for, and not with a range', async () => {
    await put('asked', { body: 'body' });
    const path = `/${Bucket}/asked`;
    expect((await harness.raw('HEAD', path)).headers['x-amz-checksum-crc64nvme']).toBeUndefined();
    const mode = { 'x-amz-checksum-mode': 'ENABLED' };
    expect(
      (await harness.raw('HEAD', path, { headers: mode })).headers['x-amz-checksum-crc64nvme'],
    ).toBeDefined();
    const ranged = await harness.raw('GET', path, { headers: { ...mode, range: 'bytes=0-1' } });
    expect(ranged.headers['x-amz-checksum-crc64nvme']).toBeUndefined();
  });
});

test('an upload without a checksum gets a CRC64NVME from S3', async () => {
  const answer = await put('by-itself', { body: '123456789' });
  expect(answer.headers['x-amz-checksum-crc64nvme']).toBe(base64('ae8b14860a799888'));
  expect(answer.headers['x-amz-checksum-type']).toBe('FULL_OBJECT');
  expect((await head('by-itself')).ChecksumCRC64NVME).toBe(base64('ae8b14860a799888'));
});

describe('Content-MD5', () => {
  const md5 = (text: string) => createHash('md5').update(text).digest('base64');

  test('is verified', async () => {
    expect((await put('md5', { headers: { 'content-md5': md5('body') }, body: 'body' })).status).toBe(200);
    const answer = await put('md5', { headers: { 'content-md5': md5('other') }, body: 'body' });
    expect(answer.body).toContain('<Code>BadDigest</Code>');
  });

  test('that is none is InvalidDigest', async () => {
    const answer = await put('md5', { headers: { 'content-md5': 'nonsense' }, body: 'body' });
    expect(answer.body).toContain('<Code>InvalidDigest</Code>');
  });
});

test('x-amz-content-sha256 is verified', async () => {
  const sha256 = createHash('sha256').update('body').digest('hex');
  const headers = { 'x-amz-content-sha256': sha256 };
  expect((await put('sha', { headers, body: 'body' })).status).toBe(200);
  expect((await put('sha', { headers, body: 'bodx' })).body).toContain(
    '<Code>XAmzContentSHA256Mismatch</Code>',
  );
});

describe('aws-chunked bodies', () => {
  const frame = (chunks: Buffer[], trailer = '', signature = '') =>
    Buffer.concat([
      ...chunks.flatMap((chunk) => [
        Buffer.from(`${chunk.length.toString(16)}${signature}\r\n`),
        chunk,
        Buffer.from('\r\n'),
      ]),
      Buffer.from(`0${signature}\r\n${trailer}\r\n`),
    ]);
  const send = (key: string, body: Buffer, lengthBytes: number, headers: Record<string, string> = {}) =>
    put(key, {
      body,
      headers: {
        'content-encoding': 'aws-chunked',
        'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'x-amz-decoded-content-length': String(lengthBytes),
        ...headers,
      },
    });
  const crc32Trailer = { 'x-amz-trailer': 'x-amz-checksum-crc32' };
  const bytes = randomBytes(100_000);
  const chunks = [bytes.subarray(0, 65_536), bytes.subarray(65_536)];

  test('are unframed, and their trailing checksum verified', async () => {
    const trailer = `x-amz-checksum-crc32:${base64Crc32(bytes)}\r\n`;
    const answer = await send('framed', frame(chunks, trailer), bytes.length, crc32Trailer);
    expect(answer.status).toBe(200);
    expect(answer.headers['etag']).toBe(`"${createHash('md5').update(bytes).digest('hex')}"`);
    const wrong = await send(
      'framed-wrong',
      frame(chunks, 'x-amz-checksum-crc32:AAAAAA==\r\n'),
      bytes.length,
      crc32Trailer,
    );
    expect(wrong.body).toContain('<Code>BadDigest</Code>');
  });

  test('whose chunk signatures are wrong are refused, and nothing is stored', async () => {
    const signature = `;chunk-signature=${'0'.repeat(64)}`;
    const answer = await send('signed', frame(chunks, '', signature), bytes.length, {
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    });
    expect(answer.status).toBe(403);
    expect((await harness.raw('HEAD', `/${Bucket}/signed`)).status).toBe(404);
  });

  test('with a chunk under 8 KiB that is not the last are refused', async () => {
    const small = [bytes.subarray(0, 8191), bytes.subarray(8191, 20_000)];
    const answer = await send('small', frame(small), 20_000);
    expect(answer.status).toBe(403);
    expect(answer.body).toContain('<Code>InvalidChunkSizeError</Code>');
    expect((await send('small', frame([bytes.subarray(0, 8192), Buffer.from('x')]), 8193)).status).toBe(200);
  });

  test('of another length than announced, or cut off, are IncompleteBody', async () => {
    expect((await send('long', frame(chunks), 99_999)).body).toContain('<Code>IncompleteBody</Code>');
    expect((await send('short', frame(chunks), 100_001)).body).toContain('<Code>IncompleteBody</Code>');
    const cut = frame(chunks).subarray(0, 90_000);
    expect((await send('cut', cut, bytes.length)).body).toContain('<Code>IncompleteBody</Code>');
  });

  test('without the trailer they announce are MalformedTrailerError', async () => {
    const answer = await send('untrailed', frame(chunks), bytes.length, crc32Trailer);
    expect(answer.body).toContain('<Code>MalformedTrailerError</Code>');
  });

  test('without a decoded length are refused', async () => {
    const answer = await put('undecoded', {
      body: frame(chunks),
      headers: { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' },
    });
    expect(answer.status).toBe(411);
  });

  test('of no bytes are an empty object', async () => {
    expect((await send('nothing', frame([]), 0)).headers['etag']).toBe('"d41d8cd98f00b204e9800998ecf8427e"');
  });
});
