/** Helpers for the behaviours about object lock. */
import { HeadObjectCommand, type ObjectLockRetention, PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import type { Context } from './context.ts';

export const HOUR_MS = 3_600_000;

/**
 * Returns the time this many hours from now. The time is rounded down to a whole second, because S3 stores
 * whole seconds.
 */
export const inHours = ({ now }: Context, hours: number): Date =>
  new Date(Math.floor((now() + hours * HOUR_MS) / 1000) * 1000);

/**
 * Returns the fields that put a new object under governance retention for this many hours. They include the
 * checksum algorithm that S3 requires for such a write.
 */
export const governed = (context: Context, hours = 1) =>
  ({
    ObjectLockMode: 'GOVERNANCE',
    ObjectLockRetainUntilDate: inHours(context, hours),
    ChecksumAlgorithm: 'CRC32',
  }) as const;

export const lockOf = async ({ s3 }: Context, Bucket: string, Key: string, VersionId?: string) => {
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key, VersionId }));
  return [head.ObjectLockMode, head.ObjectLockRetainUntilDate?.toISOString(), head.ObjectLockLegalHoldStatus];
};

export const NO_LOCK = [undefined, undefined, undefined];

export const retain = (
  { s3 }: Context,
  version: { Bucket: string; Key: string; VersionId?: string | undefined },
  Retention: ObjectLockRetention,
  bypass = false,
) =>
  s3.send(
    new PutObjectRetentionCommand({
      ...version,
      Retention,
      ...(bypass && { BypassGovernanceRetention: true }),
    }),
  );
