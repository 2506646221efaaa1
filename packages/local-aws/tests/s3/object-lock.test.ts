/** Source: Amazon S3 User Guide "Locking objects with Object Lock"; error sentences as S3 was recorded answering. */
import { createHash } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  UploadPartCommand,
  type ObjectLockConfiguration,
  type ObjectLockMode,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
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
const hold = (Key: string, Status: 'ON' | 'OFF') =>
  harness.client.send(new PutObjectLegalHoldCommand({ Bucket, Key, LegalHold: { Status } }));

describe('a locked version', () => {
  test('tells its retention and legal hold in headers', async () => {
    await put('told', { ...locked('GOVERNANCE', 2), ObjectLockLegalHoldStatus: 'ON' });
    const head = await harness.client.send(new HeadObjectCommand({ Bucket, Key: 'told' }));
    expect(head).toMatchObject({
      ObjectLockMode: 'GOVERNANCE',
      ObjectLockRetainUntilDate: later(2),
      ObjectLockLegalHoldStatus: 'ON',
    });
  });

  test('keeps them from those who may not read them', async () => {
    await put('untold', { ...locked('GOVERNANCE', 2), ObjectLockLegalHoldStatus: 'ON' });
    harness.deny = ({ action }) => action === 's3:GetObjectRetention' || action === 's3:GetObjectLegalHold';
    const head = await harness.client.send(new HeadObjectCommand({ Bucket, Key: 'untold' }));
    expect(head.ObjectLockMode).toBeUndefined();
    expect(head.ObjectLockLegalHoldStatus).toBeUndefined();
  });

  test('is hidden by a delete marker but not deleted', async () => {
    const { VersionId } = await put('hidden', locked('COMPLIANCE', 1));
    expect((await remove('hidden', undefined)).DeleteMarker).toBe(true);
    await expect(remove('hidden', VersionId)).rejects.toThrow(
      'Access Denied because object protected by object lock.',
    );
    const marker = await remove('hidden', undefined);
    await remove('hidden', marker.VersionId);
  });

  test('under governance goes only for a caller that asks to bypass it and may', async () => {
    const { VersionId } = await put('governed', locked('GOVERNANCE', 1));
    expect(await codeOf(remove('governed', VersionId))).toBe('AccessDenied');
    harness.deny = ({ action }) => action === 's3:BypassGovernanceRetention';
    const bypass = { BypassGovernanceRetention: true };
    expect(await codeOf(remove('governed', VersionId, bypass))).toBe('AccessDenied');
    harness.deny = null;
    await remove('governed', VersionId, bypass);
  });

  test('under compliance goes for nobody until its time is over', async () => {
    const { VersionId } = await put('complied', locked('COMPLIANCE', 1));
    const bypass = { BypassGovernanceRetention: true };
    expect(await codeOf(remove('complied', VersionId, bypass))).toBe('AccessDenied');
    harness.clock.nowMs += DAY_MS + 1;
    await remove('complied', VersionId);
  });

  test('under legal hold stays until the hold is taken off', async () => {
    const { VersionId } = await put('held', { ObjectLockLegalHoldStatus: 'ON' });
    expect(await codeOf(remove('held', VersionId, { BypassGovernanceRetention: true }))).toBe('AccessDenied');
    await hold('held', 'OFF');
    const answer = await harness.client.send(new GetObjectLegalHoldCommand({ Bucket, Key: 'held' }));
    expect(answer.LegalHold?.Status).toBe('OFF');
    await remove('held', VersionId);
  });

  test('is refused one by one in a multi-object delete', async () => {
    const { VersionId } = await put('many', locked('GOVERNANCE', 1));
    const answer = await harness.client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'many', VersionId }] } }),
    );
    expect(answer.Errors).toMatchObject([{ Key: 'many', VersionId, Code: 'AccessDenied' }]);
  });
});

