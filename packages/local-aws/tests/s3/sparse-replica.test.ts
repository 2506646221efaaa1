/** Replicas that store no bytes, because their source is a sparse object. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGenerator } from '../../src/s3/storage/sparse/generator.ts';
import { codeOf, type Harness, REGION, SOURCE, startHarness } from './harness.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const Bucket = 'sparse';
const REPLICA = 'replica';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
  harness.s3.createBucket({ name: REPLICA, accountId: SOURCE, region: REGION });
  harness.s3.receiveSparse({ bucket: REPLICA, prefix: 'five/', seed: 5 });
});
afterAll(() => harness.close());

const bytesOf = (seed: number, position: number, lengthBytes: number): Buffer =>
  // The generator reuses its buffers, so each buffer is copied before the next one is read.
  Buffer.concat(Array.from(createGenerator(seed).read(position, lengthBytes), (chunk) => Buffer.from(chunk)));

const read = async (input: { Key: string; Range?: string; PartNumber?: number; Bucket?: string }) => {
  const answer = await harness.client.send(new GetObjectCommand({ Bucket, ...input }));
  return { ...answer, bytes: Buffer.from((await answer.Body?.transformToByteArray()) ?? []) };
};

/** Copies parts of an object as a client does: downloads each part and uploads it unchanged. */
const copyParts = async (key: string, partNumbers: number[], target = key): Promise<string> => {
  const destination = { Bucket: REPLICA, Key: target };
  const { UploadId } = await harness.client.send(new CreateMultipartUploadCommand(destination));
  const Parts = [];
  for (const PartNumber of partNumbers) {
    const { bytes } = await read({ Key: key, PartNumber });
    const upload = new UploadPartCommand({ ...destination, UploadId, PartNumber, Body: bytes });
    Parts.push({ PartNumber, ...(await harness.client.send(upload)) });
  }
  const complete = { ...destination, UploadId, MultipartUpload: { Parts } };
  const { ETag } = await harness.client.send(new CompleteMultipartUploadCommand(complete));
  return ETag ?? '';
};

test('a replica uploaded part by part has the ETag and checksum of its sparse source', async () => {
  const made = harness.s3.createSparseObject({
    bucket: Bucket,
    key: 'five/copied',
    sizeBytes: 16 * MIB + 777,
    seed: 5,
    partSizeBytes: 6 * MIB + 11,
  });
  expect(await copyParts('five/copied', [1, 2, 3])).toBe(`"${made.etag}"`);
  const { bytes, ChecksumCRC64NVME: checksum } = await read({ Bucket: REPLICA, Key: 'five/copied' });
  expect(bytes.equals(bytesOf(5, 0, 16 * MIB + 777))).toBe(true);
  expect(checksum).toBe(made.checksum.value);
});

test('a replica uploaded in one piece has the ETag of its sparse source, whichever checksum it is sent with', async () => {
  const made = harness.s3.createSparseObject({
    bucket: Bucket,
    key: 'five/single',
    sizeBytes: 300_000,
    seed: 5,
  });
  const Body = bytesOf(5, 0, 300_000);
  for (const ChecksumAlgorithm of ['CRC32', 'CRC64NVME', 'SHA256'] as const) {
    const put = new PutObjectCommand({ Bucket: REPLICA, Key: 'five/single', Body, ChecksumAlgorithm });
    expect((await harness.client.send(put)).ETag).toBe(`"${made.etag}"`);
  }
  const wrong = { ChecksumCRC32: 'AAAAAA==' };
  const put = new PutObjectCommand({ Bucket: REPLICA, Key: 'five/single', Body, ...wrong });
  expect(await codeOf(harness.client.send(put))).toBe('BadDigest');
});

test('a part that is not content of the sparse source is refused', async () => {
  const destination = { Bucket: REPLICA, Key: 'five/wrong' };
  const { UploadId } = await harness.client.send(new CreateMultipartUploadCommand(destination));
  const upload = (Body: Buffer) =>
    codeOf(harness.client.send(new UploadPartCommand({ ...destination, UploadId, PartNumber: 1, Body })));
  const flipped = bytesOf(5, 0, 5 * MIB);
  flipped[4 * MIB] = ~(flipped[4 * MIB] ?? 0);
  const mixed = Buffer.concat([bytesOf(5, 0, 3 * MIB), bytesOf(5, 4 * MIB, 3 * MIB)]);
  expect(await upload(flipped)).toBe('BadDigest');
  expect(await upload(mixed)).toBe('BadDigest');
  expect(await upload(bytesOf(7, 0, 5 * MIB))).toBe('BadDigest');
  expect(await upload(Buffer.alloc(5 * MIB))).toBe('BadDigest');
  await harness.client.send(new AbortMultipartUploadCommand({ ...destination, UploadId }));
});

