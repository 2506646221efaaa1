/** Tags and grants of versions, against the local S3. */
import {
  GetObjectAclCommand,
  GetObjectTaggingCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { canonicalUserId } from '@s3-replicator/local-aws/s3';
import type { Acl, Tags } from '../../src/lib/model/ports.ts';
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

/**
 * Tags with every kind of character that S3 allows: letters of any script, digits, spaces and + - = . _ : /
 * @.
 */
const ODD_TAGS: Tags = { 'space and + plus': '= + - . _ : / @', 'Größe 株': 'ü', empty: '' };

test.each(['put', 'createUpload'] as const)('all tags that S3 allows arrive with %s', async (how) => {
  const key = `tags-${how}`;
  const attributes = { ...REPLICA_ATTRIBUTES, tags: ODD_TAGS };
  if (how === 'put') await put(destination(), key, attributes);
  else {
    const { uploadId } = await destination().createUpload({ key, attributes, checksum: null });
    const body = Readable.from([Buffer.from('a')]);
    const guard = { kind: 'none' } as const;
    const part = await destination().uploadPart({
      key,
      uploadId,
      partNumber: 1,
      body,
      sizeBytes: 1,
      guard,
    });
    await destination().completeUpload({
      key,
      uploadId,
      parts: [{ ...part, checksum: null }],
      sizeBytes: 1,
      checksum: null,
      precondition: { kind: 'absent' },
    });
  }
  const { TagSet } = await local.destinationOwner.send(
    new GetObjectTaggingCommand({ Bucket: 'replica', Key: key }),
  );
  expect(Object.fromEntries((TagSet ?? []).map(({ Key, Value }) => [Key, Value]))).toEqual(ODD_TAGS);
  expect(await destination().tags(key, null)).toEqual(ODD_TAGS);
});

test('the tags of one version can be replaced or removed, and other versions keep theirs', async () => {
  const to = destination();
  const first = await put(to, 'versions', { tags: { a: '1' } });
  const second = await to.put({
    key: 'versions',
    body: Buffer.from('b'),
    sizeBytes: 1,
    attributes: { ...REPLICA_ATTRIBUTES, tags: { b: '2' } },
    precondition: { kind: 'unchanged', etag: first.etag },
    guard: { kind: 'none' },
  });
  await to.putTags('versions', first.versionId, ODD_TAGS);
  expect(await to.tags('versions', first.versionId)).toEqual(ODD_TAGS);
  expect(await to.tags('versions', second.versionId)).toEqual({ b: '2' });
  await to.putTags('versions', null, {});
  expect(await to.tags('versions', null)).toEqual({});
});

test('tags of a version that is gone read as null and fail to be written as a lost race', async () => {
  expect(await destination().tags('never', null)).toBeNull();
  await expect(destination().putTags('never', null, { a: '1' })).rejects.toMatchObject({
    reason: 'lost-race',
  });
});

const OTHER = canonicalUserId('333333333333');
const EVERYBODY = 'http://acs.amazonaws.com/groups/global/AllUsers';
const LOG_DELIVERY = 'http://acs.amazonaws.com/groups/s3/LogDelivery';
const SOURCE_OWNER = canonicalUserId('111111111111');

const putSource = async (grants: Partial<PutObjectCommandInput>): Promise<Acl | null> => {
  await local.sourceOwner.send(new PutObjectCommand({ Bucket: 'source', Key: 'acl', Body: 'a' }));
  if (Object.keys(grants).length > 0) {
    await local.sourceOwner.send(new PutObjectAclCommand({ Bucket: 'source', Key: 'acl', ...grants }));
  }
  return await source().acl('acl', null);
};

test('grants to the owner are left out, and grants to others come in an order that does not depend on S3', async () => {
  expect(await putSource({})).toEqual([]);
  const one = await putSource({
    GrantFullControl: `id="${SOURCE_OWNER}"`,
    GrantRead: `uri="${LOG_DELIVERY}", id="${OTHER}"`,
    GrantReadACP: `id="${OTHER}"`,
  });
  expect(one).toEqual([
    { grantee: { kind: 'group', id: LOG_DELIVERY }, permission: 'READ' },
    { grantee: { kind: 'user', id: OTHER }, permission: 'READ' },
    { grantee: { kind: 'user', id: OTHER }, permission: 'READ_ACP' },
  ]);
  expect(
    await putSource({ GrantReadACP: `id="${OTHER}"`, GrantRead: `id="${OTHER}", uri="${LOG_DELIVERY}"` }),
  ).toEqual(one);
});

test('grants written to a replica can be read back, and its owner keeps full control', async () => {
  const to = destination('replica-acl');
  const { versionId } = await put(to, 'acl');
  const acl: Acl = [
    { grantee: { kind: 'group', id: LOG_DELIVERY }, permission: 'READ' },
    { grantee: { kind: 'user', id: OTHER }, permission: 'READ' },
  ];
  await to.putAcl('acl', versionId, acl);
  expect(await to.acl('acl', versionId)).toEqual(acl);
  const { Owner, Grants } = await local.destinationOwner.send(
    new GetObjectAclCommand({ Bucket: 'replica-acl', Key: 'acl' }),
  );
  expect(Grants).toContainEqual({
    Grantee: expect.objectContaining({ ID: Owner?.ID }),
    Permission: 'FULL_CONTROL',
  });
  expect(Grants).toHaveLength(3);
  await to.putAcl('acl', null, []);
  expect(await to.acl('acl', versionId)).toEqual([]);
});

test('a bucket with disabled ACLs refuses grants as acl-unsupported, and accepts an empty list of grants', async () => {
  const to = destination('replica');
  await put(to, 'acl');
  const acl: Acl = [{ grantee: { kind: 'group', id: EVERYBODY }, permission: 'READ' }];
  await expect(to.putAcl('acl', null, acl)).rejects.toMatchObject({ reason: 'acl-unsupported' });
  await expect(to.putAcl('acl', null, [])).resolves.toBeUndefined();
});
