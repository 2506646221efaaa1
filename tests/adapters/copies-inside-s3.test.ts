/** Copies that S3 makes by itself, against the local S3: what arrives, under which keys, on which conditions. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CopySource, ObjectState, Precondition, ReplicaAttributes } from '../../src/lib/model/ports.ts';
import type { Destination } from '../../src/lib/model/rule.ts';
import { REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { collected } from './collected.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

let local: LocalBuckets;
beforeAll(async () => {
  local = await startLocalBuckets();
  local.createSource('source');
  local.createSource('source-plain', { VersioningConfiguration: undefined });
  local.createSource('source-closed');
  for (const bucket of ['source', 'source-plain']) await openTo(testDestination().roleArn, bucket);
  local.createDestination('replica');
  local.createDestination('replica-locked', { ObjectLockEnabled: true });
});
afterAll(async () => {
  await local[Symbol.asyncDispose]();
});

/** What the owner of a source grants the role of the other account. */
const openTo = async (roleArn: string, bucket: string): Promise<void> => {
  const reading = {
    Effect: 'Allow',
    Principal: { AWS: roleArn },
    Action: ['s3:GetObject', 's3:GetObjectVersion'],
    Resource: `arn:aws:s3:::${bucket}/*`,
  };
  const listing = { ...reading, Action: 's3:ListBucket', Resource: `arn:aws:s3:::${bucket}` };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [reading, listing] });
  await local.sourceOwner.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
};

const sourceOf = (bucket: string) =>
  local.buckets.source(testRule({ source: { ...testRule().source, bucket } }));
const destination = (fields: Partial<Destination> = {}) => local.buckets.destination(testDestination(fields));

const putSource = async (
  key: string,
  fields: Partial<PutObjectCommandInput> = {},
): Promise<CopySource & { pin: ObjectState }> => {
  const bucket = fields.Bucket ?? 'source';
  await local.sourceOwner.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'content', ...fields }),
  );
  const current = await sourceOf(bucket).look(key);
  if (current.kind !== 'object') throw new Error('nothing there');
  return { bucket, key, pin: current.state };
};

const copy = (
  from: CopySource,
  fields: { key?: string; attributes?: Partial<ReplicaAttributes>; precondition?: Precondition } = {},
  to: Partial<Destination> = {},
) =>
  destination(to).copyObject({
    from,
    key: fields.key ?? from.key,
    attributes: { ...REPLICA_ATTRIBUTES, ...fields.attributes },
    precondition: fields.precondition ?? { kind: 'absent' },
    unchecked: 'refuse',
  });

const contentOf = async (key: string, bucket = 'replica'): Promise<string> => {
  const { Body } = await local.destinationOwner.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return (await Body?.transformToString()) ?? '';
};

const replicaOf = async (key: string, bucket = 'replica'): Promise<ObjectState> => {
  const current = await destination({ bucket }).look(key);
  if (current.kind !== 'object') throw new Error('no replica');
  return current.state;
};

const newUpload = async (key: string) =>
  (await destination().createUpload({ key, attributes: REPLICA_ATTRIBUTES, checksum: null })).uploadId;

