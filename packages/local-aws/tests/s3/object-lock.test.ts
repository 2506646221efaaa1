/** Source: Amazon S3 User Guide "Locking objects with Object Lock"; the error messages were recorded from S3. */
import { Readable } from 'node:stream';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  UploadPartCommand,
  type ObjectLockConfiguration,
  type ObjectLockMode,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { codeOf, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
const Bucket = 'locked';
const DAY_MS = 86_400_000;

beforeAll(async () => {
  harness = await startHarness();
  await harness.client.send(
    new CreateBucketCommand({
      Bucket,
      ObjectLockEnabledForBucket: true,
      CreateBucketConfiguration: { LocationConstraint: REGION },
    }),
  );
  harness.s3.createBucket({ name: 'plain', accountId: SOURCE, region: REGION });
});
afterAll(() => harness.close());
beforeEach(() => {
  harness.deny = null;
});

const later = (days: number) => new Date(harness.clock.nowMs + days * DAY_MS);
const put = (Key: string, more: object = {}) =>
  harness.client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(Key), ...more }));
const locked = (mode: ObjectLockMode, days: number) => ({
  ObjectLockMode: mode,
  ObjectLockRetainUntilDate: later(days),
});
const remove = (Key: string, VersionId: string | undefined, more: object = {}) =>
  harness.client.send(new DeleteObjectCommand({ Bucket, Key, VersionId, ...more }));
const retain = (Key: string, Mode: ObjectLockMode, days: number, more: object = {}) =>
  harness.client.send(
    new PutObjectRetentionCommand({
      Bucket,
      Key,
      Retention: { Mode, RetainUntilDate: later(days) },
      ...more,
    }),
  );
const configure = (bucket: string, configuration: ObjectLockConfiguration) =>
  harness.client.send(
    new PutObjectLockConfigurationCommand({ Bucket: bucket, ObjectLockConfiguration: configuration }),
  );

test('HEAD hides the lock of a version from callers who may not read it', async () => {
  await put('untold', { ...locked('GOVERNANCE', 2), ObjectLockLegalHoldStatus: 'ON' });
  harness.deny = ({ action }) => action === 's3:GetObjectRetention' || action === 's3:GetObjectLegalHold';
  const head = await harness.client.send(new HeadObjectCommand({ Bucket, Key: 'untold' }));
  expect(head.ObjectLockMode).toBeUndefined();
  expect(head.ObjectLockLegalHoldStatus).toBeUndefined();
});

test('a version under governance is deleted only by a caller that asks to bypass it and may do so', async () => {
  const { VersionId } = await put('governed', locked('GOVERNANCE', 1));
  expect(await codeOf(remove('governed', VersionId))).toBe('AccessDenied');
  harness.deny = ({ action }) => action === 's3:BypassGovernanceRetention';
  const bypass = { BypassGovernanceRetention: true };
  expect(await codeOf(remove('governed', VersionId, bypass))).toBe('AccessDenied');
  harness.deny = null;
  await remove('governed', VersionId, bypass);
});

const current = async (Key: string) =>
  (await harness.client.send(new GetObjectRetentionCommand({ Bucket, Key }))).Retention;

test('a retention under compliance can be extended', async () => {
  await put('longer', locked('COMPLIANCE', 1));
  await retain('longer', 'COMPLIANCE', 3);
  expect(await current('longer')).toEqual({ Mode: 'COMPLIANCE', RetainUntilDate: later(3) });
});

test('a retention is not shortened, except under governance with a bypass', async () => {
  await put('shorter', locked('GOVERNANCE', 3));
  expect(await codeOf(retain('shorter', 'GOVERNANCE', 1))).toBe('AccessDenied');
  await retain('shorter', 'GOVERNANCE', 1, { BypassGovernanceRetention: true });
  await put('never-shorter', locked('COMPLIANCE', 3));
  const bypass = { BypassGovernanceRetention: true };
  expect(await codeOf(retain('never-shorter', 'COMPLIANCE', 1, bypass))).toBe('AccessDenied');
  expect(await codeOf(retain('never-shorter', 'GOVERNANCE', 9, bypass))).toBe('AccessDenied');
});

test('a retention under governance becomes compliance only with a bypass', async () => {
  await put('stricter', locked('GOVERNANCE', 1));
  expect(await codeOf(retain('stricter', 'COMPLIANCE', 2))).toBe('AccessDenied');
  await retain('stricter', 'COMPLIANCE', 2, { BypassGovernanceRetention: true });
});

