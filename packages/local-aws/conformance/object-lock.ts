/** Object lock of single objects: retention, legal hold, and what they forbid. */
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  PutObjectLegalHoldCommand,
  type ObjectLockRetention,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import { refused, same } from './difference.ts';
import { governed, inHours, lockOf, NO_LOCK, retain } from './locked-objects.ts';

const LOCK = s3Guide('object-lock');

const MANAGING = s3Guide('object-lock-managing');

export const aLockThatNeverWasIsNotFound = behaviour(
  'GetObjectRetention and GetObjectLegalHold fail with 404 NoSuchObjectLockConfiguration if the object never had a lock.',
  s3Api('API_GetObjectRetention'),
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('locked');
    const Key = key();
    await put(Bucket, Key, 'content');
    const retention = s3.send(new GetObjectRetentionCommand({ Bucket, Key }));
    await refused('retention', retention, '404 NoSuchObjectLockConfiguration');
    const hold = s3.send(new GetObjectLegalHoldCommand({ Bucket, Key }));
    await refused('legal hold', hold, '404 NoSuchObjectLockConfiguration');
  },
);

export const governedVersionsTakeABypassToDelete = behaviour(
  'DeleteObject of a version under governance retention fails with 403 AccessDenied unless the request bypasses governance.',
  MANAGING,
  async (context) => {
    const { bucket, key, put, s3 } = context;
    const Bucket = await bucket('locked');
    const Key = key();
    const { VersionId } = await put(Bucket, Key, 'content', governed(context));
    const version = { Bucket, Key, VersionId };
    await refused('without', s3.send(new DeleteObjectCommand(version)), '403 AccessDenied');
    await s3.send(new DeleteObjectCommand({ ...version, BypassGovernanceRetention: true }));
    await refused('HEAD after it', s3.send(new HeadObjectCommand(version)), '404');
  },
);

export const aDeleteMarkerMayHideALockedVersion = behaviour(
  'DeleteObject without a version id adds a delete marker above a locked version and keeps that version.',
  MANAGING,
  async (context) => {
    const { bucket, key, put, read, s3 } = context;
    const Bucket = await bucket('locked');
    const Key = key();
    const { VersionId } = await put(Bucket, Key, 'content', governed(context));
    const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    same('marker', marker.DeleteMarker, true);
    same('version', await read(Bucket, Key, { VersionId }), 'content');
    await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId: marker.VersionId }));
    same('without the marker', await read(Bucket, Key), 'content');
  },
);

export const anOverwriteLeavesTheLockedVersion = behaviour(
  'PutObject over a locked object creates a version without the lock, and the locked version stays unchanged.',
  LOCK,
  async (context) => {
    const { bucket, key, put, read } = context;
    const Bucket = await bucket('locked');
    const Key = key();
    const { VersionId } = await put(Bucket, Key, 'locked', governed(context));
    await put(Bucket, Key, 'new');
    same(
      'new version',
      [await read(Bucket, Key), ...(await lockOf(context, Bucket, Key))],
      ['new', ...NO_LOCK],
    );
    const [mode] = await lockOf(context, Bucket, Key, VersionId);
    same('old version', [await read(Bucket, Key, { VersionId }), mode], ['locked', 'GOVERNANCE']);
  },
);

export const legalHoldsKnowNoBypass = behaviour(
  'DeleteObject cannot delete a version under legal hold, even with a bypass, until PutObjectLegalHold sets the hold to OFF.',
  MANAGING,
  async (context) => {
    const { bucket, key, put, s3 } = context;
    const Bucket = await bucket('locked');
    const Key = key();
    const { VersionId } = await put(Bucket, Key, 'content');
    const version = { Bucket, Key, VersionId };
    const hold = (Status: 'ON' | 'OFF') =>
      s3.send(new PutObjectLegalHoldCommand({ ...version, LegalHold: { Status } }));
    await hold('ON');
    const bypass = s3.send(new DeleteObjectCommand({ ...version, BypassGovernanceRetention: true }));
    await refused('with a bypass', bypass, '403 AccessDenied');
    await hold('OFF');
    same('status', (await lockOf(context, Bucket, Key))[2], 'OFF');
    await s3.send(new DeleteObjectCommand(version));
  },
);

