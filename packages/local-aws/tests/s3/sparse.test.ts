/** Objects of any size whose content is generated when it is read. */
import { GetObjectAttributesCommand, GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHasher } from '../../src/s3/storage/checksums.ts';
import { BLOCK_BYTES, createGenerator } from '../../src/s3/storage/sparse/generator.ts';
import { type Harness, queueArn, REGION, SOURCE, startHarness } from './harness.ts';

const MIB = 1024 ** 2;
const TIB = 1024 ** 4;
const Bucket = 'sparse';

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
});
afterAll(() => harness.close());

const bytesOf = (seed: number, position: number, lengthBytes: number): Buffer =>
  // The generator reuses its buffers, so each buffer is copied before the next one is read.
  Buffer.concat(Array.from(createGenerator(seed).read(position, lengthBytes), (chunk) => Buffer.from(chunk)));

const read = async (input: { Key: string; Range?: string; PartNumber?: number; Bucket?: string }) => {
  const answer = await harness.client.send(new GetObjectCommand({ Bucket, ...input }));
  return { ...answer, bytes: Buffer.from((await answer.Body?.transformToByteArray()) ?? []) };
};

const slice = fc.record({
  position: fc.oneof(
    fc.nat({ max: 5 * BLOCK_BYTES }),
    fc.nat({ max: 700_000_000 }).map((n) => n * BLOCK_BYTES - 7),
  ),
  lengthBytes: fc.nat({ max: 20 * BLOCK_BYTES }),
});
const valid = slice.filter(({ position }) => position >= 0);

test.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)(
  'generated content has the %s that is calculated without reading it',
  (algorithm) => {
    const generator = createGenerator(3);
    fc.assert(
      fc.property(valid, ({ position, lengthBytes }) => {
        const hasher = createHasher(algorithm);
        for (const chunk of generator.read(position, lengthBytes)) hasher.update(chunk);
        expect(generator.crc(algorithm, position, lengthBytes)).toEqual(hasher.digest());
      }),
      { numRuns: 40 },
    );
  },
);

test('a piece of generated content is located, and the first byte that differs is found', () => {
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

test('generated content differs from seed to seed and from block to block', () => {
  expect(bytesOf(1, 0, 1000)).not.toEqual(bytesOf(2, 0, 1000));
  expect(bytesOf(1, 0, BLOCK_BYTES)).not.toEqual(bytesOf(1, BLOCK_BYTES, BLOCK_BYTES));
});

test('a sparse object of 5 TB is read by ranges and described like any other object', async () => {
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
  expect((await read({ Key: 'five/tb', Range: 'bytes=-10' })).bytes).toEqual(bytesOf(5, sizeBytes - 10, 10));
  const record = harness.records().at(-1);
  expect(record?.eventName).toBe('ObjectCreated:CompleteMultipartUpload');
  expect(record?.s3.object).toMatchObject({ size: sizeBytes, eTag: made.etag, versionId: made.versionId });
});

test('a sparse object in parts is read by part number', async () => {
  harness.s3.createSparseObject({
    bucket: Bucket,
    key: 'parts',
    sizeBytes: 13 * MIB + 5,
    seed: 6,
    partSizesBytes: [5 * MIB, 8 * MIB, 5],
    checksum: { algorithm: 'CRC32C', type: 'COMPOSITE' },
  });
  expect((await read({ Key: 'parts', PartNumber: 2 })).bytes.equals(bytesOf(6, 5 * MIB, 8 * MIB))).toBe(true);
  expect((await read({ Key: 'parts', PartNumber: 3 })).bytes).toEqual(bytesOf(6, 13 * MIB, 5));
  const attributes = await harness.client.send(
    new GetObjectAttributesCommand({ Bucket, Key: 'parts', ObjectAttributes: ['ObjectParts', 'Checksum'] }),
  );
  const hasher = createHasher('CRC32C');
  hasher.update(bytesOf(6, 0, 5 * MIB));
  expect(attributes.ObjectParts?.Parts?.[0]?.ChecksumCRC32C).toBe(hasher.digest().toString('base64'));
  expect(attributes.Checksum?.ChecksumType).toBe('COMPOSITE');
});
