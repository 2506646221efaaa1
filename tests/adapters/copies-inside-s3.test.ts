/**
 * Copies of whole objects inside S3, against the local S3. The tests check the content, the attributes and
 * the conditions.
 */
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Precondition, ReplicaAttributes } from '../../src/lib/model/ports.ts';
import {
  contentOf,
  copy,
  destination,
  local,
  putSource,
  replicaOf,
  startCopyBuckets,
  stopCopyBuckets,
} from './copy-buckets.ts';

beforeAll(startCopyBuckets);
afterAll(stopCopyBuckets);

test('a copy inside S3 has the given attributes and none of its source', async () => {
  const from = await putSource('attributes', {
    ContentType: 'text/plain',
    CacheControl: 'no-store',
    Metadata: { old: 'value' },
    Tagging: 'old=tag',
    WebsiteRedirectLocation: '/old',
  });
  const attributes: ReplicaAttributes = {
    cacheControl: null,
    // Node returns each byte of a UTF-8 header as one Latin-1 character.
    contentDisposition: Buffer.from('attachment; filename=Prüfung – 株.pdf').toString('latin1'),
    contentEncoding: 'identity',
    contentLanguage: 'de',
    contentType: 'application/pdf',
    expires: 'never, says the uploader',
    websiteRedirectLocation: '/elsewhere',
    storageClass: 'STANDARD_IA',
    metadata: { s3r: 'v1' },
    tags: { 'space and +': '= ü' },
    lock: { retention: { mode: 'GOVERNANCE', untilMs: Date.now() + 3_600_000 }, legalHold: true },
  };
  const written = await copy(from, { attributes }, { bucket: 'replica-locked' });
  const { tags, lock, ...others } = attributes;
  const state = await replicaOf('attributes', 'replica-locked');
  expect(state).toMatchObject({
    versionId: written.versionId,
    etag: written.etag,
    attributes: others,
    lock: { legalHold: true, retention: { mode: 'GOVERNANCE' } },
  });
  expect(Math.abs((state.lock.retention?.untilMs ?? 0) - (lock.retention?.untilMs ?? 0))).toBeLessThan(1_000);
  expect(await destination({ bucket: 'replica-locked' }).tags('attributes', null)).toEqual(tags);
});

test('a copy without given tags has no tags, even if its source has some', async () => {
  await copy(await putSource('untagged', { Tagging: 'old=tag' }));
  expect(await destination().tags('untagged', null)).toEqual({});
});

test('a copy inside S3 has the encryption of the destination, not of its source', async () => {
  const from = await putSource('encrypted');
  expect(from.pin.encryption).toBe('AES256');
  expect(await copy(from, {}, { encryption: 'aws:kms' })).toMatchObject({ encryption: 'aws:kms' });
});

test.each([
  ...(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const).map((name) => [name, null] as const),
  // The SDK does not compute this checksum, so the checksum of `content` is given here.
  ['XXHASH128', { ChecksumXXHASH128: 'kX4SdCdPwZWyei0jiNlWjA==' }] as const,
])(
  'a copy inside S3 has the %s checksum of its source, so that both can be compared',
  async (algorithm, given) => {
    const from = await putSource(`checksum-${algorithm}`, given ?? { ChecksumAlgorithm: algorithm });
    expect(from.pin.checksum).toMatchObject({ algorithm, type: 'FULL_OBJECT' });
    const written = await copy(from);
    expect(written.checksum).toEqual(from.pin.checksum);
    expect(written.etag).toBe(from.pin.etag);
  },
);

test('a copy inside S3 reads the pinned version even after the source was overwritten', async () => {
  const from = await putSource('pinned', { Body: 'first' });
  await putSource('pinned', { Body: 'second' });
  await copy(from);
  expect(await contentOf('pinned')).toBe('first');
});

test.each([
  ['was replaced in an unversioned bucket', 'source-plain'],
  ['has another ETag than was seen', 'source'],
])('a copy of a source that %s fails as a lost race', async (_name, bucket) => {
  const from = await putSource('replaced', { Bucket: bucket, Body: 'first' });
  if (bucket === 'source-plain') await putSource('replaced', { Bucket: bucket, Body: 'second' });
  else from.pin = { ...from.pin, etag: '"another"' };
  await expect(copy(from)).rejects.toMatchObject({ reason: 'lost-race' });
  expect(await destination().look('replaced')).toEqual({ kind: 'absent' });
});

test.each([
  ['source', 'lost-race'],
  ['source-plain', 'no-such-bucket'],
])('a copy of a version that is gone from bucket %s fails as %s', async (bucket, reason) => {
  const from = await putSource('gone', { Bucket: bucket });
  const VersionId = from.pin.versionId ?? undefined;
  await local.sourceOwner.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'gone', VersionId }));
  await expect(copy(from)).rejects.toMatchObject({ reason });
});

test('a copy inside S3 is made only if the destination has not changed', async () => {
  const from = await putSource('conditional');
  const { etag } = await copy(from);
  await expect(copy(from)).rejects.toMatchObject({ reason: 'lost-race' });
  const other: Precondition = { kind: 'unchanged', etag: '"another"' };
  await expect(copy(from, { precondition: other })).rejects.toMatchObject({ reason: 'lost-race' });
  await copy(from, { precondition: { kind: 'unchanged', etag } });
  const nothing = { key: 'nothing-there', precondition: { kind: 'unchanged', etag } } as const;
  await expect(copy(from, nothing)).rejects.toMatchObject({ reason: 'lost-race' });
});

test('a locked copy into a bucket without Object Lock fails with the reason object-lock', async () => {
  const attributes = { lock: { retention: null, legalHold: true } };
  await expect(copy(await putSource('locked'), { attributes })).rejects.toMatchObject({
    reason: 'object-lock',
  });
});

test('a copy of a source that the role may not read is denied, and writes nothing', async () => {
  const from = await putSource('closed', { Bucket: 'source-closed' });
  await expect(copy(from)).rejects.toMatchObject({ reason: 'access-denied' });
  expect(await destination().look('closed')).toEqual({ kind: 'absent' });
});
