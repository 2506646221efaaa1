/** Bodies of at least 1 MiB. A separate thread computes their digests and writes their files. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Blob } from '../../src/s3/storage/blob.ts';
import { createBlobStore, type BlobStore } from '../../src/s3/storage/blobs.ts';
import { createHasher } from '../../src/s3/storage/checksums.ts';
import type { DigestName } from '../../src/s3/storage/digests.ts';
import { codeOf, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const Bucket = 'threaded';
const NAMES: ReadonlySet<DigestName> = new Set(['MD5', 'CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256']);
let harness: Harness;
let directory: string;
let store: BlobStore;
let workers: Worker[] = [];
const note = (worker: Worker): void => void workers.push(worker);

beforeAll(async () => {
  harness = await startHarness();
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
});
afterAll(() => harness.close());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'file-thread-'));
  store = createBlobStore(directory);
  workers = [];
  process.on('worker', note);
});
afterEach(async () => {
  process.off('worker', note);
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

const digestsOf = (body: Buffer): Map<DigestName, string> =>
  new Map(
    [...NAMES].map((name) => {
      const hasher = name === 'MD5' ? createHash('md5') : createHasher(name);
      hasher.update(body);
      return [name, hasher.digest().toString('hex')];
    }),
  );
const inHex = (digests: ReadonlyMap<DigestName, Buffer>): Map<DigestName, string> =>
  new Map([...NAMES].map((name) => [name, digests.get(name)?.toString('hex') ?? '']));

const write = async (body: Buffer, chunkBytes: number) => {
  const writer = store.writer(body.length, NAMES);
  for (let at = 0; at < body.length; at += chunkBytes) await writer.write(body.subarray(at, at + chunkBytes));
  return await writer.finish();
};
const contentOf = async (blob: Blob): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of blob.read(0, blob.sizeBytes)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
};
const filesIn = (folder: string): number => readdirSync(folder).length;

test('the file thread stores the bytes and their digests however many there are and however they are cut', async () => {
  const source = randomBytes(3 * MIB);
  const sizes = fc
    .tuple(
      fc.constantFrom(MIB, MIB + 256 * KIB, 2 * MIB, 2.5 * MIB),
      fc.integer({ min: -70_000, max: 70_000 }),
    )
    .map(([near, offset]) => near + offset);
  const chunks = fc.oneof(
    fc.integer({ min: 20_000, max: 70_000 }),
    fc.constantFrom(64 * KIB, 256 * KIB, MIB),
  );
  await fc.assert(
    fc.asyncProperty(sizes, chunks, async (sizeBytes, chunkBytes) => {
      const body = source.subarray(0, sizeBytes);
      const { blob, digests } = await write(body, chunkBytes);
      expect(inHex(digests)).toEqual(digestsOf(body));
      expect(blob.sizeBytes).toBe(sizeBytes);
      expect((await contentOf(blob)).equals(body)).toBe(true);
      blob.release();
    }),
    {
      numRuns: 40,
      examples: [
        [MIB - 1, 65_536],
        [MIB, 65_536],
        [MIB + 1, 65_536],
      ],
    },
  );
  expect(workers).toHaveLength(1);
});

test('a body under 1 MiB starts no file thread', async () => {
  const body = randomBytes(MIB - 1);
  expect(inHex((await write(body, 64 * KIB)).digests)).toEqual(digestsOf(body));
  expect(workers).toHaveLength(0);
});

test('a body that is abandoned in the file thread leaves other bodies intact', async () => {
  const bodies = Array.from({ length: 8 }, () => randomBytes(1.5 * MIB));
  const giveUp = async (body: Buffer): Promise<void> => {
    const writer = store.writer(2 * MIB, NAMES);
    // The thread holds three full buffers and a fourth is half full, so no write has to wait.
    for (let at = 0; at < 900 * KIB; at += 60 * KIB) void writer.write(body.subarray(at, at + 60 * KIB));
    await writer.abort();
  };
  const kept = await Promise.all(
    bodies.map(async (body, index) => {
      const noise = giveUp(bodies[(index + 1) % bodies.length] ?? body);
      const written = await write(body, 50_000);
      await noise;
      return written;
    }),
  );
  for (const [index, { blob, digests }] of kept.entries()) {
    const body = bodies[index] ?? Buffer.alloc(0);
    expect(inHex(digests)).toEqual(digestsOf(body));
    expect((await contentOf(blob)).equals(body)).toBe(true);
  }
  expect(filesIn(directory)).toBe(bodies.length);
});

test('a file that cannot be created fails the body with the error of the file system', async () => {
  rmSync(directory, { recursive: true });
  await expect(write(randomBytes(2 * MIB), 64 * KIB)).rejects.toThrow('ENOENT');
});

test('closing the store ends the file thread in mid-body and fails whatever waits for it', async () => {
  const writer = store.writer(4 * MIB, NAMES);
  for (let piece = 0; piece < 3; piece += 1) void writer.write(randomBytes(256 * KIB));
  const finished = writer.finish();
  finished.catch(() => undefined);
  await expect.poll(() => workers).toHaveLength(1);
  const exited = new Promise((resolve) => void workers[0]?.once('exit', resolve));
  await store.close();
  await exited;
  await expect(finished).rejects.toThrow('has ended');
  await expect(write(randomBytes(2 * MIB), 64 * KIB)).rejects.toThrow('has ended');
  expect(workers).toHaveLength(1);
});

test('a file thread that crashed is replaced for the next body', async () => {
  const body = randomBytes(2 * MIB);
  await write(body, 64 * KIB);
  await workers[0]?.terminate();
  expect(inHex((await write(body, 64 * KIB)).digests)).toEqual(digestsOf(body));
  expect(workers).toHaveLength(2);
});

test('a process can end while its file thread is idle', async () => {
  const program = `
    const { createBlobStore } = await import(${JSON.stringify(new URL('../../src/s3/storage/blobs.ts', import.meta.url))});
    const writer = createBlobStore(${JSON.stringify(directory)}).writer(${2 * MIB}, new Set(['MD5']));
    const keepAlive = setInterval(() => undefined, 1000);
    await writer.write(Buffer.alloc(${2 * MIB}));
    console.log((await writer.finish()).digests.get('MD5').toString('hex'));
    clearInterval(keepAlive);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    timeout: 40_000,
  });
  expect(stdout.trim()).toBe(
    createHash('md5')
      .update(Buffer.alloc(2 * MIB))
      .digest('hex'),
  );
});

test('a large body that does not match its headers is refused, and leaves neither an object nor a file', async () => {
  const Body = randomBytes(3 * MIB);
  const other = (algorithm: string) => createHash(algorithm).update('other');
  const path = `/${Bucket}/refused`;
  const plain = (headers: Record<string, string | number>) =>
    harness.raw('PUT', path, { body: Body, headers: { 'content-length': Body.length, ...headers } as never });
  const unsigned = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
  expect((await plain({ ...unsigned, 'content-md5': other('md5').digest('base64') })).body).toContain(
    'BadDigest',
  );
  for (const [header, value] of [
    ['x-amz-checksum-crc32', 'AAAAAA=='],
    ['x-amz-checksum-crc32c', 'AAAAAA=='],
    ['x-amz-checksum-crc64nvme', 'AAAAAAAAAAA='],
    ['x-amz-checksum-sha1', other('sha1').digest('base64')],
    ['x-amz-checksum-sha256', other('sha256').digest('base64')],
  ] as const)
    expect((await plain({ ...unsigned, [header]: value })).body).toContain('<Code>BadDigest</Code>');
  const { body } = await plain({ 'x-amz-content-sha256': other('sha256').digest('hex') });
  expect(body).toContain('XAmzContentSHA256Mismatch');
  expect(body).toContain(createHash('sha256').update(Body).digest('hex'));
  expect(await codeOf(harness.client.send(new HeadObjectCommand({ Bucket, Key: 'refused' })))).toBe(
    'NotFound',
  );
  await expect.poll(() => filesIn(harness.directory)).toBe(0);
});

test('a large body in chunks is refused when its trailer is wrong or its framing ends early', async () => {
  const chunk = Buffer.concat([Buffer.from('100000\r\n'), randomBytes(MIB), Buffer.from('\r\n')]);
  const send = (end: string, chunks = 3) =>
    harness.raw('PUT', `/${Bucket}/framed`, {
      body: Buffer.concat([...Array.from({ length: chunks }, () => chunk), Buffer.from(end)]),
      headers: {
        'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'x-amz-decoded-content-length': String(3 * MIB),
        'x-amz-trailer': 'x-amz-checksum-crc32',
      },
    });
  expect((await send('0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n')).body).toContain('<Code>BadDigest</Code>');
  expect((await send('', 2)).body).toContain('<Code>IncompleteBody</Code>');
  expect((await send('0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n', 2)).body).toContain('IncompleteBody');
  await expect.poll(() => filesIn(harness.directory)).toBe(0);
});

test('uploads that break off in mid-body leave nothing behind, and do not affect other uploads', async () => {
  const authorization = `AWS4-HMAC-SHA256 Credential=AKIA${SOURCE}/20261122/${REGION}/s3/aws4_request, SignedHeaders=host, Signature=0`;
  const breakOff = async (number: number): Promise<void> => {
    const broken = request(`${harness.endpoint}/${Bucket}/broken-${number}`, {
      method: 'PUT',
      headers: { authorization, 'content-length': 20 * MIB, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
    });
    broken.on('error', () => undefined);
    await new Promise((sent) => void broken.write(randomBytes(2 * MIB + number), sent));
    broken.destroy();
  };
  const put = async (Body: Buffer, index: number): Promise<void> => {
    const Key = `whole-${index}`;
    const { ETag } = await harness.client.send(new PutObjectCommand({ Bucket, Key, Body }));
    expect(ETag).toBe(`"${createHash('md5').update(Body).digest('hex')}"`);
    const answer = await harness.client.send(new GetObjectCommand({ Bucket, Key }));
    expect(Body.equals(Buffer.from((await answer.Body?.transformToByteArray()) ?? []))).toBe(true);
  };
  const bodies = Array.from({ length: 6 }, (_, index) => randomBytes(2 * MIB + index));
  await Promise.all(bodies.flatMap((body, index) => [put(body, index), breakOff(index)]));
  await expect.poll(() => filesIn(harness.directory)).toBe(bodies.length);
});
