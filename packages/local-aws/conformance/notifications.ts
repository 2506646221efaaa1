/** Event notifications that a bucket sends to a queue. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  GetObjectAclCommand,
  PutBucketOwnershipControlsCommand,
  PutObjectAclCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectTaggingCommand,
  RestoreObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { behaviour, s3Guide } from './behaviour.ts';
import { matches, same } from './difference.ts';
import { inHours, retain } from './locked-objects.ts';
import { NEEDS, subscribe } from './notified-queue.ts';

const STRUCTURE = s3Guide('notification-content-structure');

export const aPutSendsARecord = behaviour(
  'PutObject sends a record with the bucket, the key, the size, the ETag without quotes and the id of the configuration.',
  STRUCTURE,
  async (context) => {
    const { Bucket, records } = await subscribe(context, 'never', { Id: 'mine' });
    const { ETag } = await context.put(Bucket, 'a/b.txt', 'content');
    const [record] = await records(1);
    same('name', record?.eventName, 'ObjectCreated:Put');
    same('source', [record?.eventSource, record?.awsRegion], ['aws:s3', context.region]);
    matches('version', record?.eventVersion, /^2\.\d+$/);
    same('configuration', record?.s3.configurationId, 'mine');
    same('bucket', [record?.s3.bucket.name, record?.s3.bucket.arn], [Bucket, `arn:aws:s3:::${Bucket}`]);
    const { sequencer, ...object } = record?.s3.object ?? {};
    same('object', object, { key: 'a/b.txt', size: 7, eTag: ETag?.replaceAll('"', '') });
    matches('sequencer', sequencer, /^[0-9A-F]+$/);
  },
  NEEDS,
);

export const keysOfEventsAreFormEncoded = behaviour(
  'S3 form-encodes the key of an event record, so that a space becomes a plus sign and a plus sign becomes %2B.',
  STRUCTURE,
  async (context) => {
    const { Bucket, records } = await subscribe(context, 'never');
    await context.put(Bucket, 'a b+c/ü&=%.txt', 'content');
    const [record] = await records(1);
    same('key', record?.s3.object.key, 'a+b%2Bc/%C3%BC%26%3D%25.txt');
  },
  NEEDS,
);

export const markersAndDeletionsSendDifferentEvents = behaviour(
  'DeleteObject sends ObjectRemoved:DeleteMarkerCreated with the marker’s version id, or ObjectRemoved:Delete if it deletes a version permanently.',
  s3Guide('notification-how-to-event-types-and-destinations'),
  async (context) => {
    const { s3, put } = context;
    const { Bucket, records } = await subscribe(context, 'Enabled');
    const { VersionId } = await put(Bucket, 'k', 'content');
    const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId }));
    const found = (await records(3)).map((one) => `${one.eventName} ${one.s3.object.versionId}`);
    same('records by sequencer', found, [
      `ObjectCreated:Put ${VersionId}`,
      `ObjectRemoved:DeleteMarkerCreated ${marker.VersionId}`,
      `ObjectRemoved:Delete ${VersionId}`,
    ]);
  },
  NEEDS,
);

export const sequencersGrow = behaviour(
  'The sequencers of one key, compared as text, increase with each write.',
  STRUCTURE,
  async (context) => {
    const { Bucket, records } = await subscribe(context, 'Enabled');
    const ids: (string | undefined)[] = [];
    for (let write = 0; write < 5; write++) ids.push((await context.put(Bucket, 'k', `${write}`)).VersionId);
    const found = (await records(5)).map(({ s3 }) => s3.object.versionId);
    same('versions by sequencer', found, ids);
  },
  NEEDS,
);

export const copiesAndCompletionsSendTheirOwnEvents = behaviour(
  'CopyObject sends ObjectCreated:Copy, and CompleteMultipartUpload sends ObjectCreated:CompleteMultipartUpload with the size of the whole object.',
  s3Guide('notification-how-to-event-types-and-destinations'),
  async (context) => {
    const { s3, put } = context;
    const { Bucket, records } = await subscribe(context, 'never');
    await put(Bucket, 'source', 'content');
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/source` }));
    const Key = 'multi';
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const { ETag } = await s3.send(
      new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'part' }),
    );
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
    const found = (await records(3)).map(
      (one) => `${one.s3.object.key} ${one.eventName} ${one.s3.object.size}`,
    );
    same('records', found.toSorted(), [
      'copy ObjectCreated:Copy 7',
      'multi ObjectCreated:CompleteMultipartUpload 4',
      'source ObjectCreated:Put 7',
    ]);
  },
  NEEDS,
);

export const tagChangesAreToldToThoseWhoAsk = behaviour(
  'PutObjectTagging sends ObjectTagging:Put, which ObjectCreated:* does not include.',
  s3Guide('notification-how-to-event-types-and-destinations'),
  async (context) => {
    const { Bucket, records } = await subscribe(context, 'never', { Events: ['s3:ObjectTagging:*'] });
    await context.put(Bucket, 'k', 'content', { Tagging: 'a=1' });
    const Tagging = { TagSet: [{ Key: 'b', Value: '2' }] };
    await context.s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'k', Tagging }));
    same(
      'records',
      (await records(1)).map(({ eventName }) => eventName),
      ['ObjectTagging:Put'],
    );
  },
  NEEDS,
);

export const deletedTagsSendAnEvent = behaviour(
  'DeleteObjectTagging sends ObjectTagging:Delete with the version id, in a record of version 2.3 or later.',
  STRUCTURE,
  async (context) => {
    const { s3 } = context;
    const { Bucket, records } = await subscribe(context, 'Enabled', { Events: ['s3:ObjectTagging:Delete'] });
    const { VersionId } = await context.put(Bucket, 'k', 'content', { Tagging: 'a=1' });
    await context.put(Bucket, 'k', 'newer');
    await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'k', VersionId }));
    const [record] = await records(1);
    same('name', record?.eventName, 'ObjectTagging:Delete');
    same('object', [record?.s3.object.key, record?.s3.object.versionId], ['k', VersionId]);
    matches('version', record?.eventVersion, /^2\.([3-9]|\d\d)$/);
  },
  NEEDS,
);

export const aNewAclIsTold = behaviour(
  'PutObjectAcl that changes the ACL sends ObjectAcl:Put.',
  s3Guide('notification-how-to-event-types-and-destinations'),
  async (context) => {
    const { s3 } = context;
    const { Bucket, records } = await subscribe(context, 'never', { Events: ['s3:ObjectAcl:Put'] });
    const OwnershipControls = { Rules: [{ ObjectOwnership: 'ObjectWriter' as const }] };
    await s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }));
    await context.put(Bucket, 'k', 'content');
    const { Owner } = await s3.send(new GetObjectAclCommand({ Bucket, Key: 'k' }));
    await s3.send(new PutObjectAclCommand({ Bucket, Key: 'k', GrantRead: `id="${Owner?.ID}"` }));
    const [record] = await records(1);
    same('record', [record?.eventName, record?.s3.object.key], ['ObjectAcl:Put', 'k']);
  },
  NEEDS,
);

export const aNewRetentionIsTold = behaviour(
  'PutObjectRetention sends ObjectRetention:Put with the version id and the retention, and PutObjectLegalHold sends nothing.',
  s3Guide('object-lock-managing'),
  async (context) => {
    const { s3 } = context;
    const { Bucket, records } = await subscribe(context, 'Enabled', { Events: ['s3:ObjectRetention:Put'] });
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled' as const };
    await s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
    const { VersionId } = await context.put(Bucket, 'k', 'content');
    await context.put(Bucket, 'k', 'newer');
    const until = inHours(context, 1);
    const version = { Bucket, Key: 'k', VersionId };
    await s3.send(new PutObjectLegalHoldCommand({ ...version, LegalHold: { Status: 'ON' } }));
    await s3.send(new PutObjectLegalHoldCommand({ ...version, LegalHold: { Status: 'OFF' } }));
    await retain(context, version, { Mode: 'GOVERNANCE', RetainUntilDate: until });
    const [record] = await records(1);
    same('name', record?.eventName, 'ObjectRetention:Put');
    same('object', [record?.s3.object.key, record?.s3.object.versionId], ['k', VersionId]);
    matches('version', record?.eventVersion, /^2\.([5-9]|\d\d)$/);
    same('retention', record?.objectRetentionEventData, {
      mode: 'GOVERNANCE',
      retainUntilDate: until.toISOString(),
    });
  },
  NEEDS,
);

export const aRestoreIsTold = behaviour(
  'RestoreObject sends ObjectRestore:Post immediately.',
  s3Guide('notification-how-to-event-types-and-destinations'),
  async (context) => {
    const { s3 } = context;
    const { Bucket, records } = await subscribe(context, 'never', { Events: ['s3:ObjectRestore:*'] });
    await context.put(Bucket, 'k', 'content', { StorageClass: 'GLACIER' });
    const RestoreRequest = { Days: 1, GlacierJobParameters: { Tier: 'Bulk' as const } };
    await s3.send(new RestoreObjectCommand({ Bucket, Key: 'k', RestoreRequest }));
    const [record] = await records(1);
    same('record', [record?.eventName, record?.s3.object.key], ['ObjectRestore:Post', 'k']);
  },
  NEEDS,
);
