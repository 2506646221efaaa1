/** Object lock in the settings of buckets: how it is enabled, and the default retention of new objects. */
import {
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  PutBucketVersioningCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import { Difference, refused, same } from './difference.ts';
import { governed, HOUR_MS, inHours, lockOf, NO_LOCK, retain } from './locked-objects.ts';

const LOCK = s3Guide('object-lock');

export const aLockedBucketIsVersionedForGood = behaviour(
  'A bucket created with object lock is versioned, and PutBucketVersioning cannot suspend it and fails with 409 InvalidBucketState.',
  LOCK,
  async ({ bucket, s3 }) => {
    const Bucket = await bucket('locked');
    same('versioning', (await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status, 'Enabled');
    const suspend = s3.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }),
    );
    await refused('suspending', suspend, '409 InvalidBucketState');
  },
);

export const lockIsEnabledOnVersionedBucketsOnly = behaviour(
  'PutObjectLockConfiguration enables object lock on a versioned bucket, and fails with 409 InvalidBucketState on an unversioned bucket.',
  s3Guide('object-lock-configure'),
  async ({ freshBucket, s3 }) => {
    const configuration = (Bucket: string) => s3.send(new GetObjectLockConfigurationCommand({ Bucket }));
    const enable = (Bucket: string) =>
      s3.send(
        new PutObjectLockConfigurationCommand({
          Bucket,
          ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' },
        }),
      );
    const plain = await freshBucket('never');
    await refused('without versions', enable(plain), '409 InvalidBucketState');
    await refused('configuration', configuration(plain), '404 ObjectLockConfigurationNotFoundError');
    const versioned = await freshBucket('Enabled');
    await enable(versioned);
    const { ObjectLockConfiguration } = await configuration(versioned);
    same('configuration', ObjectLockConfiguration, { ObjectLockEnabled: 'Enabled' });
  },
);

export const lockConfigurationsAreChecked = behaviour(
  'PutObjectLockConfiguration fails with 400 MalformedXML unless a default retention has a mode and days or years, and with InvalidArgument for 0 days.',
  s3Api('API_DefaultRetention'),
  async ({ bucket, s3 }) => {
    const Bucket = await bucket('locked');
    const put = (configuration: object) =>
      s3.send(
        new PutObjectLockConfigurationCommand({
          Bucket,
          ObjectLockConfiguration: configuration,
        }),
      );
    const byDefault = (retention: object) => ({
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: retention },
    });
    const malformed: [string, object][] = [
      ['not enabled', { Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } }],
      ['no period', byDefault({ Mode: 'GOVERNANCE' })],
      ['two periods', byDefault({ Mode: 'GOVERNANCE', Days: 1, Years: 1 })],
      ['no mode', byDefault({ Days: 1 })],
      ['no such mode', byDefault({ Mode: 'NONE', Days: 1 })],
    ];
    for (const [what, configuration] of malformed)
      await refused(what, put(configuration), '400 MalformedXML');
    await refused('no days', put(byDefault({ Mode: 'GOVERNANCE', Days: 0 })), '400 InvalidArgument');
  },
);

export const aDefaultRetentionIsGivenToNewObjects = behaviour(
  'A bucket’s default retention applies to new objects without their own retention, and counts from the creation of the object.',
  LOCK,
  async (context) => {
    const { freshBucket, put, s3, now } = context;
    const Bucket = await freshBucket('locked');
    const before = await put(Bucket, 'before', 'content');
    const Rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 2 } } as const;
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule } as const;
    await s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
    const found = await s3.send(new GetObjectLockConfigurationCommand({ Bucket }));
    same('configuration', found.ObjectLockConfiguration, ObjectLockConfiguration);
    await put(Bucket, 'default', 'content', { ChecksumAlgorithm: 'CRC32' });
    const [mode, until = ''] = await lockOf(context, Bucket, 'default');
    const hours = (Date.parse(until) - now()) / HOUR_MS;
    same('mode', mode, 'GOVERNANCE');
    if (!(Math.abs(hours - 48) < 0.5)) throw new Difference('hours of retention', 48, hours);
    const own = governed(context);
    await put(Bucket, 'own', 'content', own);
    const ownUntil = own.ObjectLockRetainUntilDate.toISOString();
    same('own', (await lockOf(context, Bucket, 'own')).slice(0, 2), ['GOVERNANCE', ownUntil]);
    same('older object', await lockOf(context, Bucket, 'before', before.VersionId), NO_LOCK);
  },
);

export const otherBucketsTakeNoLocks = behaviour(
  'A bucket without object lock rejects retention and legal hold with 400 InvalidRequest, in headers and in separate calls.',
  LOCK,
  async (context) => {
    const { bucket, key, put, s3 } = context;
    const Bucket = await bucket('Enabled');
    const Key = key();
    await put(Bucket, Key, 'content');
    const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: inHours(context, 1) } as const;
    await refused('PUT', put(Bucket, key(), 'content', governed(context)), '400 InvalidRequest');
    await refused('PutObjectRetention', retain(context, { Bucket, Key }, Retention), '400 InvalidRequest');
    const get = s3.send(new GetObjectRetentionCommand({ Bucket, Key }));
    await refused('GetObjectRetention', get, '400 InvalidRequest');
    const hold = s3.send(new PutObjectLegalHoldCommand({ Bucket, Key, LegalHold: { Status: 'ON' } }));
    await refused('PutObjectLegalHold', hold, '400 InvalidRequest');
  },
);
