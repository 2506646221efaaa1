/** Encryption, removal and restores, against the local S3. */
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import {
  destination,
  local,
  put,
  source,
  startAttributeBuckets,
  stopAttributeBuckets,
} from './attribute-buckets.ts';

beforeAll(startAttributeBuckets);
afterAll(stopAttributeBuckets);

const kmsKeyArn = 'arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab';

test.each([
  [{}, undefined, undefined],
  [{ encryption: 'AES256' }, 'AES256', undefined],
  [{ encryption: 'AES256', kmsKeyArn }, 'AES256', undefined],
  [{ kmsKeyArn }, 'aws:kms', 'true'],
  [{ encryption: 'aws:kms', kmsKeyArn }, 'aws:kms', 'true'],
  [{ encryption: 'aws:kms' }, 'aws:kms', 'true'],
  [{ encryption: 'aws:kms:dsse', kmsKeyArn }, 'aws:kms:dsse', undefined],
] as const)(
  'put and createUpload send the same encryption headers for %j',
  async (fields, mode, bucketKey) => {
    const asked: Record<string, unknown>[] = [];
    const { plan } = local.aws.faults;
    local.aws.faults.plan = ({ headers, method }) => {
      if (method !== 'HEAD' && method !== 'GET') asked.push({ ...headers });
      return undefined;
    };
    try {
      const to = destination('replica', { encryption: null, kmsKeyArn: null, ...fields });
      // The local KMS may not have this key. The calls may fail, because only their headers are compared.
      await put(to, `encrypted-${JSON.stringify(fields)}`).catch(() => undefined);
      await to
        .createUpload({ key: 'e', attributes: REPLICA_ATTRIBUTES, checksum: null })
        .catch(() => undefined);
    } finally {
      local.aws.faults.plan = plan;
    }
    const uploads = asked.filter((headers) => !String(headers['authorization']).includes('/sts/'));
    expect(uploads).toHaveLength(2);
    for (const headers of uploads) {
      expect(headers['x-amz-server-side-encryption']).toBe(mode);
      expect(headers['x-amz-server-side-encryption-bucket-key-enabled']).toBe(bucketKey);
      const isKms = mode?.startsWith('aws:kms') && 'kmsKeyArn' in fields;
      expect(headers['x-amz-server-side-encryption-aws-kms-key-id']).toBe(isKms ? kmsKeyArn : undefined);
    }
  },
);

test('a removal puts a delete marker over an unchanged object and returns its id', async () => {
  const to = destination();
  const { etag } = await put(to, 'removed');
  const { versionId } = await to.remove({ key: 'removed', etag });
  expect(await to.look('removed')).toEqual({ kind: 'marker', versionId });
});

test('a removal of an object that was replaced or is gone fails as a lost race', async () => {
  const to = destination();
  const { etag } = await put(to, 'raced');
  await expect(to.remove({ key: 'raced', etag: '"other"' })).rejects.toMatchObject({ reason: 'lost-race' });
  await to.remove({ key: 'raced', etag });
  await expect(to.remove({ key: 'raced', etag })).rejects.toMatchObject({ reason: 'lost-race' });
  await expect(to.remove({ key: 'never', etag })).rejects.toMatchObject({ reason: 'lost-race' });
});

test('a removal in an unversioned bucket deletes the object and returns no id', async () => {
  const to = destination('replica-plain');
  const { etag } = await put(to, 'removed');
  expect(await to.remove({ key: 'removed', etag })).toEqual({ versionId: null });
  expect(await to.look('removed')).toEqual({ kind: 'absent' });
});

const request = { days: 3, tier: 'Standard' } as const;
const write = async (key: string, StorageClass: 'GLACIER' | 'STANDARD') => {
  const { VersionId } = await local.sourceOwner.send(
    new PutObjectCommand({ Bucket: 'source', Key: key, Body: 'a', StorageClass }),
  );
  return VersionId ?? '';
};
const restoreHeader = async (key: string) =>
  (await local.sourceOwner.send(new HeadObjectCommand({ Bucket: 'source', Key: key }))).Restore;

test('a restore can be requested again while it is under way', async () => {
  const versionId = await write('glacier', 'GLACIER');
  await source().restore('glacier', versionId, request);
  expect(await restoreHeader('glacier')).toBe('ongoing-request="true"');
  await expect(source().restore('glacier', versionId, request)).resolves.toBeUndefined();
});

test('a restore of a version that is not archived fails as a lost race, because it can be read', async () => {
  const versionId = await write('standard', 'STANDARD');
  await expect(source().restore('standard', versionId, request)).rejects.toMatchObject({
    reason: 'lost-race',
  });
});
