/** Source: Amazon S3 User Guide "Access control list (ACL) overview", "Controlling ownership of objects". */
import {
  DeleteBucketOwnershipControlsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketOwnershipControlsCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketAclCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutObjectAclCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuthorizer } from '../../src/iam/authorizer.ts';
import { codeOf, OTHER, queueArn, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
const Bucket = 'writers';

beforeAll(async () => {
  harness = await startHarness();
  harness.s3.createBucket({ name: 'enforced', accountId: SOURCE, region: REGION });
  harness.s3.createBucket({
    name: Bucket,
    accountId: SOURCE,
    region: REGION,
    OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] },
  });
  // Requests are checked by the real local IAM, so they need a grant.
  const iam = createAuthorizer({ now: () => harness.clock.nowMs });
  harness.deny = (question) => !iam.decide(question).allowed;
});
afterAll(() => harness.close());

const put = (Key: string, more: object = {}) =>
  harness.client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(Key), ...more }));
const aclOf = async (Key: string, more: object = {}) =>
  harness.client.send(new GetObjectAclCommand({ Bucket, Key, ...more }));
const permissions = async (Key: string) =>
  ((await aclOf(Key)).Grants ?? []).map((grant) => [
    grant.Grantee?.URI?.split('/').at(-1) ?? grant.Grantee?.Type,
    grant.Permission,
  ]);
const other = () => harness.clientOf(OTHER);
const idOf = async (accountId: string) => {
  const client = harness.clientOf(accountId);
  harness.s3.createBucket({ name: `of-${accountId}`, accountId, region: REGION });
  await client.send(new PutObjectCommand({ Bucket: `of-${accountId}`, Key: 'k', Body: Buffer.from('') }));
  return (
    (await client.send(new GetObjectAclCommand({ Bucket: `of-${accountId}`, Key: 'k' }))).Owner?.ID ?? ''
  );
};

test('a caller whom the ACL lets list the bucket learns that a key does not exist, and everybody else is denied', async () => {
  const readable = { name: 'readable', accountId: SOURCE, region: REGION };
  harness.s3.createBucket({
    ...readable,
    OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] },
  });
  const missing = () => codeOf(other().send(new GetObjectCommand({ Bucket: 'readable', Key: 'missing' })));
  expect(await missing()).toBe('AccessDenied');
  await harness.client.send(new DeletePublicAccessBlockCommand({ Bucket: 'readable' }));
  await harness.client.send(new PutBucketAclCommand({ Bucket: 'readable', ACL: 'public-read' }));
  expect(await missing()).toBe('NoSuchKey');
  await harness.client.send(new PutObjectCommand({ Bucket: 'readable', Key: 'private', Body: 'x' }));
  expect(await codeOf(other().send(new GetObjectCommand({ Bucket: 'readable', Key: 'private' })))).toBe(
    'AccessDenied',
  );
});

test('nobody but its owner reads a new object', async () => {
  await put('private');
  expect(await permissions('private')).toEqual([['CanonicalUser', 'FULL_CONTROL']]);
  expect(await codeOf(other().send(new GetObjectCommand({ Bucket, Key: 'private' })))).toBe('AccessDenied');
});

test('a public grant is refused while the bucket blocks public ACLs, and opens the object once the block is removed', async () => {
  expect(await codeOf(put('public', { ACL: 'public-read' }))).toBe('AccessDenied');
  await harness.client.send(new DeletePublicAccessBlockCommand({ Bucket }));
  await put('public', { ACL: 'public-read' });
  expect(await permissions('public')).toEqual([
    ['CanonicalUser', 'FULL_CONTROL'],
    ['AllUsers', 'READ'],
  ]);
  await other().send(new GetObjectCommand({ Bucket, Key: 'public' }));
  expect(await codeOf(other().send(new GetObjectAclCommand({ Bucket, Key: 'public' })))).toBe('AccessDenied');
});

