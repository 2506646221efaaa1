import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { combineCrc } from '../../src/s3/storage/crc-combine.ts';
import {
  createCrc32,
  createCrc32c,
  createCrc64Nvme,
  POLYNOMIALS,
  type Crc,
} from '../../src/s3/storage/crc.ts';
import { REGION, SOURCE, startHarness, type Harness, type RawOptions } from './harness.ts';

let harness: Harness;
const Bucket = 'checksums';

beforeAll(async () => {
  harness = await startHarness();
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
});
afterAll(() => harness.close());

const put = (key: string, options: RawOptions) => harness.raw('PUT', `/${Bucket}/${key}`, options);
const base64Crc32 = (bytes: Buffer) => {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(bytes));
  return digest.toString('base64');
};
const digestOf = (crc: Crc, ...chunks: Buffer[]) => {
  for (const chunk of chunks) crc.update(chunk);
  return crc.digest();
};

test.each([
  ['CRC32', createCrc32],
  ['CRC32C', createCrc32c],
  ['CRC64NVME', createCrc64Nvme],
])('%s accepts chunks of any length at any offset in memory', (_, create) => {
  // An earlier version failed for a chunk of one byte at an odd offset.
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
] as const)('the %s of a long chunk equals the value of its definition', (algorithm, create) => {
  // The chunk does not fit into the memory through which WebAssembly receives bytes, and its length is not a
  // multiple of the 16 bytes that one step processes.
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
] as const)('the %s does not depend on how the bytes are cut or aligned', (algorithm, create) => {
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

test('an upload that announces an algorithm and sends no checksum is InvalidRequest', async () => {
  const headers = { 'x-amz-sdk-checksum-algorithm': 'CRC32' };
  expect((await put('bad', { headers, body: 'body' })).body).toContain('<Code>InvalidRequest</Code>');
});

test('the response to a range has no checksum of the whole object', async () => {
  await put('asked', { body: 'body' });
  const path = `/${Bucket}/asked`;
  const mode = { 'x-amz-checksum-mode': 'ENABLED' };
  expect(
    (await harness.raw('HEAD', path, { headers: mode })).headers['x-amz-checksum-crc64nvme'],
  ).toBeDefined();
  const ranged = await harness.raw('GET', path, { headers: { ...mode, range: 'bytes=0-1' } });
  expect(ranged.headers['x-amz-checksum-crc64nvme']).toBeUndefined();
});

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

test('an aws-chunked body is stored without its framing, and its trailing checksum is verified', async () => {
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

test('an aws-chunked body with a chunk under 8 KiB that is not the last one is refused', async () => {
  const small = [bytes.subarray(0, 8191), bytes.subarray(8191, 20_000)];
  const answer = await send('small', frame(small), 20_000);
  expect(answer.status).toBe(403);
  expect(answer.body).toContain('<Code>InvalidChunkSizeError</Code>');
  expect((await send('small', frame([bytes.subarray(0, 8192), Buffer.from('x')]), 8193)).status).toBe(200);
});

test('an aws-chunked body that is cut off or has another length than announced is IncompleteBody', async () => {
  expect((await send('long', frame(chunks), 99_999)).body).toContain('<Code>IncompleteBody</Code>');
  expect((await send('short', frame(chunks), 100_001)).body).toContain('<Code>IncompleteBody</Code>');
  const cut = frame(chunks).subarray(0, 90_000);
  expect((await send('cut', cut, bytes.length)).body).toContain('<Code>IncompleteBody</Code>');
});

test('an aws-chunked body without the trailer it announces is MalformedTrailerError', async () => {
  const answer = await send('untrailed', frame(chunks), bytes.length, crc32Trailer);
  expect(answer.body).toContain('<Code>MalformedTrailerError</Code>');
});

test('an aws-chunked body without a decoded length is refused', async () => {
  const answer = await put('undecoded', {
    body: frame(chunks),
    headers: { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' },
  });
  expect(answer.status).toBe(411);
});

test('an aws-chunked body without bytes becomes an empty object', async () => {
  expect((await send('nothing', frame([]), 0)).headers['etag']).toBe('"d41d8cd98f00b204e9800998ecf8427e"');
});
