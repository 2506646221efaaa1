import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  S3Client,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { codeOf, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

const MiB = 1024 ** 2;
const Bucket = 'multipart';
let harness: Harness;
/** A client that sends no checksums by default. */
let client: S3Client;
let keys = 0;
let Key = '';

beforeAll(async () => {
  harness = await startHarness();
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
  client = harness.clientOf(SOURCE, {
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
});
afterAll(() => harness.close());
beforeEach(() => {
  keys += 1;
  Key = `key-${keys}`;
});

const create = async (more: object = {}) =>
  (await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))).UploadId ?? '';
const upload = async (
  UploadId: string,
  PartNumber: number,
  Body: Buffer,
  more: object = {},
): Promise<CompletedPart> => {
  const answer = await client.send(
    new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...more }),
  );
  const { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumSHA1, ChecksumSHA256 } = answer;
  return { PartNumber, ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumSHA1, ChecksumSHA256 };
};
const complete = (UploadId: string, Parts: CompletedPart[], more: object = {}) =>
  client.send(
    new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }),
  );
const head = (more: object = {}) => client.send(new HeadObjectCommand({ Bucket, Key, ...more }));
const base64Crc32 = (bytes: Buffer) => {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(bytes));
  return digest.toString('base64');
};

test('a completion that leaves parts out deletes their bytes from disk', async () => {
  const before = readdirSync(harness.directory).length;
  const id = await create();
  const first = await upload(id, 1, randomBytes(5 * MiB));
  await upload(id, 2, randomBytes(5 * MiB));
  const third = await upload(id, 3, Buffer.from('third'));
  await complete(id, [first, third]);
  expect((await head()).ContentLength).toBe(5 * MiB + 5);
  await expect.poll(() => readdirSync(harness.directory).length).toBe(before + 1);
});

test('a multipart object is dated from the creation of its upload', async () => {
  const id = await create();
  const initiated = harness.clock.nowMs;
  harness.clock.nowMs += 3_600_000;
  await complete(id, [await upload(id, 1, Buffer.from('x'))]);
  expect((await head()).LastModified?.getTime()).toBe(initiated);
});

test('a completion that names one part twice is InvalidPartOrder', async () => {
  const id = await create();
  const one = await upload(id, 1, Buffer.alloc(5 * MiB));
  expect(await codeOf(complete(id, [one, one]))).toBe('InvalidPartOrder');
});

test('a completion that is sent again gets its answer again, and one with other parts is NoSuchUpload', async () => {
  const id = await create();
  const part = await upload(id, 1, Buffer.from('once'));
  const first = await complete(id, [part]);
  const second = await complete(id, [part]);
  expect(second.ETag).toBe(first.ETag);
  expect(await codeOf(complete(id, [{ ...part, PartNumber: 2 }]))).toBe('NoSuchUpload');
  expect(await codeOf(upload(id, 1, Buffer.from('x')))).toBe('NoSuchUpload');
});

test('an abort deletes the upload and its bytes', async () => {
  const before = readdirSync(harness.directory).length;
  const UploadId = await create();
  const part = await upload(UploadId, 1, randomBytes(MiB));
  await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  expect(await codeOf(complete(UploadId, [part]))).toBe('NoSuchUpload');
  expect(await codeOf(client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })))).toBe(
    'NoSuchUpload',
  );
  await expect.poll(() => readdirSync(harness.directory).length).toBe(before);
});

test('a page of uploads ends with the markers of its last upload, and a page of common prefixes with its last prefix', async () => {
  harness.s3.createBucket({ name: 'uploads', accountId: SOURCE, region: REGION });
  const ids: string[] = [];
  for (const key of ['b', 'a/1', 'a/2', 'b']) {
    harness.clock.nowMs += 1000;
    const { UploadId = '' } = await client.send(
      new CreateMultipartUploadCommand({ Bucket: 'uploads', Key: key }),
    );
    ids.push(UploadId);
  }
  const list = (more: object) => client.send(new ListMultipartUploadsCommand({ Bucket: 'uploads', ...more }));
  const page = await list({ MaxUploads: 2 });
  expect(page).toMatchObject({ IsTruncated: true, NextKeyMarker: 'a/2', NextUploadIdMarker: ids[2] });
  const rest = await list({ KeyMarker: 'a/2', UploadIdMarker: ids[2] });
  expect(rest).toMatchObject({ IsTruncated: false, NextKeyMarker: 'b', NextUploadIdMarker: ids[3] });
  const prefixes = await list({ Delimiter: '/', MaxUploads: 1 });
  expect(prefixes).toMatchObject({ IsTruncated: true, NextKeyMarker: 'a/', NextUploadIdMarker: '' });
  expect((await list({ Delimiter: '/', KeyMarker: 'a/' })).Uploads).toHaveLength(2);
});

