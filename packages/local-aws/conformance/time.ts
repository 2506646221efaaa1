/**
 * Behaviours that depend on the passing of time. They run alone and last, because they move the clock of
 * endpoints that allow it.
 */
import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutObjectRetentionCommand,
  RestoreObjectCommand,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import { matches, refused, same } from './difference.ts';
import { putRules } from './lifecycle.ts';

const DAY_MS = 86_400_000;
const EXPIRING = s3Guide('lifecycle-expire-general-considerations');
const NEEDS = ['s3', 'clock'] as const;

export const complianceHasNoBypass = behaviour(
  'A version under compliance retention cannot be deleted and its retention cannot be weakened, even with a bypass, until the retention ends.',
  s3Guide('object-lock'),
  async ({ bucket, key, put, s3, now, pass }) => {
    const Bucket = await bucket('locked');
    const Key = key();
    // The retention must last for at least three requests, but not much longer, because the behaviour waits
    // until it ends.
    const seconds = 20;
    const until = new Date((Math.floor(now() / 1000) + seconds) * 1000);
    const { VersionId } = await put(Bucket, Key, 'content', {
      ObjectLockMode: 'COMPLIANCE',
      ObjectLockRetainUntilDate: until,
      ChecksumAlgorithm: 'CRC32',
    });
    const version = { Bucket, Key, VersionId };
    const bypass = { BypassGovernanceRetention: true };
    try {
      const early = s3.send(new DeleteObjectCommand({ ...version, ...bypass }));
      await refused('DELETE with a bypass', early, '403 AccessDenied');
      const removal = s3.send(new PutObjectRetentionCommand({ ...version, ...bypass, Retention: {} }));
      await refused('removal with a bypass', removal, '403 AccessDenied');
      const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: until } as const;
      const change = s3.send(new PutObjectRetentionCommand({ ...version, ...bypass, Retention }));
      await refused('governance with a bypass', change, '403 AccessDenied');
    } finally {
      // The behaviour waits until the retention has ended, even if a check failed. Otherwise the version
      // could not be removed.
      await pass((seconds + 2) * 1000);
    }
    await s3.send(new DeleteObjectCommand(version));
  },
);

export const restoredCopiesComeAndGo = behaviour(
  'A restored copy is readable until the expiry date in x-amz-restore, and RestoreObject returns 200 while the copy exists.',
  s3Api('API_RestoreObject'),
  async ({ freshBucket, put, read, s3, pass }) => {
    const Bucket = await freshBucket('never');
    const Key = 'archived';
    await put(Bucket, Key, 'content', { StorageClass: 'GLACIER' });
    const restore = (Days: number) =>
      s3.send(
        new RestoreObjectCommand({
          Bucket,
          Key,
          RestoreRequest: { Days, GlacierJobParameters: { Tier: 'Standard' } },
        }),
      );
    await restore(1);
    await pass(6 * 3_600_000);
    same('content', await read(Bucket, Key), 'content');
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    const told = /^ongoing-request="false", expiry-date="(\w{3}, \d\d \w{3} \d{4} 00:00:00 GMT)"$/;
    matches('x-amz-restore', head.Restore, told);
    same('class', head.StorageClass, 'GLACIER');
    same('again', (await restore(3)).$metadata.httpStatusCode, 200);
    await pass(2 * DAY_MS);
    same('after two days', await read(Bucket, Key), 'content');
    await pass(3 * DAY_MS);
    await refused('after five', read(Bucket, Key), '403 InvalidObjectState');
    const { Restore } = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    same('x-amz-restore after five', Restore, undefined);
  },
  NEEDS,
);

export const objectsExpire = behaviour(
  'A lifecycle rule deletes an object that has reached the age in the rule, and adds a delete marker in a versioned bucket.',
  EXPIRING,
  async (context) => {
    const { freshBucket, put, read, s3, pass } = context;
    const Expiration = { Days: 1 };
    const rule = { Status: 'Enabled', Filter: { Prefix: 'logs/' }, Expiration } as const;
    const [plain, versioned] = [await freshBucket('never'), await freshBucket('Enabled')];
    for (const Bucket of [plain, versioned]) {
      await putRules(context, Bucket, rule);
      await put(Bucket, 'logs/a', 'content');
      await put(Bucket, 'other', 'content');
    }
    await pass(2 * DAY_MS);
    for (const Bucket of [plain, versioned]) {
      const get = s3.send(new GetObjectCommand({ Bucket, Key: 'logs/a' }));
      await refused('expired', get, '404 NoSuchKey');
      same('other', await read(Bucket, 'other'), 'content');
    }
    const found = async (Bucket: string) => {
      const listed = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'logs/' }));
      return [listed.Versions?.length ?? 0, listed.DeleteMarkers?.length ?? 0];
    };
    same('versions and markers without versioning', await found(plain), [0, 0]);
    same('versions and markers', await found(versioned), [1, 1]);
  },
  NEEDS,
);

export const oldVersionsExpire = behaviour(
  'A lifecycle rule deletes noncurrent versions after a number of days except the newest, and deletes a delete marker that has no versions.',
  s3Guide('lifecycle-configuration-examples'),
  async (context) => {
    const { freshBucket, put, s3, pass } = context;
    const Bucket = await freshBucket('Enabled');
    await putRules(context, Bucket, {
      Status: 'Enabled',
      Filter: { Prefix: '' },
      Expiration: { ExpiredObjectDeleteMarker: true },
      NoncurrentVersionExpiration: { NoncurrentDays: 2, NewerNoncurrentVersions: 1 },
    });
    const ids: (string | undefined)[] = [];
    for (let count = 0; count < 4; count++) ids.unshift((await put(Bucket, 'k', `${count}`)).VersionId);
    const { VersionId } = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'alone' }));
    const kept = async () =>
      (await s3.send(new ListObjectVersionsCommand({ Bucket }))).Versions?.map((one) => one.VersionId);
    await pass(DAY_MS);
    same('after a day', await kept(), ids);
    await pass(2 * DAY_MS);
    same('after three', await kept(), ids.slice(0, 2));
    const lone = s3.send(new HeadObjectCommand({ Bucket, Key: 'alone', VersionId }));
    await refused('lone marker', lone, '404');
  },
  NEEDS,
);

export const unfinishedUploadsAreAborted = behaviour(
  'A lifecycle rule aborts an upload a number of days after its creation.',
  s3Guide('mpu-abort-incomplete-mpu-lifecycle-config'),
  async (context) => {
    const { freshBucket, s3, pass } = context;
    const Bucket = await freshBucket('never');
    await putRules(context, Bucket, {
      Status: 'Enabled',
      Filter: { Prefix: '' },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
    });
    await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k' }));
    const uploads = async () =>
      (await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads?.length ?? 0;
    same('at once', await uploads(), 1);
    await pass(3 * DAY_MS);
    same('after three days', await uploads(), 0);
  },
  NEEDS,
);