test('a grant to another account’s canonical id lets that account read the object', async () => {
  const id = await idOf(OTHER);
  await put('granted', { GrantRead: `id="${id}"` });
  await other().send(new GetObjectCommand({ Bucket, Key: 'granted' }));
});

test('the bucket owner cannot read an object of another account until that account grants it', async () => {
  await harness.client.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read-write' }));
  const write = (Key: string, more: object = {}) =>
    other().send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from('x'), ...more }));
  await write('theirs');
  expect(await codeOf(harness.client.send(new GetObjectCommand({ Bucket, Key: 'theirs' })))).toBe(
    'AccessDenied',
  );
  await write('shared', { ACL: 'bucket-owner-full-control' });
  await harness.client.send(new GetObjectCommand({ Bucket, Key: 'shared' }));
});

test('an ACL is replaced by a canned name or a document, and each actual change sends an event', async () => {
  await put('changing');
  const queue = queueArn('acl');
  harness.queues.set(queue, 'allowed');
  await harness.client.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket,
      NotificationConfiguration: { QueueConfigurations: [{ QueueArn: queue, Events: ['s3:ObjectAcl:Put'] }] },
    }),
  );
  const change = (more: object) =>
    harness.client.send(new PutObjectAclCommand({ Bucket, Key: 'changing', ...more }));
  await change({ ACL: 'authenticated-read' });
  await change({ ACL: 'authenticated-read' });
  const { Owner, Grants } = await aclOf('changing');
  await change({ AccessControlPolicy: { Owner, Grants: Grants?.slice(0, 1) } });
  expect(await permissions('changing')).toEqual([['CanonicalUser', 'FULL_CONTROL']]);
  const records = harness.records();
  expect(records.map((record) => record.eventName)).toEqual(['ObjectAcl:Put', 'ObjectAcl:Put']);
  expect(records[0]).toMatchObject({ eventVersion: '2.3', s3: { object: { key: 'changing' } } });
  expect(Object.keys(records[0]?.s3.object ?? {})).toEqual(['key', 'eTag']);
});

test('PutObjectAcl without an ACL, or with two of them, is refused', async () => {
  const raw = (headers: Record<string, string>, body: string) =>
    harness.raw('PUT', `/${Bucket}/changing?acl`, { headers, body });
  expect((await raw({}, '')).body).toContain('MissingSecurityHeader');
  expect((await raw({ 'x-amz-acl': 'private' }, '<AccessControlPolicy/>')).body).toContain(
    'UnexpectedContent',
  );
  expect((await raw({}, '<AccessControlPolicy/>')).body).toContain('MalformedACLError');
  expect((await raw({ 'x-amz-acl': 'open' }, '')).body).toContain('InvalidArgument');
});

test('a bucket owner can take over all objects only while the bucket’s own ACL is private', async () => {
  const enforce = () =>
    harness.client.send(
      new PutBucketOwnershipControlsCommand({
        Bucket,
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      }),
    );
  expect(await codeOf(enforce())).toBe('InvalidBucketAclWithObjectOwnership');
  await harness.client.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }));
  await enforce();
  await harness.client.send(new GetObjectCommand({ Bucket, Key: 'theirs' }));
  const listed = await harness.client.send(new ListObjectsV2Command({ Bucket, FetchOwner: true }));
  expect(new Set(listed.Contents?.map((entry) => entry.Owner?.ID)).size).toBe(1);
});

test('deleting the ownership controls leaves objects to their writers', async () => {
  await harness.client.send(new DeleteBucketOwnershipControlsCommand({ Bucket }));
  const read = harness.client.send(new GetBucketOwnershipControlsCommand({ Bucket }));
  expect(await codeOf(read)).toBe('OwnershipControlsNotFoundError');
  expect(await codeOf(harness.client.send(new GetObjectCommand({ Bucket, Key: 'theirs' })))).toBe(
    'AccessDenied',
  );
});
