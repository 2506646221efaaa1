/**
 * Strengthens the retention and legal hold of a replica after the lock of its source version was strengthened. S3 sends an event
 * for a new retention. For a new legal hold it sends none, so only a run that compares both sides finds it.
 */
import { ReplicationError } from '../../model/errors.ts';
import { asksForTags, isWanted } from '../../model/filter.ts';
import type { ObjectLock, Retention } from '../../model/ports.ts';
import type { Task } from '../../model/task.ts';
import { type LockedReplica, nextLock, refuseTooLong } from '../../replica/object-lock.ts';
import type { ConvergeContext } from '../context.ts';
import { explained } from '../replica-lock.ts';
import { type BothVersions, syncAttribute, type VersionAt } from './sync-attribute.ts';

/**
 * Locks the replica at least as strongly as the destination requires. `held` has the current lock of the replica. Resolves to true
 * if that lock was too weak. Throws `lock-too-long` if the rule refuses the lock of the source.
 */
export const syncLock = async (
  task: Task,
  context: ConvergeContext,
  { source, replica }: BothVersions,
  held: LockedReplica,
): Promise<boolean> => {
  const { clock, destination } = context;
  const { lastModifiedMs } = held;
  return await syncAttribute<ObjectLock>(context, {
    wanted: () => sourceLock(task, context, source),
    held: () => Promise.resolve(held.lock),
    next: (lock, wanted) => nextLock({ lock, lastModifiedMs }, wanted, task.destination, clock.now()),
    async write(next, last) {
      // The legal hold is written first, because no existing lock can make S3 refuse a legal hold.
      if (next.legalHold && !last.legalHold) await destination.putLegalHold(replica.key, replica.versionId);
      if (next.retention !== null && next.retention !== last.retention)
        await retain(context, replica, next.retention, last.retention);
    },
  });
};

/**
 * Reads the lock of the source version. Resolves to null if the version is gone or cannot be locked, or if the rule leaves it out
 * because of its tags.
 */
const sourceLock = async (
  { rule, destination }: Task,
  { source, clock }: ConvergeContext,
  { key, versionId }: VersionAt,
): Promise<ObjectLock | null> => {
  const version = versionId === null ? null : await source.head(key, versionId);
  if (version === null) return null;
  if (asksForTags(rule)) {
    const tags = await source.tags(key, versionId);
    if (tags === null || !isWanted(rule, { key, sizeBytes: version.sizeBytes }, tags)) return null;
  }
  refuseTooLong(destination, version.lock, clock.now());
  return version.lock;
};

const retain = async (
  { destination, clock }: ConvergeContext,
  { key, versionId }: VersionAt,
  next: Retention,
  last: Retention | null,
): Promise<void> => {
  try {
    await destination.putRetention(key, versionId, next);
  } catch (error) {
    if (!(error instanceof ReplicationError) || error.reason !== 'access-denied') throw error;
    const now = versionId === null ? null : await destination.head(key, versionId);
    if (now === null || !isSameRetention(now.lock.retention, last))
      throw new ReplicationError('lost-race', 'somebody else has locked the replica', { cause: error });
    const isModeChange =
      last?.mode === 'GOVERNANCE' && next.mode === 'COMPLIANCE' && last.untilMs > clock.now();
    if (!isModeChange) throw explained(error, { retention: next, legalHold: false }, clock.now());
    // S3 refuses the stricter mode. The retention is still extended.
    if (next.untilMs > last.untilMs)
      await destination.putRetention(key, versionId, { ...next, mode: 'GOVERNANCE' });
    throw new ReplicationError('access-denied', `${error.message}. ${BYPASS}`, {
      cause: error.cause,
      requestId: error.requestId,
    });
  }
};

const isSameRetention = (one: Retention | null, other: Retention | null): boolean =>
  one?.mode === other?.mode && one?.untilMs === other?.untilMs;

/**
 * The right to set a retention (s3:PutObjectRetention) is enough to extend one. Other changes also need the right to bypass
 * governance mode ("Locking objects with Object Lock", S3 User Guide).
 */
const BYPASS =
  'S3 puts a retention in governance mode into compliance mode only for a request that may bypass governance, which the replication role may not: do it by hand (aws s3api put-object-retention --bypass-governance-retention)';