test('an upload id marker that belongs to another key is refused', async () => {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: 'uploads', Key: 'c' }));
  const listing = new ListMultipartUploadsCommand({
    Bucket: 'uploads',
    KeyMarker: 'a/1',
    UploadIdMarker: UploadId,
  });
  await expect(client.send(listing)).rejects.toThrow('Invalid uploadId marker');
});

const bodies = [randomBytes(5 * MiB), randomBytes(123_457)] as const;

const both = async (id: string, more: (body: Buffer) => object = () => ({})) => [
  await upload(id, 1, bodies[0], more(bodies[0])),
  await upload(id, 2, bodies[1], more(bodies[1])),
];

test('an upload without an algorithm has a full-object CRC64NVME and no checksums of its parts', async () => {
  const id = await create();
  const done = await complete(id, await both(id));
  expect(done.ChecksumType).toBe('FULL_OBJECT');
  expect(done.ChecksumCRC64NVME).toBeDefined();
  const attributes = await client.send(
    new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ['ObjectParts', 'Checksum', 'ETag'] }),
  );
  expect(attributes.ObjectParts).toEqual({ TotalPartsCount: 2 });
  expect(attributes.Checksum?.ChecksumCRC64NVME).toBe(done.ChecksumCRC64NVME);
  expect(`"${attributes.ETag}"`).toBe(done.ETag);
  expect((await head({ PartNumber: 1, ChecksumMode: 'ENABLED' })).ChecksumCRC64NVME).toBeUndefined();
});

test('a completion that expects another composite checksum is BadDigest', async () => {
  const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
  const id = await create({ ChecksumAlgorithm: 'SHA256' });
  const parts = await both(id, (body) => ({ ChecksumSHA256: sha(body).toString('base64') }));
  const composite = sha(Buffer.concat(bodies.map(sha))).toString('base64');
  const wrong = sha(Buffer.alloc(1)).toString('base64');
  expect(await codeOf(complete(id, parts, { ChecksumSHA256: `${wrong}-2` }))).toBe('BadDigest');
  await complete(id, parts, { ChecksumSHA256: `${composite}-2` });
});

test('an upload with a composite checksum needs the checksum with every part and again in the completion', async () => {
  const id = await create({ ChecksumAlgorithm: 'CRC32' });
  expect(await codeOf(upload(id, 1, bodies[0]))).toBe('InvalidRequest');
  const part = await upload(id, 1, bodies[0], { ChecksumCRC32: base64Crc32(bodies[0]) });
  expect(await codeOf(complete(id, [{ PartNumber: 1, ETag: part.ETag }]))).toBe('InvalidRequest');
  expect(await codeOf(complete(id, [{ ...part, ChecksumCRC32: 'AAAAAA==' }]))).toBe('InvalidPart');
  await complete(id, [part]);
});

test('a part with a checksum of another algorithm than the upload was created with is refused', async () => {
  const sha = await create({ ChecksumAlgorithm: 'SHA256' });
  const body = Buffer.from('x');
  expect(await codeOf(upload(sha, 1, body, { ChecksumCRC32: base64Crc32(body) }))).toBe('InvalidRequest');
});

test('an upload created without an algorithm accepts parts with a checksum, which the completion must repeat', async () => {
  const id = await create();
  const body = Buffer.from('x');
  const part = await upload(id, 1, body, { ChecksumCRC32: base64Crc32(body) });
  expect(part.ChecksumCRC32).toBe(base64Crc32(body));
  expect(await codeOf(complete(id, [{ PartNumber: 1, ETag: part.ETag }]))).toBe('InvalidPart');
  expect((await complete(id, [part])).ChecksumType).toBe('FULL_OBJECT');
});

test('an upload cannot be created with a checksum type and no algorithm', async () => {
  expect(await codeOf(create({ ChecksumType: 'FULL_OBJECT' }))).toBe('InvalidRequest');
});

test('a completion must use the type the upload was created with', async () => {
  const id = await create({ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' });
  expect(await codeOf(complete(id, await both(id), { ChecksumType: 'COMPOSITE' }))).toBe('InvalidRequest');
});
