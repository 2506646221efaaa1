/** Tests that S3 copies parts itself, with the local S3. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CopySource } from '../../src/lib/model/ports.ts';
import {
  contentOf,
  destination,
  local,
  newUpload,
  putSource,
  sourceOf,
  startCopyBuckets,
  stopCopyBuckets,
} from './copy-buckets.ts';

beforeAll(startCopyBuckets);
afterAll(stopCopyBuckets);

const first = 'a'.repeat(5 * 1024 * 1024 + 1);

const multipartSource = async (key: string): Promise<CopySource> => {
  const name = { Bucket: 'source', Key: key };
  const owner = local.sourceOwner;
  const { UploadId } = await owner.send(new CreateMultipartUploadCommand(name));
  const Parts = [];
  for (const [index, Body] of [first, 'b'].entries()) {
    const part = { ...name, UploadId, PartNumber: index + 1, Body };
    const { ETag, ChecksumCRC32 } = await owner.send(new UploadPartCommand(part));
    Parts.push({ ETag, ChecksumCRC32, PartNumber: index + 1 });
  }
  await owner.send(new CompleteMultipartUploadCommand({ ...name, UploadId, MultipartUpload: { Parts } }));
  const current = await sourceOf('source').look(key);
  if (current.kind !== 'object') throw new Error('nothing there');
  return { bucket: 'source', account: null, key, pin: current.state };
};

test('part copies at the part boundaries of the source give the replica the same ETag', async () => {
  const from = await multipartSource('parts');
  const sizes = [1, 2].map((number) => sourceOf('source').part('parts', from.pin, number));
  expect(await Promise.all(sizes)).toEqual([
    { parts: 2, sizeBytes: first.length },
    { parts: 2, sizeBytes: 1 },
  ]);
  const uploadId = await newUpload('parts');
  const copyPart = (partNumber: number, bytes: { first: number; last: number }) =>
    destination().copyPart({ from, key: 'parts', uploadId, partNumber, bytes });
  const parts = [
    await copyPart(1, { first: 0, last: first.length - 1 }),
    await copyPart(2, { first: first.length, last: first.length }),
  ];
  const written = await destination().completeUpload({
    key: 'parts',
    uploadId,
    parts,
    sizeBytes: first.length + 1,
    checksum: null,
    precondition: { kind: 'absent' },
  });
  expect(written.etag).toBe(from.pin.etag);
  expect(await contentOf('parts')).toBe(`${first}b`);
});

// S3 accepts a byte range in a part copy only if the source is larger than 5 MB.
test.each([
  ['without a range', null],
  ['with a range of the whole source', { first: 0, last: 6 }],
])('a part copy of a whole small source sends no range when called %s', async (_name, bytes) => {
  const from = await putSource('small');
  const uploadId = await newUpload('small');
  const ranges: unknown[] = [];
  local.aws.faults.plan = ({ operation, headers }) => {
    if (operation === 's3:UploadPartCopy') ranges.push(headers['x-amz-copy-source-range']);
    return undefined;
  };
  const part = await destination().copyPart({ from, key: 'small', uploadId, partNumber: 1, bytes });
  local.aws.faults.plan = undefined;
  expect(part).toEqual({ partNumber: 1, etag: from.pin.etag, checksum: null });
  expect(ranges).toEqual([undefined]);
  await destination().abortUpload({ key: 'small', uploadId });
});

test('a part copy fails as a lost race if its source version or its upload is gone', async () => {
  const from = await putSource('part-gone');
  const uploadId = await newUpload('part-gone');
  const request = { key: 'part-gone', uploadId, partNumber: 1, bytes: null };
  const gone = { ...from, pin: { ...from.pin, etag: '"another"' } };
  await expect(destination().copyPart({ ...request, from: gone })).rejects.toMatchObject({
    reason: 'lost-race',
  });
  await destination().abortUpload(request);
  await expect(destination().copyPart({ ...request, from })).rejects.toMatchObject({ reason: 'lost-race' });
});
