/** Behaviours of versions and delete markers. */
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import { matches, oneOf, present, refused, same } from './difference.ts';

/**
 * Returns the versions and delete markers of one key, sorted as text. They have the forms `v=<id>` and
 * `m=<id>`. ` latest` is appended to the current version or delete marker.
 */
const versionsOf = async (s3: S3Client, Bucket: string, Key: string): Promise<string[]> => {
  const list = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key }));
  const tag = (
    letter: string,
    { VersionId, IsLatest }: { VersionId?: string | undefined; IsLatest?: boolean | undefined },
  ) => `${letter}=${VersionId}${IsLatest === true ? ' latest' : ''}`;
  return [
    ...(list.Versions ?? []).map((version) => tag('v', version)),
    ...(list.DeleteMarkers ?? []).map((marker) => tag('m', marker)),
  ].toSorted();
};

export const everyPutMakesAVersion = behaviour(
  'Each PutObject in a versioned bucket creates a version with its own id, and older versions stay readable.',
  s3Guide('AddingObjectstoVersioningEnabledBuckets'),
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    const first = present('first version id', (await put(Bucket, Key, 'first')).VersionId);
    const second = present('second version id', (await put(Bucket, Key, 'second')).VersionId);
    same('ids differ', first !== second, true);
    same('current', await read(Bucket, Key), 'second');
    same('first', await read(Bucket, Key, { VersionId: first }), 'first');
    same('id of HEAD', (await s3.send(new HeadObjectCommand({ Bucket, Key }))).VersionId, second);
    same('listed', await versionsOf(s3, Bucket, Key), [`v=${first}`, `v=${second} latest`].toSorted());
  },
);

export const aDeleteAddsAMarker = behaviour(
  'DeleteObject without a version id adds a delete marker, returns its version id and keeps the versions.',
  s3Guide('DeletingObjectVersions'),
  async ({ bucket, key, put, read, raw, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    const { VersionId: version } = await put(Bucket, Key, 'content');
    const deleted = await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    same('x-amz-delete-marker of DELETE', deleted.DeleteMarker, true);
    same('listed', await versionsOf(s3, Bucket, Key), [`m=${deleted.VersionId} latest`, `v=${version}`]);
    const get = await raw('GET', { bucket: Bucket, key: Key });
    same('GET', `${get.status} ${get.code}`, '404 NoSuchKey');
    same('x-amz-delete-marker of GET', get.headers['x-amz-delete-marker'], 'true');
    same('x-amz-version-id of GET', get.headers['x-amz-version-id'], deleted.VersionId);
    same('older version', await read(Bucket, Key, { VersionId: version }), 'content');
  },
);

export const deletingAMissingKeyAddsAMarker = behaviour(
  'DeleteObject in a versioned bucket adds a delete marker even for a key that never existed, and adds another one when it is repeated.',
  s3Guide('DeleteMarker'),
  async ({ bucket, key, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    const first = await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    const second = await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    same('ids differ', first.VersionId !== second.VersionId, true);
    same(
      'listed',
      await versionsOf(s3, Bucket, Key),
      [`m=${first.VersionId}`, `m=${second.VersionId} latest`].toSorted(),
    );
  },
);

export const aDeleteMarkerCannotBeRead = behaviour(
  'GetObject and HeadObject of a delete marker by its version id fail with 405 MethodNotAllowed, Allow: DELETE and Last-Modified.',
  s3Guide('DeleteMarker'),
  async ({ bucket, key, put, raw, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    await put(Bucket, Key, 'content');
    const { VersionId = '' } = await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    for (const method of ['GET', 'HEAD']) {
      const answer = await raw(method, { bucket: Bucket, key: Key, query: { versionId: VersionId } });
      same(`status of ${method}`, answer.status, 405);
      if (method === 'GET') same('code', answer.code, 'MethodNotAllowed');
      same(`x-amz-delete-marker of ${method}`, answer.headers['x-amz-delete-marker'], 'true');
      same(`Allow of ${method}`, answer.headers.allow, 'DELETE');
      matches(`Last-Modified of ${method}`, answer.headers['last-modified'], /GMT$/);
    }
  },
);

export const deletingTheMarkerBringsTheObjectBack = behaviour(
  'DeleteObject of a delete marker by its version id makes the version below the marker current again.',
  s3Guide('ManagingDelMarkers'),
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    await put(Bucket, Key, 'content');
    const { VersionId } = await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    const removed = await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
    same('x-amz-delete-marker', removed.DeleteMarker, true);
    same('x-amz-version-id', removed.VersionId, VersionId);
    same('body', await read(Bucket, Key), 'content');
  },
);

export const aVersionIsDeletedForGood = behaviour(
  'DeleteObject with a version id removes that version permanently, and the next older version becomes current.',
  s3Guide('DeletingObjectVersions'),
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    await put(Bucket, Key, 'first');
    const { VersionId } = await put(Bucket, Key, 'second');
    const removed = await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
    same('x-amz-version-id', removed.VersionId, VersionId);
    same('x-amz-delete-marker', removed.DeleteMarker, undefined);
    same('body', await read(Bucket, Key), 'first');
    await refused('GET of the version', read(Bucket, Key, { VersionId }), '404 NoSuchVersion');
    const again = await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
    same('DELETE again', again.$metadata.httpStatusCode, 204);
  },
);

export const deleteObjectsReportsMarkersAndVersions = behaviour(
  'DeleteObjects reports which delete markers it created and which versions and markers it removed.',
  s3Api('API_DeleteObjects'),
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    const { VersionId } = await put(Bucket, Key, 'content');
    const marked = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }] } }));
    const marker = marked.Deleted?.[0];
    same('DeleteMarker', marker?.DeleteMarker, true);
    const DeleteMarkerVersionId = present('DeleteMarkerVersionId', marker?.DeleteMarkerVersionId);
    const Objects = [
      { Key, VersionId: DeleteMarkerVersionId },
      { Key, VersionId },
    ];
    const removed = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    const byVersion = new Map(removed.Deleted?.map((one) => [one.VersionId, one]));
    same('removed marker', byVersion.get(DeleteMarkerVersionId), {
      Key,
      VersionId: DeleteMarkerVersionId,
      DeleteMarker: true,
      DeleteMarkerVersionId,
    });
    same('removed version', byVersion.get(VersionId), { Key, VersionId });
  },
);

