/** Tags, grants, locks, encryption, removal and restores, against the local S3. */
import {
  GetObjectAclCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canonicalUserId } from '@s3-replicator/local-aws/s3';
import type { Acl, DestinationBucket, ReplicaAttributes, Tags } from '../../src/lib/model/ports.ts';
import type { Destination } from '../../src/lib/model/rule.ts';
import { NO_LOCK, REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

let local: LocalBuckets;
beforeAll(async () => {
  local = await startLocalBuckets();
  const writersOwn = { OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] } };
  local.createSource('source', writersOwn);
  local.createDestination('replica');
  local.createDestination('replica-acl', writersOwn);
  local.createDestination('replica-locked', { ObjectLockEnabled: true });
  local.createDestination('replica-retained', {
    ObjectLockEnabled: true,
    ObjectLockConfiguration: {
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } },
    },
  });
  local.createDestination('replica-plain', { VersioningConfiguration: undefined });
});
afterAll(async () => {
  await local[Symbol.asyncDispose]();
});

const source = () => local.buckets.source(testRule());
const destination = (bucket = 'replica', fields: Partial<Destination> = {}): DestinationBucket =>
  local.buckets.destination(testDestination({ bucket, ...fields }));

const put = (
  to: DestinationBucket,
  key: string,
  attributes: Partial<ReplicaAttributes> = {},
  body: Buffer | Readable = Buffer.from('a'),
) =>
  to.put({
    key,
    body,
    sizeBytes: 1,
    attributes: { ...REPLICA_ATTRIBUTES, ...attributes },
    precondition: { kind: 'absent' },
    guard: { kind: 'none' },
  });

/** All that S3 allows in tags: letters of any script, digits, spaces and + - = . _ : / @. */
const ODD_TAGS: Tags = { 'space and + plus': '= + - . _ : / @', 'Größe 株': 'ü', empty: '' };

