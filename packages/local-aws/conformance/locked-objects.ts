/** Helpers of the behaviours about object lock. */
import { HeadObjectCommand, type ObjectLockRetention, PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import type { Context } from './context.ts';

export const HOUR_MS = 3_600_000;

/** The time in this many hours, in whole seconds as S3 stores it. */
export const inHours = ({ now }: Context, hours: number): Date =>
  new Date(Math.floor((now() + hours * HOUR_MS) / 1000) * 1000);

/** The fields that lock a new object for this many hours, with the checksum that S3 requires. */
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
