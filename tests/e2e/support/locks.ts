/** The locks of replicas. */
import {
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  ListObjectVersionsCommand,
} from '@aws-sdk/client-s3';
import type { Stage } from './stages/stage.ts';

const DAY_MS = 86_400_000;

export interface Lock {
  mode: string | null;
  days: number | null;
  hold: boolean;
}

export const NOT_LOCKED: Lock = { mode: null, days: null, hold: false };

/** Reads the lock of a replica with the rights of the destination's owner. Returns the retention in days from now. */
export const lockOf = async (
  stage: Stage,
  Bucket: string,
  Key: string,
  VersionId?: string,
): Promise<Lock> => {
  const s3 = stage.destination.s3();
  const where = { Bucket, Key, VersionId };
  const none = () => null;
  const retention = await s3.send(new GetObjectRetentionCommand(where)).catch(none);
  const hold = await s3.send(new GetObjectLegalHoldCommand(where)).catch(none);
  const until = retention?.Retention?.RetainUntilDate;
  return {
    mode: retention?.Retention?.Mode ?? null,
    days: until === undefined ? null : Math.round((until.getTime() - stage.aws.clock.now()) / DAY_MS),
    hold: hold?.LegalHold?.Status === 'ON',
  };
};

export const lockOfOldest = async (stage: Stage, Bucket: string, Key: string): Promise<Lock> => {
  const listed = await stage.destination.s3().send(new ListObjectVersionsCommand({ Bucket, Prefix: Key }));
  return await lockOf(stage, Bucket, Key, listed.Versions?.at(-1)?.VersionId);
};