describe('tags', () => {
  test.each(['put', 'createUpload'] as const)('any that S3 allows arrive with %s', async (how) => {
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
        parts: [part],
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

  test('are replaced of one version, by none too, and the others keep theirs', async () => {
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

  test('of a version that is gone: null to read, a lost race to write', async () => {
    expect(await destination().tags('never', null)).toBeNull();
    await expect(destination().putTags('never', null, { a: '1' })).rejects.toMatchObject({
      reason: 'lost-race',
    });
  });
});

describe('grants', () => {
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

  test('of the owner are left out, those of others come in one order whatever S3 has', async () => {
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

  test('go to the replica whose owner keeps full control, and back', async () => {
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

  test('where ACLs are disabled are refused with a reason of its own, but none may be none', async () => {
    const to = destination('replica');
    await put(to, 'acl');
    const acl: Acl = [{ grantee: { kind: 'group', id: EVERYBODY }, permission: 'READ' }];
    await expect(to.putAcl('acl', null, acl)).rejects.toMatchObject({ reason: 'acl-unsupported' });
    await expect(to.putAcl('acl', null, [])).resolves.toBeUndefined();
  });
});

describe('object lock', () => {
  const untilMs = Date.now() + 86_400_000;
  const lock = { retention: { mode: 'GOVERNANCE', untilMs }, legalHold: true } as const;

  test('travels with a whole body, even where nothing else guards it', async () => {
    const to = destination('replica-locked');
    const { versionId } = await put(to, 'whole', { lock });
    expect(await to.head('whole', versionId ?? '')).toMatchObject({ lock });
    await put(to, 'streamed', { lock }, Readable.from([Buffer.from('a')]));
    expect(await to.look('streamed')).toMatchObject({ state: { lock } });
    await put(to, 'held', { lock: { ...lock, retention: null } });
    expect(await to.look('held')).toMatchObject({ state: { lock: { ...lock, retention: null } } });
  });

  test('travels with an upload in parts', async () => {
    const to = destination('replica-locked');
    const upload = await to.createUpload({
      key: 'parts',
      attributes: { ...REPLICA_ATTRIBUTES, lock },
      checksum: { algorithm: 'CRC32', type: 'COMPOSITE' },
    });
    const part = await to.uploadPart({
      key: 'parts',
      uploadId: upload.uploadId,
      partNumber: 1,
      body: Readable.from([Buffer.from('a')]),
      sizeBytes: 1,
      guard: { kind: 'compute' },
    });
    await to.completeUpload({
      key: 'parts',
      uploadId: upload.uploadId,
      parts: [part],
      sizeBytes: 1,
      checksum: null,
      precondition: { kind: 'absent' },
    });
    expect(await to.look('parts')).toMatchObject({ state: { lock } });
  });

  test('to a bucket without it has a reason of its own; other writes there have not', async () => {
    const refused = { reason: 'object-lock' };
    await expect(put(destination(), 'locked', { lock })).rejects.toMatchObject(refused);
    await expect(
      destination().createUpload({
        key: 'locked',
        attributes: { ...REPLICA_ATTRIBUTES, lock },
        checksum: null,
      }),
    ).rejects.toMatchObject(refused);
    await expect(put(destination(), 'not-locked', { lock: NO_LOCK })).resolves.toBeDefined();
  });

  test('is given to one version after it was written, and the others keep theirs', async () => {
    const to = destination('replica-locked');
    const first = await put(to, 'later');
    const second = await to.put({
      key: 'later',
      body: Buffer.from('b'),
      sizeBytes: 1,
      attributes: REPLICA_ATTRIBUTES,
      precondition: { kind: 'unchanged', etag: first.etag },
      guard: { kind: 'none' },
    });
    await to.putRetention('later', first.versionId, lock.retention);
    await to.putLegalHold('later', first.versionId);
    await to.putLegalHold('later', first.versionId);
    expect(await to.head('later', first.versionId ?? '')).toMatchObject({ lock });
    expect(await to.head('later', second.versionId ?? '')).toMatchObject({ lock: NO_LOCK });
  });

  test.each([
    ['shorter', { mode: 'GOVERNANCE', untilMs: untilMs - 60_000 }],
    ['of another mode', { mode: 'COMPLIANCE', untilMs: untilMs + 60_000 }],
  ] as const)('that is there does not become %s, which S3 denies', async (how, retention) => {
    const to = destination('replica-locked');
    const key = `there, ${how}`;
    const { versionId } = await put(to, key, { lock });
    await expect(to.putRetention(key, versionId, retention)).rejects.toMatchObject({
      reason: 'access-denied',
    });
    expect(await to.head(key, versionId ?? '')).toMatchObject({ lock });
    const longer = { mode: 'GOVERNANCE', untilMs: untilMs + 60_000 } as const;
    await to.putRetention(key, versionId, longer);
    expect(await to.head(key, versionId ?? '')).toMatchObject({ lock: { ...lock, retention: longer } });
  });

  test.each(['retention', 'legal hold'])('%s that comes later: why it cannot', async (what) => {
    const give = (to: DestinationBucket, key: string, versionId: string | null) =>
      what === 'retention'
        ? to.putRetention(key, versionId, lock.retention)
        : to.putLegalHold(key, versionId);
    const { versionId } = await put(destination(), `lockless, ${what}`);
    await expect(give(destination(), `lockless, ${what}`, versionId)).rejects.toMatchObject({
      reason: 'object-lock',
    });
    await expect(give(destination('replica-locked'), 'never', null)).rejects.toMatchObject({
      reason: 'lost-race',
    });
  });

  test('a write that lacks the checksum a bucket with default retention wants is no matter of the lock', async () => {
    await expect(put(destination('replica-retained'), 'k')).rejects.toMatchObject({
      reason: 'invalid-request',
    });
  });
});

describe('encryption', () => {
  const kmsKeyArn = 'arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab';

  test.each([
    [{}, undefined, undefined],
    [{ encryption: 'AES256' }, 'AES256', undefined],
    [{ encryption: 'AES256', kmsKeyArn }, 'AES256', undefined],
    [{ kmsKeyArn }, 'aws:kms', 'true'],
    [{ encryption: 'aws:kms', kmsKeyArn }, 'aws:kms', 'true'],
    [{ encryption: 'aws:kms' }, 'aws:kms', 'true'],
    [{ encryption: 'aws:kms:dsse', kmsKeyArn }, 'aws:kms:dsse', undefined],
  ] as const)('%j is asked for in put and createUpload alike', async (fields, mode, bucketKey) => {
    const asked: Record<string, unknown>[] = [];
    const { plan } = local.aws.faults;
    local.aws.faults.plan = ({ headers, method }) => {
      if (method !== 'HEAD') asked.push({ ...headers });
      return undefined;
    };
    try {
      const to = destination('replica', { encryption: null, kmsKeyArn: null, ...fields });
      // Whether the local KMS has such a key is not what this is about.
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
  });
});

describe('removal', () => {
  test('puts a delete marker over what is still there, and answers its id', async () => {
    const to = destination();
    const { etag } = await put(to, 'removed');
    const { versionId } = await to.remove({ key: 'removed', etag });
    expect(await to.look('removed')).toEqual({ kind: 'marker', versionId });
  });

  test('of what was replaced or is gone is a lost race', async () => {
    const to = destination();
    const { etag } = await put(to, 'raced');
    await expect(to.remove({ key: 'raced', etag: '"other"' })).rejects.toMatchObject({ reason: 'lost-race' });
    await to.remove({ key: 'raced', etag });
    await expect(to.remove({ key: 'raced', etag })).rejects.toMatchObject({ reason: 'lost-race' });
    await expect(to.remove({ key: 'never', etag })).rejects.toMatchObject({ reason: 'lost-race' });
  });

  test('in an unversioned bucket ends the object, and there is no id', async () => {
    const to = destination('replica-plain');
    const { etag } = await put(to, 'removed');
    expect(await to.remove({ key: 'removed', etag })).toEqual({ versionId: null });
    expect(await to.look('removed')).toEqual({ kind: 'absent' });
  });
});

describe('restores', () => {
  const request = { days: 3, tier: 'Standard' } as const;
  const write = async (key: string, StorageClass: 'GLACIER' | 'STANDARD') => {
    const { VersionId } = await local.sourceOwner.send(
      new PutObjectCommand({ Bucket: 'source', Key: key, Body: 'a', StorageClass }),
    );
    return VersionId ?? '';
  };
  const restoreHeader = async (key: string) =>
    (await local.sourceOwner.send(new HeadObjectCommand({ Bucket: 'source', Key: key }))).Restore;

  test('are asked for once, and asking again is no failure', async () => {
    const versionId = await write('glacier', 'GLACIER');
    await source().restore('glacier', versionId, request);
    expect(await restoreHeader('glacier')).toBe('ongoing-request="true"');
    await expect(source().restore('glacier', versionId, request)).resolves.toBeUndefined();
  });

  test('of a version that is not archived is a lost race: it can be read', async () => {
    const versionId = await write('standard', 'STANDARD');
    await expect(source().restore('standard', versionId, request)).rejects.toMatchObject({
      reason: 'lost-race',
    });
  });
});
