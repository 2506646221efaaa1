import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHasher } from '../../src/s3/storage/checksums.ts';
import { BLOCK_BYTES, createGenerator } from '../../src/s3/storage/sparse/generator.ts';
import { codeOf, type Harness, queueArn, REGION, SOURCE, startHarness } from './harness.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const TIB = 1024 ** 4;
const Bucket = 'sparse';
const REPLICA = 'replica';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
  harness.queues.set(queueArn('events'), 'allowed');
  harness.s3.createBucket({
    name: Bucket,
    accountId: SOURCE,
    region: REGION,
    VersioningConfiguration: { Status: 'Enabled' },
    NotificationConfiguration: {
      QueueConfigurations: [{ Queue: queueArn('events'), Event: 's3:ObjectCreated:*' }],
    },
  });
  harness.s3.createBucket({ name: REPLICA, accountId: SOURCE, region: REGION });
  harness.s3.receiveSparse({ bucket: REPLICA, prefix: 'five/', seed: 5 });
});
afterAll(() => harness.close());

const bytesOf = (seed: number, position: number, lengthBytes: number): Buffer =>
  // Its buffers are used again: each is copied before the next one is asked for.
  Buffer.concat(Array.from(createGenerator(seed).read(position, lengthBytes), (chunk) => Buffer.from(chunk)));

const read = async (input: { Key: string; Range?: string; PartNumber?: number; Bucket?: string }) => {
  const answer = await harness.client.send(new GetObjectCommand({ Bucket, ...input }));
  return { ...answer, bytes: Buffer.from((await answer.Body?.transformToByteArray()) ?? []) };
};

describe('generated content', () => {
  const range = fc.record({
    position: fc.oneof(
      fc.nat({ max: 5 * BLOCK_BYTES }),
      fc.nat({ max: 700_000_000 }).map((n) => n * BLOCK_BYTES - 7),
    ),
    lengthBytes: fc.nat({ max: 20 * BLOCK_BYTES }),
  });
  const valid = range.filter(({ position }) => position >= 0);

  test.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)('has the %s that is computed for it', (algorithm) => {
    const generator = createGenerator(3);
    fc.assert(
      fc.property(valid, ({ position, lengthBytes }) => {
        const hasher = createHasher(algorithm);
        for (const chunk of generator.read(position, lengthBytes)) hasher.update(chunk);
        expect(generator.crc(algorithm, position, lengthBytes)).toEqual(hasher.digest());
      }),
      { numRuns: 40 },
    );
  });

  test('tells where a piece of it is from, and the first byte that is another', () => {
    const generator = createGenerator(3);
    fc.assert(
      fc.property(valid, fc.nat(), ({ position, lengthBytes }, at) => {
        const bytes = bytesOf(3, position, lengthBytes + BLOCK_BYTES + 16);
        expect(generator.locate(bytes)).toBe(position);
        expect(generator.difference(bytes, position)).toBe(-1);
        const wrong = at % bytes.length;
        bytes[wrong] = ~(bytes[wrong] ?? 0);
        expect(generator.difference(bytes, position)).toBe(wrong);
      }),
      { numRuns: 40 },
    );
  });

  test('is another for another seed, and no two blocks of it are alike', () => {
    expect(bytesOf(1, 0, 1000)).not.toEqual(bytesOf(2, 0, 1000));
    expect(bytesOf(1, 0, BLOCK_BYTES)).not.toEqual(bytesOf(1, BLOCK_BYTES, BLOCK_BYTES));
  });
});

