/** `acl: replicate` replicates grants to other accounts and groups if both buckets have ACLs enabled. */
import {
  GetObjectAclCommand,
  PutBucketOwnershipControlsCommand,
  PutObjectAclCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { canonicalUserId } from '@s3-replicator/local-aws/s3';
import { startFidelityStage } from './support/stages/fidelity.ts';
import { seen } from './support/objects.ts';
import { watchRequests } from './support/operations.ts';
import { deadLetters, purge } from './support/queues.ts';
import { PERMISSION_SECONDS, settled, type Stage } from './support/stages/stage.ts';
import { historyOf } from './support/versions.ts';

const FRIEND = canonicalUserId('333333333333');
const OTHER = canonicalUserId('444444444444');

let stage: Stage;
beforeAll(async () => {
  stage = await startFidelityStage();
  await stage.destination.s3().send(
    new PutBucketOwnershipControlsCommand({
      Bucket: 'enforced-replica',
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    }),
  );
});
afterAll(async () => {
  await stage?.stop();
});
afterEach(() => {
  stage.aws.faults.plan = undefined;
  purge(stage);
});

/** Returns `<permission> <canonical user or group>` for each grant, except for the grants to the owner. */
const grantsOf = async (
  client: S3Client,
  Bucket: string,
  Key: string,
  VersionId?: string,
): Promise<string[]> => {
  const { Owner, Grants = [] } = await client.send(new GetObjectAclCommand({ Bucket, Key, VersionId }));
  return Grants.filter(({ Grantee }) => Grantee?.ID !== Owner?.ID)
    .map(({ Grantee, Permission }) => `${Permission} ${Grantee?.ID ?? Grantee?.URI}`)
    .toSorted();
};

const replicaGrants = (key: string, versionId?: string) =>
  grantsOf(stage.destination.s3(), 'granted-replica', key, versionId);

const reasons = async (): Promise<string[]> =>
  (await deadLetters(stage)).map(
    ({ attributes: { destination, key, reason } }) => `${destination} ${key}: ${reason}`,
  );

test('grants are replicated with the object, or quarantined if the destination has ACLs disabled, where the object arrives without them', async () => {
  await stage.put('granted', 'new', 'x', { GrantRead: `id="${FRIEND}"`, GrantReadACP: `id="${OTHER}"` });
  expect(await settled(stage)).toBe(true);
  expect(await replicaGrants('new')).toEqual([`READ ${FRIEND}`, `READ_ACP ${OTHER}`].toSorted());
  expect(await reasons()).toEqual(['enforced-replica new: acl-unsupported']);
  expect(await seen(stage.destination.s3(), 'enforced-replica', 'new')).not.toBeNull();
});

test('an object without grants is replicated to an owner-enforced bucket', async () => {
  await stage.put('granted', 'private', 'x');
  expect(await settled(stage)).toBe(true);
  expect(await replicaGrants('private')).toEqual([]);
  expect(await reasons()).toEqual([]);
});

test('grants that are given and revoked later reach the replica of their version without a new version', async () => {
  const where = { Bucket: 'granted', Key: 'later' };
  const { VersionId: first } = await stage.put('granted', 'later', 'one');
  await stage.put('granted', 'later', 'two');
  expect(await settled(stage)).toBe(true);
  const requests = watchRequests(stage);
  const s3 = stage.source.s3();
  await s3.send(new PutObjectAclCommand({ ...where, VersionId: first, GrantRead: `id="${FRIEND}"` }));
  await s3.send(new PutObjectAclCommand({ ...where, GrantFullControl: `id="${OTHER}"` }));
  expect(await settled(stage)).toBe(true);
  const history = await historyOf(stage.destination.s3(), 'granted-replica', 'later');
  expect(history).toHaveLength(2);
  expect(await replicaGrants('later', history[0]?.versionId)).toEqual([`READ ${FRIEND}`]);
  expect(await replicaGrants('later')).toEqual([`FULL_CONTROL ${OTHER}`]);
  expect(requests.filter((request) => request.startsWith('s3:PutObject '))).toEqual([]);
  await s3.send(new PutObjectAclCommand({ ...where, ACL: 'private' }));
  expect(await settled(stage)).toBe(true);
  expect(await replicaGrants('later')).toEqual([]);
  purge(stage);
});

test('grants to everybody are quarantined if the destination bucket blocks public access', async () => {
  await stage.put('granted', 'public', 'x', { ACL: 'public-read' });
  expect(await settled(stage, 3_600, PERMISSION_SECONDS)).toBe(true);
  expect(await replicaGrants('public')).toEqual([]);
  expect(await reasons()).toContain('granted-replica public: access-denied');
});