export const unknownAndMalformedVersionIdsDiffer = behaviour(
  'GetObject fails with 404 NoSuchVersion for a version that does not exist and with 400 InvalidArgument for a malformed version id.',
  s3Api('ErrorResponses'),
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    const { VersionId } = await put(Bucket, Key, 'content');
    await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
    await refused('a version that is gone', read(Bucket, Key, { VersionId }), '404 NoSuchVersion');
    await refused('no version id at all', read(Bucket, Key, { VersionId: 'x' }), '400 InvalidArgument');
  },
);

export const whatWasThereBeforeVersioningIsTheNullVersion = behaviour(
  'An object written before versioning was enabled becomes the version `null` and remains when the key is overwritten.',
  s3Guide('manage-objects-versioned-bucket'),
  async ({ freshBucket, key, put, read, s3 }) => {
    const Bucket = await freshBucket('never');
    const Key = key();
    await put(Bucket, Key, 'before');
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    const { VersionId } = await put(Bucket, Key, 'after');
    same('listed', await versionsOf(s3, Bucket, Key), [`v=${VersionId} latest`, 'v=null'].toSorted());
    same('version null', await read(Bucket, Key, { VersionId: 'null' }), 'before');
  },
);

export const aSuspendedBucketOverwritesItsNullVersion = behaviour(
  'PutObject in a bucket with suspended versioning replaces the version `null` and keeps all other versions.',
  s3Guide('AddingObjectstoVersionSuspendedBuckets'),
  async ({ freshBucket, key, put, read, s3 }) => {
    const Bucket = await freshBucket('Enabled');
    const Key = key();
    const { VersionId } = await put(Bucket, Key, 'versioned');
    await s3.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }),
    );
    await put(Bucket, Key, 'first null');
    await put(Bucket, Key, 'second null');
    same('listed', await versionsOf(s3, Bucket, Key), [`v=${VersionId}`, 'v=null latest'].toSorted());
    same('current', await read(Bucket, Key), 'second null');
    same('version null', await read(Bucket, Key, { VersionId: 'null' }), 'second null');
    same('older version', await read(Bucket, Key, { VersionId }), 'versioned');
  },
);

export const aSuspendedBucketDeletesItsNullVersion = behaviour(
  'DeleteObject in a bucket with suspended versioning replaces the null version with a delete marker whose id is `null`.',
  s3Guide('DeletingObjectsfromVersioningSuspendedBuckets'),
  async ({ freshBucket, key, put, s3 }) => {
    const Bucket = await freshBucket('Enabled');
    const Key = key();
    const { VersionId } = await put(Bucket, Key, 'versioned');
    await s3.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }),
    );
    await put(Bucket, Key, 'null');
    const deleted = await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    same('version id of DELETE', deleted.VersionId, 'null');
    same('listed', await versionsOf(s3, Bucket, Key), ['m=null latest', `v=${VersionId}`]);
  },
);

export const versioningIsUnsetUntilItIsSet = behaviour(
  'GetBucketVersioning returns no status for a bucket that was never versioned, and returns Enabled or Suspended once it is set.',
  s3Api('API_GetBucketVersioning'),
  async ({ freshBucket, s3 }) => {
    const Bucket = await freshBucket('never');
    const status = async () => (await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status;
    same('before', await status(), undefined);
    for (const Status of ['Enabled', 'Suspended'] as const) {
      await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
      same('after', await status(), Status);
    }
  },
);

export const versioningTakesTwoStatesOnly = behaviour(
  'PutBucketVersioning fails with 400 if the status is neither Enabled nor Suspended.',
  s3Api('API_PutBucketVersioning'),
  async ({ freshBucket, raw }) => {
    const body = `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Disabled</Status></VersioningConfiguration>`;
    const answer = await raw('PUT', { bucket: await freshBucket('never'), query: { versioning: '' }, body });
    oneOf('answer', `${answer.status} ${answer.code}`, [
      '400 MalformedXML',
      '400 IllegalVersioningConfigurationException',
    ]);
  },
);
