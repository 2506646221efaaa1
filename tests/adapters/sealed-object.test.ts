/**
 * Objects of somebody else at the destination that are encrypted with a key of the customer (SSE-C), in the local S3. S3 lists them, and
 * shows them only with that key. Each test failed when the adapter threw S3's refusal as an error.
 */
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { clientConfig } from '@s3-replicator/local-aws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DestinationBucket } from '../../src/lib/model/ports.ts';
import { REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { testDestination } from '../model/settings.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

const CUSTOMER = {
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: Buffer.alloc(32, 7).toString('base64'),
} as const;
const BUCKETS = ['versioned', 'unversioned'] as const;

let local: LocalBuckets;
/** Uses TLS, because S3 accepts keys of customers only over TLS. */
let owner: S3Client;
beforeAll(async () => {
  local = await startLocalBuckets();
  owner = new S3Client(clientConfig(local.aws, local.aws.root('222222222222')));
  const BucketEncryption = {
    ServerSideEncryptionConfiguration: [
      {
        ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
        BlockedEncryptionTypes: { EncryptionType: ['NONE'] },
      },
    ],
  };
  local.createDestination('versioned', { BucketEncryption });
  local.createDestination('unversioned', {
    BucketEncryption,
    VersioningConfiguration: { Status: 'Suspended' },
  });
});
afterAll(async () => {
  owner.destroy();
  await local[Symbol.asyncDispose]();
});

const bucketNamed = (bucket: string): DestinationBucket =>
  local.buckets.destination(testDestination({ bucket }));

const putSealed = async (Bucket: string, Key: string) =>
  await owner.send(new PutObjectCommand({ Bucket, Key, Body: 'theirs', ...CUSTOMER }));

test.each(BUCKETS)(
  'a sealed object of a bucket that is %s is seen as its listing shows it, and can be written over on that condition alone',
  async (bucket) => {
    const destination = bucketNamed(bucket);
    const { ETag: etag = '' } = await putSealed(bucket, 'k');
    const now = await destination.look('k');
    expect(now).toMatchObject({ kind: 'object', state: { etag, sizeBytes: 6, encryption: 'SSE-C' } });
    const put = (condition: string) =>
      destination.put({
        key: 'k',
        body: Buffer.from('ours'),
        sizeBytes: 4,
        attributes: REPLICA_ATTRIBUTES,
        precondition: { kind: 'unchanged', etag: condition },
        guard: { kind: 'compute' },
      });
    await putSealed(bucket, 'k');
    await expect(put(etag)).rejects.toMatchObject({ reason: 'lost-race' });
    const shown = await destination.look('k');
    await put(shown.kind === 'object' ? shown.state.etag : '');
    expect(await destination.look('k')).toMatchObject({ kind: 'object', state: { sizeBytes: 4 } });
  },
);

test('a sealed version beneath a delete marker reads as null, and the marker is seen', async () => {
  const { VersionId: sealed = '' } = await putSealed('versioned', 'hidden');
  const { VersionId: marker } = await owner.send(
    new DeleteObjectCommand({ Bucket: 'versioned', Key: 'hidden' }),
  );
  expect(await bucketNamed('versioned').head('hidden', sealed)).toBeNull();
  expect(await bucketNamed('versioned').look('hidden')).toEqual({ kind: 'marker', versionId: marker });
});

test('an object that somebody writes between the refusal and the listing is seen, and not only listed', async () => {
  await putSealed('versioned', 'raced');
  let isListed = false;
  local.aws.faults.plan = ({ operation }) => {
    if (operation !== 's3:ListObjectVersions' || isListed) return undefined;
    isListed = true;
    local.aws.s3.createSparseObject({
      bucket: 'versioned',
      key: 'raced',
      sizeBytes: 3,
      seed: 1,
      headers: { 'x-amz-meta-a': 'b' },
    });
    return undefined;
  };
  const now = await bucketNamed('versioned').look('raced');
  local.aws.faults.plan = undefined;
  expect(isListed).toBe(true);
  expect(now).toMatchObject({ state: { sizeBytes: 3, attributes: { metadata: { a: 'b' } } } });
});