describe('a copy in one piece', () => {
  test('has the attributes that are given and none of those of its source', async () => {
    const from = await putSource('attributes', {
      ContentType: 'text/plain',
      CacheControl: 'no-store',
      Metadata: { old: 'value' },
      Tagging: 'old=tag',
      WebsiteRedirectLocation: '/old',
    });
    const attributes: ReplicaAttributes = {
      cacheControl: null,
      // As Node hands out the bytes of UTF-8.
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
    expect(Math.abs((state.lock.retention?.untilMs ?? 0) - (lock.retention?.untilMs ?? 0))).toBeLessThan(
      1_000,
    );
    expect(await destination({ bucket: 'replica-locked' }).tags('attributes', null)).toEqual(tags);
  });

  test('of a source with tags has none where none are given', async () => {
    await copy(await putSource('untagged', { Tagging: 'old=tag' }));
    expect(await destination().tags('untagged', null)).toEqual({});
  });

  test('is encrypted as the destination says, not as its source', async () => {
    const from = await putSource('encrypted');
    expect(from.pin.encryption).toBe('AES256');
    expect(await copy(from, {}, { encryption: 'aws:kms' })).toMatchObject({ encryption: 'aws:kms' });
  });

  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
    'has the %s of its source, so that both can be compared',
    async (algorithm) => {
      const from = await putSource(`checksum-${algorithm}`, { ChecksumAlgorithm: algorithm });
      expect(from.pin.checksum).toMatchObject({ algorithm, type: 'FULL_OBJECT' });
      const written = await copy(from);
      expect(written.checksum).toEqual(from.pin.checksum);
      expect(written.etag).toBe(from.pin.etag);
    },
  );

  test('reads the pinned version, whatever came after it', async () => {
    const from = await putSource('pinned', { Body: 'first' });
    await putSource('pinned', { Body: 'second' });
    await copy(from);
    expect(await contentOf('pinned')).toBe('first');
  });

  test.each([
    ['replaced, in a bucket without versions', 'source-plain'],
    ['no more what was seen', 'source'],
  ])('of a source that was %s is a lost race', async (_name, bucket) => {
    const from = await putSource('replaced', { Bucket: bucket, Body: 'first' });
    if (bucket === 'source-plain') await putSource('replaced', { Bucket: bucket, Body: 'second' });
    else from.pin = { ...from.pin, etag: '"another"' };
    await expect(copy(from)).rejects.toMatchObject({ reason: 'lost-race' });
    expect(await destination().look('replaced')).toEqual({ kind: 'absent' });
  });

  test.each(['source', 'source-plain'])(
    'of a version that is gone from %s is a lost race',
    async (bucket) => {
      const from = await putSource('gone', { Bucket: bucket });
      const VersionId = from.pin.versionId ?? undefined;
      await local.sourceOwner.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'gone', VersionId }));
      await expect(copy(from)).rejects.toMatchObject({ reason: 'lost-race' });
    },
  );

  test('is made only where the destination is still as it was seen', async () => {
    const from = await putSource('conditional');
    const { etag } = await copy(from);
    await expect(copy(from)).rejects.toMatchObject({ reason: 'lost-race' });
    const other: Precondition = { kind: 'unchanged', etag: '"another"' };
    await expect(copy(from, { precondition: other })).rejects.toMatchObject({ reason: 'lost-race' });
    await copy(from, { precondition: { kind: 'unchanged', etag } });
    const nothing = { key: 'nothing-there', precondition: { kind: 'unchanged', etag } } as const;
    await expect(copy(from, nothing)).rejects.toMatchObject({ reason: 'lost-race' });
  });

  test('with a lock, into a bucket without Object Lock, says what is missing', async () => {
    const attributes = { lock: { retention: null, legalHold: true } };
    await expect(copy(await putSource('locked'), { attributes })).rejects.toMatchObject({
      reason: 'object-lock',
    });
  });

  test('of a source that the role may not read is denied, and nothing is written', async () => {
    const from = await putSource('closed', { Bucket: 'source-closed' });
    await expect(copy(from)).rejects.toMatchObject({ reason: 'access-denied' });
    expect(await destination().look('closed')).toEqual({ kind: 'absent' });
  });
});

describe('a part', () => {
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
    return { bucket: 'source', key, pin: current.state };
  };

  test('of these bytes, at the boundaries of the source, gives the same ETag in the end', async () => {
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

  // S3 takes a range only of sources over 5 MB.
  test.each([
    ['without a range', null],
    ['with a range of all of it', { first: 0, last: 6 }],
  ])('of a whole small source is asked for without a range: %s', async (_name, bytes) => {
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

  test('of a version that is gone, or into an upload that is gone, is a lost race', async () => {
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
});

describe('keys', () => {
  const ODD = [
    'a b+c%20d%2Be',
    '?versionId=x',
    'a?versionId=null&b#c',
    '/leading//double/trailing/',
    'ü/株/🙂/\u200b',
    "!'()*~-._",
    '\u0001\t\n',
    '%',
    '%25',
    '+',
    'source/replica',
  ];

  const arrives = async (key: string): Promise<void> => {
    const body = `content of ${key}`;
    const from = await putSource(key, { Body: body });
    const replica = `odd-keys/${key}`;
    await copy(from, { key: replica, precondition: await preconditionOf(replica) });
    expect(await contentOf(replica)).toBe(body);
    const uploadId = await newUpload(replica);
    const part = await destination().copyPart({ from, key: replica, uploadId, partNumber: 1, bytes: null });
    expect(part.etag).toBe(from.pin.etag);
    const listed = await collected(destination().uploads(replica));
    expect(listed).toContainEqual(expect.objectContaining({ key: replica, uploadId }));
    await destination().abortUpload({ key: replica, uploadId });
  };

  const preconditionOf = async (key: string): Promise<Precondition> => {
    const current = await destination().look(key);
    return current.kind === 'object' ? { kind: 'unchanged', etag: current.state.etag } : { kind: 'absent' };
  };

  test.each(ODD)('%j is found under its own name', arrives);

  test('any that S3 allows is found under its own name', async () => {
    const key = fc
      .string({
        unit: fc.oneof(
          fc.constantFrom(...Array.from('/?+%&#= .~\'"\\')),
          fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
        ),
        minLength: 1,
        maxLength: 40,
      })
      // HTTP clients take these for folders.
      .filter((text) => !text.split('/').some((segment) => segment === '.' || segment === '..'));
    await fc.assert(fc.asyncProperty(key, arrives), { numRuns: 40 });
  });
});