describe('a retention', () => {
  const current = async (Key: string) =>
    (await harness.client.send(new GetObjectRetentionCommand({ Bucket, Key }))).Retention;

  test('is made longer by whoever may put it', async () => {
    await put('longer', locked('COMPLIANCE', 1));
    await retain('longer', 'COMPLIANCE', 3);
    expect(await current('longer')).toEqual({ Mode: 'COMPLIANCE', RetainUntilDate: later(3) });
  });

  test('is not made shorter, except under governance by a bypass', async () => {
    await put('shorter', locked('GOVERNANCE', 3));
    expect(await codeOf(retain('shorter', 'GOVERNANCE', 1))).toBe('AccessDenied');
    await retain('shorter', 'GOVERNANCE', 1, { BypassGovernanceRetention: true });
    await put('never-shorter', locked('COMPLIANCE', 3));
    const bypass = { BypassGovernanceRetention: true };
    expect(await codeOf(retain('never-shorter', 'COMPLIANCE', 1, bypass))).toBe('AccessDenied');
    expect(await codeOf(retain('never-shorter', 'GOVERNANCE', 9, bypass))).toBe('AccessDenied');
  });

  test('under governance becomes compliance only by a bypass', async () => {
    await put('stricter', locked('GOVERNANCE', 1));
    expect(await codeOf(retain('stricter', 'COMPLIANCE', 2))).toBe('AccessDenied');
    await retain('stricter', 'COMPLIANCE', 2, { BypassGovernanceRetention: true });
  });

  test('under governance is removed by an empty document and a bypass', async () => {
    await put('removed', locked('GOVERNANCE', 1));
    const removal = { Bucket, Key: 'removed', Retention: {}, BypassGovernanceRetention: true };
    await harness.client.send(new PutObjectRetentionCommand(removal));
    expect(await codeOf(current('removed'))).toBe('NoSuchObjectLockConfiguration');
  });

  test('must end in the future', async () => {
    await put('past');
    await expect(retain('past', 'GOVERNANCE', -1)).rejects.toThrow(
      'The retain until date must be in the future!',
    );
    expect(await codeOf(put('past', locked('GOVERNANCE', -1)))).toBe('InvalidArgument');
  });

  test('needs both mode and date', async () => {
    await expect(put('half', { ObjectLockMode: 'GOVERNANCE' })).rejects.toThrow('must both be supplied');
    await expect(put('half', { ...locked('GOVERNANCE', 1), ObjectLockMode: 'STRICT' })).rejects.toThrow(
      'Unknown wormMode directive.',
    );
  });

  test('takes a permission of its own in a header, which policies may bound', async () => {
    harness.deny = ({ action }) => action === 's3:PutObjectRetention';
    expect(await codeOf(put('denied', locked('GOVERNANCE', 1)))).toBe('AccessDenied');
    harness.deny = ({ context }) => Number(context?.['s3:object-lock-remaining-retention-days']) > 10;
    expect(await codeOf(put('bounded', locked('GOVERNANCE', 11)))).toBe('AccessDenied');
    await put('bounded', locked('GOVERNANCE', 10));
    harness.deny = ({ action }) => action === 's3:PutObjectLegalHold';
    expect(await codeOf(put('denied', { ObjectLockLegalHoldStatus: 'ON' }))).toBe('AccessDenied');
  });

  test('is not carried over by a copy, and can be given to one', async () => {
    await put('source', locked('GOVERNANCE', 5));
    const copy = (Key: string, more: object = {}) =>
      harness.client.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/source`, ...more }));
    await copy('copy');
    expect(await codeOf(current('copy'))).toBe('NoSuchObjectLockConfiguration');
    await copy('locked-copy', locked('GOVERNANCE', 2));
    expect((await current('locked-copy'))?.RetainUntilDate).toEqual(later(2));
  });
});

describe('uploads under object lock', () => {
  const without = harnessWithoutChecksums;

  test('must carry a checksum or Content-MD5', async () => {
    await expect(
      without().send(
        new PutObjectCommand({ Bucket, Key: 'bare', Body: Buffer.from('x'), ...locked('GOVERNANCE', 1) }),
      ),
    ).rejects.toThrow('Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests');
    const ContentMD5 = createHash('md5').update('x').digest('base64');
    const proven = { Key: 'md5', Body: Buffer.from('x'), ContentMD5, ...locked('GOVERNANCE', 1) };
    await without().send(new PutObjectCommand({ Bucket, ...proven }));
  });

  test('in parts must carry one with each part, and lock the object they make', async () => {
    const { UploadId } = await harness.client.send(
      new CreateMultipartUploadCommand({ Bucket, Key: 'parts', ...locked('COMPLIANCE', 1) }),
    );
    const part = { Bucket, Key: 'parts', UploadId, PartNumber: 1, Body: Buffer.from('part') };
    await expect(without().send(new UploadPartCommand(part))).rejects.toThrow('Put Part requests');
    const { ETag, ChecksumCRC32 } = await harness.client.send(new UploadPartCommand(part));
    const { VersionId } = await harness.client.send(
      new CompleteMultipartUploadCommand({
        Bucket,
        Key: 'parts',
        UploadId,
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32 }] },
      }),
    );
    expect(await codeOf(remove('parts', VersionId))).toBe('AccessDenied');
  });
});

describe('a bucket', () => {
  test('gives new versions its default retention, and no other', async () => {
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
    const retention = async () =>
      (await harness.client.send(new GetObjectRetentionCommand({ Bucket: name, Key: 'k' }))).Retention;
    expect(await retention()).toEqual({ Mode: 'GOVERNANCE', RetainUntilDate: later(7) });
    await put('k', { Bucket: name, ...locked('COMPLIANCE', 1) });
    expect(await retention()).toEqual({ Mode: 'COMPLIANCE', RetainUntilDate: later(1) });
    await expect(
      harnessWithoutChecksums().send(
        new PutObjectCommand({ Bucket: name, Key: 'k', Body: Buffer.from('x') }),
      ),
    ).rejects.toThrow('Content-MD5 OR x-amz-checksum-');
  });

  test('tells its configuration, which can be changed but not taken away', async () => {
    const read = (name: string) =>
      harness.client.send(new GetObjectLockConfigurationCommand({ Bucket: name }));
    expect((await read(Bucket)).ObjectLockConfiguration).toEqual({ ObjectLockEnabled: 'Enabled' });
    const Rule = { DefaultRetention: { Mode: 'GOVERNANCE' as const, Years: 1 } };
    await configure(Bucket, { ObjectLockEnabled: 'Enabled', Rule });
    expect((await read(Bucket)).ObjectLockConfiguration).toEqual({ ObjectLockEnabled: 'Enabled', Rule });
    await configure(Bucket, { ObjectLockEnabled: 'Enabled' });
    expect(await codeOf(read('plain'))).toBe('ObjectLockConfigurationNotFoundError');
  });

  test.each<[string, ObjectLockConfiguration, string]>([
    ['no word of enabling', { Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } }, 'MalformedXML'],
    ['an empty rule', { ObjectLockEnabled: 'Enabled', Rule: {} }, 'MalformedXML'],
    [
      'days and years',
      { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1, Years: 1 } } },
      'MalformedXML',
    ],
    [
      'no days',
      { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 0 } } },
      'InvalidArgument',
    ],
  ])('refuses a configuration with %s', async (_, configuration, code) => {
    expect(await codeOf(configure(Bucket, configuration))).toBe(code);
  });

  test('with object lock keeps its versions', async () => {
    const suspend = new PutBucketVersioningCommand({
      Bucket,
      VersioningConfiguration: { Status: 'Suspended' },
    });
    expect(await codeOf(harness.client.send(suspend))).toBe('InvalidBucketState');
  });

  test('without versions is not locked, and with versions can be', async () => {
    expect(await codeOf(configure('plain', { ObjectLockEnabled: 'Enabled' }))).toBe('InvalidBucketState');
    harness.s3.createBucket({
      name: 'versioned-later',
      accountId: SOURCE,
      region: REGION,
      VersioningConfiguration: { Status: 'Enabled' },
    });
    await configure('versioned-later', { ObjectLockEnabled: 'Enabled' });
  });

  test('without object lock takes neither locks nor bypasses', async () => {
    await expect(put('k', { Bucket: 'plain', ...locked('GOVERNANCE', 1) })).rejects.toThrow(
      'Bucket is missing ObjectLockConfiguration',
    );
    await put('k', { Bucket: 'plain' });
    expect(await codeOf(retain('k', 'GOVERNANCE', 1, { Bucket: 'plain' }))).toBe('InvalidRequest');
    await expect(
      remove('k', undefined, { Bucket: 'plain', BypassGovernanceRetention: true }),
    ).rejects.toThrow('is only applicable to Object Lock enabled buckets');
  });

  test('without object lock refuses a multi-object delete that bypasses as a whole', async () => {
    const deletion = new DeleteObjectsCommand({
      Bucket: 'plain',
      Delete: { Objects: [{ Key: 'k' }] },
      BypassGovernanceRetention: false,
    });
    expect(await codeOf(harness.client.send(deletion))).toBe('InvalidArgument');
  });

  test('says that event holds are not here', async () => {
    expect(await codeOf(put('k', { ObjectLockEventHold: 'ON' }))).toBe('NotImplemented');
  });
});

function harnessWithoutChecksums() {
  return harness.clientOf(SOURCE, { requestChecksumCalculation: 'WHEN_REQUIRED' });
}