test('lock headers need permissions of their own, and a policy can limit the retention', async () => {
  harness.deny = ({ action }) => action === 's3:PutObjectRetention';
  expect(await codeOf(put('denied', locked('GOVERNANCE', 1)))).toBe('AccessDenied');
  harness.deny = ({ context }) => Number(context?.['s3:object-lock-remaining-retention-days']) > 10;
  expect(await codeOf(put('bounded', locked('GOVERNANCE', 11)))).toBe('AccessDenied');
  await put('bounded', locked('GOVERNANCE', 10));
  harness.deny = ({ action }) => action === 's3:PutObjectLegalHold';
  expect(await codeOf(put('denied', { ObjectLockLegalHoldStatus: 'ON' }))).toBe('AccessDenied');
});

test('a bucket with a default retention requires a checksum with each upload', async () => {
  const name = 'by-default';
  harness.s3.createBucket({
    name,
    accountId: SOURCE,
    region: REGION,
    ObjectLockEnabled: true,
    ObjectLockConfiguration: {
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 7 } },
    },
  });
  await put('k', { Bucket: name });
  await expect(
    harnessWithoutChecksums().send(new PutObjectCommand({ Bucket: name, Key: 'k', Body: Buffer.from('x') })),
  ).rejects.toThrow('Content-MD5 OR x-amz-checksum-');
});

test('a bucket returns its lock configuration, whose default retention can be changed and removed', async () => {
  const read = (name: string) => harness.client.send(new GetObjectLockConfigurationCommand({ Bucket: name }));
  expect((await read(Bucket)).ObjectLockConfiguration).toEqual({ ObjectLockEnabled: 'Enabled' });
  const Rule = { DefaultRetention: { Mode: 'GOVERNANCE' as const, Years: 1 } };
  await configure(Bucket, { ObjectLockEnabled: 'Enabled', Rule });
  expect((await read(Bucket)).ObjectLockConfiguration).toEqual({ ObjectLockEnabled: 'Enabled', Rule });
  await configure(Bucket, { ObjectLockEnabled: 'Enabled' });
  expect(await codeOf(read('plain'))).toBe('ObjectLockConfigurationNotFoundError');
});

test('a lock configuration with an empty rule is MalformedXML', async () => {
  expect(await codeOf(configure(Bucket, { ObjectLockEnabled: 'Enabled', Rule: {} }))).toBe('MalformedXML');
});

test('a bucket without object lock refuses deletions that bypass governance', async () => {
  await put('k', { Bucket: 'plain' });
  await expect(remove('k', undefined, { Bucket: 'plain', BypassGovernanceRetention: true })).rejects.toThrow(
    'is only applicable to Object Lock enabled buckets',
  );
});

test('a bucket without object lock refuses a multi-object delete that has a bypass header', async () => {
  const deletion = new DeleteObjectsCommand({
    Bucket: 'plain',
    Delete: { Objects: [{ Key: 'k' }] },
    BypassGovernanceRetention: false,
  });
  expect(await codeOf(harness.client.send(deletion))).toBe('InvalidArgument');
});

test('an event hold is NotImplemented', async () => {
  expect(await codeOf(put('k', { ObjectLockEventHold: 'ON' }))).toBe('NotImplemented');
});

function harnessWithoutChecksums() {
  return harness.clientOf(SOURCE, { requestChecksumCalculation: 'WHEN_REQUIRED' });
}

test('options switch off two rules that AWS does not document: trailers do not suffice, and undeclared checksums are refused', async () => {
  const lenient = await startHarness({ lockTakesTrailers: true, takesUndeclaredChecksums: true });
  try {
    const { s3, client } = lenient;
    s3.createBucket({
      name: Bucket,
      accountId: SOURCE,
      region: REGION,
      ObjectLockEnabled: true,
      ...VERSIONED,
    });
    const hold = { ObjectLockLegalHoldStatus: 'ON' } as const;
    const Body = Readable.from([Buffer.from('a')]);
    const trailer = { Body, ContentLength: 1, ChecksumAlgorithm: 'CRC32' } as const;
    await client.send(new PutObjectCommand({ Bucket, Key: 'trailer', ...trailer, ...hold }));
    const where = { Bucket, Key: 'undeclared' };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(where));
    const part = { ...where, UploadId, PartNumber: 1, Body: 'a', ContentMD5: 'DMF1ucDxtqgxw5niaXcmYQ==' };
    const plain = lenient.clientOf(SOURCE, { requestChecksumCalculation: 'WHEN_REQUIRED' });
    const { ETag, ChecksumCRC64NVME } = await plain.send(new UploadPartCommand(part));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC64NVME }] };
    await client.send(new CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload }));
  } finally {
    await lenient.close();
  }
});

const VERSIONED = { VersioningConfiguration: { Status: 'Enabled' } } as const;