describe('a sparse object', () => {
  test('of 5 TB is read by ranges, and described as any other', async () => {
    const sizeBytes = 5 * TIB;
    const made = harness.s3.createSparseObject({
      bucket: Bucket,
      key: 'five/tb',
      sizeBytes,
      seed: 5,
      partSizeBytes: 525 * MIB,
      headers: { 'x-amz-meta-color': 'blue', 'Content-Type': 'video/mp4' },
    });
    const head = await harness.client.send(
      new HeadObjectCommand({ Bucket, Key: 'five/tb', ChecksumMode: 'ENABLED', PartNumber: 9987 }),
    );
    expect(head).toMatchObject({ PartsCount: 9987, ContentLength: sizeBytes - 9986 * 525 * MIB });
    const whole = await harness.client.send(
      new HeadObjectCommand({ Bucket, Key: 'five/tb', ChecksumMode: 'ENABLED' }),
    );
    expect(whole).toMatchObject({
      ContentLength: sizeBytes,
      ContentType: 'video/mp4',
      Metadata: { color: 'blue' },
      VersionId: made.versionId,
      ETag: `"${made.etag}"`,
      ChecksumCRC64NVME: made.checksum.value,
      ChecksumType: 'FULL_OBJECT',
    });
    const position = 4 * TIB + 12_345;
    const { bytes, ContentRange: range } = await read({
      Key: 'five/tb',
      Range: `bytes=${position}-${position + 999_999}`,
    });
    expect(bytes.equals(bytesOf(5, position, 1_000_000))).toBe(true);
    expect(range).toBe(`bytes ${position}-${position + 999_999}/${sizeBytes}`);
    expect((await read({ Key: 'five/tb', Range: 'bytes=-10' })).bytes).toEqual(
      bytesOf(5, sizeBytes - 10, 10),
    );
    const record = harness.records().at(-1);
    expect(record?.eventName).toBe('ObjectCreated:CompleteMultipartUpload');
    expect(record?.s3.object).toMatchObject({ size: sizeBytes, eTag: made.etag, versionId: made.versionId });
  });

  test('of a few parts is read by part number', async () => {
    harness.s3.createSparseObject({
      bucket: Bucket,
      key: 'parts',
      sizeBytes: 13 * MIB + 5,
      seed: 6,
      partSizesBytes: [5 * MIB, 8 * MIB, 5],
      checksum: { algorithm: 'CRC32C', type: 'COMPOSITE' },
    });
    expect((await read({ Key: 'parts', PartNumber: 2 })).bytes.equals(bytesOf(6, 5 * MIB, 8 * MIB))).toBe(
      true,
    );
    expect((await read({ Key: 'parts', PartNumber: 3 })).bytes).toEqual(bytesOf(6, 13 * MIB, 5));
    const attributes = await harness.client.send(
      new GetObjectAttributesCommand({ Bucket, Key: 'parts', ObjectAttributes: ['ObjectParts', 'Checksum'] }),
    );
    const hasher = createHasher('CRC32C');
    hasher.update(bytesOf(6, 0, 5 * MIB));
    expect(attributes.ObjectParts?.Parts?.[0]?.ChecksumCRC32C).toBe(hasher.digest().toString('base64'));
    expect(attributes.Checksum?.ChecksumType).toBe('COMPOSITE');
  });
});

/** What a copier does: each part read from the source and written as it is. */
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

describe('a replica of a sparse object', () => {
  test('is as sparse, with the same ETag and checksum, part by part', async () => {
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

  test('in one piece has the same ETag, and may be sent with any checksum', async () => {
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

  test('fails at a part that is not content of its source', async () => {
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

  test('whose parts were mixed up is seen to be another object', async () => {
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

  test('of 5 TB in 1,000 parts of 5 GiB is made by server-side copies', async () => {
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

  test('put together from server-side copies is one piece again, and its own copies are known without reading', async () => {
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
    // Of the source in one piece.
    expect((await harness.client.send(again)).CopyObjectResult?.ETag).toBe(`"${etag}"`);
  });

  test('may be a CopyObject of up to 5 GiB', async () => {
    const made = harness.s3.createSparseObject({ bucket: Bucket, key: 'gib', sizeBytes: 5 * GIB, seed: 9 });
    const copy = new CopyObjectCommand({ Bucket: REPLICA, Key: 'gib', CopySource: `${Bucket}/gib` });
    expect((await harness.client.send(copy)).CopyObjectResult?.ETag).toBe(`"${made.etag}"`);
  });
});