test('a replica with its parts in the wrong order has another ETag and checksum', async () => {
  const made = harness.s3.createSparseObject({
    bucket: Bucket,
    key: 'five/ordered',
    sizeBytes: 15 * MIB,
    seed: 5,
    partSizeBytes: 5 * MIB,
  });
  const destination = { Bucket: REPLICA, Key: 'five/mixed' };
  const { UploadId } = await harness.client.send(new CreateMultipartUploadCommand(destination));
  const Parts = [];
  for (const [PartNumber, position] of [
    [1, 0],
    [2, 10],
    [3, 5],
  ] as const) {
    const Body = bytesOf(5, position * MIB, 5 * MIB);
    const upload = new UploadPartCommand({ ...destination, UploadId, PartNumber, Body });
    Parts.push({ PartNumber, ...(await harness.client.send(upload)) });
  }
  const done = await harness.client.send(
    new CompleteMultipartUploadCommand({ ...destination, UploadId, MultipartUpload: { Parts } }),
  );
  expect(done.ETag).not.toBe(`"${made.etag}"`);
  expect(done.ChecksumCRC64NVME).not.toBe(made.checksum.value);
  const { bytes } = await read({
    Bucket: REPLICA,
    Key: 'five/mixed',
    Range: `bytes=${5 * MIB}-${5 * MIB + 99}`,
  });
  expect(bytes).toEqual(bytesOf(5, 10 * MIB, 100));
});

test('server-side copies of 1,000 parts of 5 GiB make a replica of 5 TB', async () => {
  const sizeBytes = 1_000 * 5 * GIB;
  const made = harness.s3.createSparseObject({
    bucket: Bucket,
    key: 'five-tb',
    sizeBytes,
    seed: 8,
    partSizeBytes: 5 * GIB,
  });
  const destination = { Bucket: REPLICA, Key: 'five-tb' };
  const { UploadId } = await harness.client.send(new CreateMultipartUploadCommand(destination));
  const copy = async (PartNumber: number): Promise<{ PartNumber: number; ETag: string }> => {
    const first = (PartNumber - 1) * 5 * GIB;
    const answer = await harness.client.send(
      new UploadPartCopyCommand({
        ...destination,
        UploadId,
        PartNumber,
        CopySource: `${Bucket}/five-tb`,
        CopySourceRange: `bytes=${first}-${first + 5 * GIB - 1}`,
      }),
    );
    return { PartNumber, ETag: answer.CopyPartResult?.ETag ?? '' };
  };
  const Parts: { PartNumber: number; ETag: string }[] = [];
  for (let number = 1; number <= 1_000; number += 50)
    Parts.push(...(await Promise.all(Array.from({ length: 50 }, (_, index) => copy(number + index)))));
  const done = await harness.client.send(
    new CompleteMultipartUploadCommand({ ...destination, UploadId, MultipartUpload: { Parts } }),
  );
  expect(done).toMatchObject({ ETag: `"${made.etag}"`, ChecksumCRC64NVME: made.checksum.value });
  const { bytes } = await read({ Bucket: REPLICA, Key: 'five-tb', Range: 'bytes=-1000' });
  expect(bytes).toEqual(bytesOf(8, sizeBytes - 1000, 1000));
});

test('a copy of a replica made of server-side copies has the ETag of the sparse source', async () => {
  const whole = { bucket: Bucket, key: 'pieces', sizeBytes: 5 * GIB, seed: 11 };
  const { etag } = harness.s3.createSparseObject(whole);
  const destination = { Bucket: REPLICA, Key: 'pieces' };
  const { UploadId } = await harness.client.send(new CreateMultipartUploadCommand(destination));
  const Parts = [];
  for (const [index, range] of [`0-${2 * GIB}`, `${2 * GIB + 1}-${5 * GIB - 1}`].entries()) {
    const source = { CopySource: `${Bucket}/pieces`, CopySourceRange: `bytes=${range}` };
    const part = { ...destination, ...source, UploadId, PartNumber: index + 1 };
    const { CopyPartResult } = await harness.client.send(new UploadPartCopyCommand(part));
    Parts.push({ PartNumber: index + 1, ETag: CopyPartResult?.ETag });
  }
  const complete = { ...destination, UploadId, MultipartUpload: { Parts } };
  expect((await harness.client.send(new CompleteMultipartUploadCommand(complete))).ETag).toMatch(/-2"$/);
  const again = new CopyObjectCommand({ Bucket: REPLICA, Key: 'again', CopySource: `${REPLICA}/pieces` });
  // CopyObject writes the object in one piece, so the copy has the same ETag as the sparse source.
  expect((await harness.client.send(again)).CopyObjectResult?.ETag).toBe(`"${etag}"`);
});

test('CopyObject copies a sparse object of 5 GiB', async () => {
  const made = harness.s3.createSparseObject({ bucket: Bucket, key: 'gib', sizeBytes: 5 * GIB, seed: 9 });
  const copy = new CopyObjectCommand({ Bucket: REPLICA, Key: 'gib', CopySource: `${Bucket}/gib` });
  expect((await harness.client.send(copy)).CopyObjectResult?.ETag).toBe(`"${made.etag}"`);
});
