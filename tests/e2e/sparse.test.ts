/**
 * Replicates objects that are larger than any test could store. Their content is generated while it is read, and the destination
 * bucket compares every byte that it receives (packages/local-aws/docs/faults.md).
 */
import { HeadObjectCommand, type HeadObjectCommandOutput, NotFound, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { watchRequests } from './support/operations.ts';
import { deadLetters, purge } from './support/queues.ts';
import { settled, startStage, type Stage } from './support/stages/stage.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const SEED = 26;
/** Size in GiB of the largest object that is streamed. With `SPARSE_GIB=20` the test takes minutes. */
const GIBIBYTES = Number(process.env['SPARSE_GIB'] ?? 0.25);

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
  stage.aws.s3.receiveSparse({ bucket: 'main-replica', seed: SEED });
});
afterAll(async () => {
  await stage?.stop();
});

const head = (s3: S3Client, bucket: string, key: string, partNumber?: number) =>
  s3.send(
    new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED', PartNumber: partNumber }),
  );

/** Selects the fields that show whether two parts or two objects are equal. */
const sums = ({
  ETag,
  ContentLength,
  PartsCount,
  ChecksumCRC64NVME,
  ChecksumType,
}: HeadObjectCommandOutput) => ({
  ETag,
  ContentLength,
  PartsCount,
  ChecksumCRC64NVME,
  ChecksumType,
});

const createSource = (object: Omit<Parameters<typeof stage.aws.s3.createSparseObject>[0], 'bucket'>) =>
  stage.aws.s3.createSparseObject({ bucket: 'main', ...object });

test(`${GIBIBYTES} GiB in parts of very different sizes are streamed with every byte in its place`, async () => {
  const key = 'uneven parts';
  const parts = [0.2 * GIBIBYTES * GIB, 5 * MIB, 0.8 * GIBIBYTES * GIB, 64 * MIB + 1].map(Math.ceil);
  const requests = watchRequests(stage);
  const made = createSource({
    key,
    sizeBytes: parts.reduce((before, bytes) => before + bytes, 0),
    seed: SEED,
    partSizesBytes: parts,
    headers: { 'x-amz-meta-color': 'blue', 'content-type': 'video/mp4' },
  });
  await stage.waitUntilQuiet({ timeoutMs: 150_000 + GIBIBYTES * 50_000 });
  expect(await deadLetters(stage)).toEqual([]);
  for (const partNumber of [1, 2, 3, 4]) {
    const source = await head(stage.source.s3(), 'main', key, partNumber);
    const replica = await head(stage.destination.s3(), 'main-replica', key, partNumber);
    expect(sums(replica)).toEqual({ ...sums(source), ETag: `"${made.etag}"`, PartsCount: 4 });
    expect(replica).toMatchObject({ ContentType: 'video/mp4', Metadata: { color: 'blue' } });
  }
  expect(await head(stage.destination.s3(), 'main-replica', key)).toMatchObject({
    ChecksumCRC64NVME: made.checksum.value,
    ChecksumType: 'FULL_OBJECT',
  });
  // No part was sent twice.
  expect(requests.filter((request) => request.startsWith('s3:UploadPart '))).toHaveLength(4);
});

test('the destination refuses bytes that differ from the expected ones, which proves its comparison', async () => {
  const partSizeBytes = 5 * MIB;
  createSource({ key: 'others', sizeBytes: 2 * partSizeBytes, seed: SEED + 1, partSizeBytes });
  expect(await settled(stage)).toBe(true);
  expect((await deadLetters(stage)).map(({ attributes }) => attributes)).toMatchObject([
    { reason: 'bad-checksum', key: 'others' },
  ]);
  await expect(head(stage.destination.s3(), 'main-replica', 'others')).rejects.toThrow(NotFound);
  purge(stage);
});