export const severalDeletionsAreRefusedOneByOne = behaviour(
  'DeleteObjects reports locked versions as AccessDenied errors and deletes the other versions.',
  s3Api('API_DeleteObjects'),
  async (context) => {
    const { bucket, key, put, s3 } = context;
    const Bucket = await bucket('locked');
    const [locked, free] = [key('locked'), key('free')];
    const kept = await put(Bucket, locked, 'content', governed(context));
    const gone = await put(Bucket, free, 'content');
    const Objects = [
      { Key: locked, VersionId: kept.VersionId },
      { Key: free, VersionId: gone.VersionId },
    ];
    const answer = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    const errors = answer.Errors?.map(({ Key, VersionId, Code }) => [Key, VersionId, Code]);
    same('errors', errors, [[locked, kept.VersionId, 'AccessDenied']]);
    same(
      'deleted',
      answer.Deleted?.map(({ Key }) => Key),
      [free],
    );
  },
);

export const retentionIsMadeLongerFreelyAndShorterByABypass = behaviour(
  'PutObjectRetention can extend governance retention, but needs a bypass to shorten or remove it.',
  MANAGING,
  async (context) => {
    const { bucket, key, put, s3 } = context;
    const Bucket = await bucket('locked');
    const Key = key();
    const { VersionId } = await put(Bucket, Key, 'content', governed(context, 2));
    const version = { Bucket, Key, VersionId };
    const forHours = (hours: number): ObjectLockRetention => ({
      Mode: 'GOVERNANCE',
      RetainUntilDate: inHours(context, hours),
    });
    const longer = forHours(3);
    await retain(context, version, longer);
    const { Retention } = await s3.send(new GetObjectRetentionCommand(version));
    same('after it was made longer', Retention, longer);
    await refused('shorter', retain(context, version, forHours(1)), '403 AccessDenied');
    await refused('removed', retain(context, version, {}), '403 AccessDenied');
    await retain(context, version, forHours(1), true);
    await retain(context, version, {}, true);
    await s3.send(new DeleteObjectCommand(version));
  },
);

export const retentionsAreChecked = behaviour(
  'PutObjectRetention and PutObject fail with 400 if a retention ends in the past, has an unknown mode or has no date.',
  s3Api('API_PutObjectRetention'),
  async (context) => {
    const { bucket, key, put } = context;
    const Bucket = await bucket('locked');
    const Key = key();
    const version = { Bucket, Key, VersionId: (await put(Bucket, Key, 'content')).VersionId };
    const [past, future] = [inHours(context, -1), inHours(context, 1)];
    const none = 'NONE' as 'GOVERNANCE';
    const late = retain(context, version, { Mode: 'GOVERNANCE', RetainUntilDate: past });
    await refused('in the past', late, '400 InvalidArgument');
    await refused('mode alone', retain(context, version, { Mode: 'GOVERNANCE' }), '400 MalformedXML');
    const odd = retain(context, version, { Mode: none, RetainUntilDate: future });
    await refused('no such mode', odd, '400 MalformedXML');
    const withPut = (more: object) => put(Bucket, key(), 'content', { ChecksumAlgorithm: 'CRC32', ...more });
    const header = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: past };
    await refused('PUT, in the past', withPut(header), '400 InvalidArgument');
    await refused('PUT, mode alone', withPut({ ObjectLockMode: 'GOVERNANCE' }), '400 InvalidArgument');
    await refused('PUT, date alone', withPut({ ObjectLockRetainUntilDate: future }), '400 InvalidArgument');
    const oddHeader = withPut({ ObjectLockMode: none, ObjectLockRetainUntilDate: future });
    await refused('PUT, no such mode', oddHeader, '400 InvalidArgument');
    await refused('PUT, legal hold', withPut({ ObjectLockLegalHoldStatus: 'MAYBE' }), '400 InvalidArgument');
  },
);

export const deleteMarkersAreNotLocked = behaviour(
  'GetObjectRetention and PutObjectRetention of a delete marker fail with 405 MethodNotAllowed.',
  MANAGING,
  async (context) => {
    const { bucket, key, s3 } = context;
    const Bucket = await bucket('locked');
    const Key = key();
    const { VersionId } = await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    const version = { Bucket, Key, VersionId };
    const get = s3.send(new GetObjectRetentionCommand(version));
    await refused('GetObjectRetention', get, '405 MethodNotAllowed');
    const put = retain(context, version, { Mode: 'GOVERNANCE', RetainUntilDate: inHours(context, 1) });
    await refused('PutObjectRetention', put, '405 MethodNotAllowed');
  },
);
