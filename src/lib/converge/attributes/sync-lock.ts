/**
 * Retention and legal hold of a replica, where those of its source version have become stronger. S3 sends no event for that: only a hint
 * of who compared them asks for it.
 */
import type { Work } from '../../model/work.ts';
import { ReplicationError } from '../../model/errors.ts';
import { asksForTags, tagsAreWanted } from '../../model/filter.ts';
import { replicaLock, strengthened } from '../../replica/object-lock.ts';
import type { ObjectLock, Retention } from '../../model/ports.ts';
import { type At, syncAttribute } from './sync-attribute.ts';
import type { ConvergeContext } from '../convergence.ts';

/** Locks the replica, of which `held` was seen, no less than the rule wants; true where it was locked less. */
export const syncLock = async (
  work: Work,
  context: ConvergeContext,
  from: At,
  to: At,
  held: ObjectLock,
): Promise<boolean> => {
  const { clock, destination } = context;
  return await syncAttribute<ObjectLock>(context, {
    wanted: () => wantedLock(work, context, from),
    held: () => Promise.resolve(held),
    next: (last, wanted) => strengthened(last, wanted, clock.now()),
    async write(next, last) {
      // First, because S3 never refuses it for the lock that there is.
      if (next.legalHold && !last.legalHold) await destination.putLegalHold(to.key, to.versionId);
      if (next.retention !== null && next.retention !== last.retention)
        await retain(context, to, next.retention, last.retention);
    },
  });
};

/** Null: the version is gone, or cannot be locked, or the rule is not for its tags. */
const wantedLock = async (
  { rule, destination }: Work,
  { source, clock }: ConvergeContext,
  { key, versionId }: At,
): Promise<ObjectLock | null> => {
  const version = versionId === null ? null : await source.head(key, versionId);
  if (version === null) return null;
  if (asksForTags(rule.filter)) {
    const tags = await source.tags(key, versionId);
    if (tags === null || !tagsAreWanted(rule.filter, tags)) return null;
  }
  return replicaLock(destination, version.lock, clock.now());
};

const retain = async (
  { destination, clock }: ConvergeContext,
  { key, versionId }: At,
  next: Retention,
  last: Retention | null,
): Promise<void> => {
  try {
    await destination.putRetention(key, versionId, next);
  } catch (error) {
    if (!(error instanceof ReplicationError) || error.reason !== 'access-denied') throw error;
    const now = versionId === null ? null : await destination.head(key, versionId);
    if (now === null || !isSame(now.lock.retention, last))
      throw new ReplicationError('lost-race', 'somebody else has locked the replica', { cause: error });
    const isModeChange =
      last?.mode === 'GOVERNANCE' && next.mode === 'COMPLIANCE' && last.untilMs > clock.now();
    if (!isModeChange) throw error;
    // As long as it may be, if not as strict.
    if (next.untilMs > last.untilMs)
      await destination.putRetention(key, versionId, { ...next, mode: 'GOVERNANCE' });
    throw new ReplicationError('access-denied', `${error.message}. ${BYPASS}`, {
      cause: error.cause,
      requestId: error.requestId,
    });
  }
};

const isSame = (one: Retention | null, other: Retention | null): boolean =>
  one?.mode === other?.mode && one?.untilMs === other?.untilMs;

/** "Locking objects with Object Lock", S3 User Guide: whoever may put a retention may extend it; to alter it takes the bypass. */
const BYPASS =
  'S3 puts a retention in governance mode into compliance mode only for a request that may bypass governance, which the replication role may not: do it by hand (aws s3api put-object-retention --bypass-governance-retention)';
