/**
 * Decides whether a delete at the source may be passed on over the object that the destination shows. A delete hides or removes
 * only two kinds of objects: those that are provably replicas of this rule, and the object from which the deleted source version
 * was itself replicated. All other objects stay visible, whoever wrote them.
 */
import { ReplicationError } from '../model/errors.ts';
import type { BothBuckets, Clock, HistoryEntry, ObjectState, VersionEntry } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { contentProof } from '../replica/proof.ts';
import { isReplicaOf } from './loop-guard.ts';
import {
  canCarryStamp,
  isFrom,
  names,
  namesOneState,
  replicaPlace,
  replicaRoute,
  sourcePlace,
  type Stamp,
  stampOn,
} from '../replica/stamp.ts';

/** A delete at the source. */
export interface Deletion {
  /** The entries of the source's history that are older than the delete, newest first. */
  before: HistoryEntry[];
  /** When the delete marker was written, in milliseconds since the epoch; null: the source has no delete marker. */
  markedMs: number | null;
  /** Whether a version follows the delete. Left out: none does. */
  isFollowed?: boolean;
}

/** Maximum number of source versions that are read to prove that an object without our stamp may be hidden. */
const MAX_HEADS = 20;

/**
 * Resolves to true if the delete may be passed on over `shown`, which the destination shows. Throws `key-busy` if it is too early to
 * say whether the delete is one (see {@link isPerhapsMistaken}).
 */
export const mayHide = async (
  task: Task,
  context: BothBuckets & { clock: Clock },
  shown: ObjectState,
  deletion: Deletion,
): Promise<boolean> => {
  const proof = await proofOf(task, context, shown, deletion);
  if (proof === 'original' && isPerhapsMistaken(deletion, context.clock.now()))
    throw new ReplicationError('key-busy', 'the other side may put the object back');
  return proof !== null;
};

/**
 * Resolves to `replica` if the shown object is provably a replica of this rule, or to `original` if it is provably the original
 * of a source version. Otherwise resolves to null.
 */
export const proofOf = async (
  task: Task,
  { source }: BothBuckets,
  shown: ObjectState,
  { before, markedMs }: Deletion,
): Promise<'replica' | 'original' | null> => {
  const stamp = stampOn(shown, replicaPlace(task));
  if (stamp !== null)
    return isFrom(stamp, sourcePlace(task)) && isBefore(task, stamp, before, markedMs) ? 'replica' : null;
  if (task.onlyStamped) return null;
  const alike = before.filter(
    (entry): entry is VersionEntry => entry.kind === 'version' && entry.sizeBytes === shown.sizeBytes,
  );
  for (const { versionId } of alike.slice(0, MAX_HEADS)) {
    const version = await source.head(task.key, versionId);
    if (version === null) continue;
    if (isItsOriginal(shown, version, task)) return 'original';
    if (isUnstampedReplica(shown, version, task)) return 'replica';
  }
  return null;
};

/**
 * How long a worker may take from reading an object until it has deleted the object, or has put back an object that it deleted by
 * mistake.
 */
const DELETING_MS = 120_000;

/**
 * Returns true if the delete at the source may be a mistake of the deployment that replicates in the opposite direction. That
 * deployment may have meant to delete an earlier replica with the same bytes, because S3 compares only ETags. It then puts the
 * deleted replica back (`hide-replica.ts`). Such a mistake is possible only shortly after the delete, and only if an older
 * version with the same ETag was current shortly before it.
 */
const isPerhapsMistaken = ({ before, markedMs, isFollowed = false }: Deletion, nowMs: number): boolean => {
  const [deleted, ...older] = before;
  // The version that follows is written right after the delete, so that the key does not stay hidden.
  if (isFollowed) return false;
  if (markedMs === null || nowMs - markedMs >= DELETING_MS || deleted?.kind !== 'version') return false;
  return older.some(
    (entry, index) =>
      entry.kind === 'version' &&
      entry.etag === deleted.etag &&
      markedMs - before[index]!.lastModifiedMs < DELETING_MS,
  );
};

/**
 * Returns true if the replica with this stamp holds a source state that is older than the delete. If the source has neither an object
 * nor a delete marker, there is no time to compare with. A stamp without a version id then counts as older. A stamp with a
 * version id does not, because that version may have expired instead of being deleted.
 */
const isBefore = (task: Task, stamp: Stamp, before: HistoryEntry[], markedMs: number | null): boolean => {
  if (markedMs === null) return task.onlyStamped || stamp.identity.startsWith('e/');
  return (
    stamp.modifiedMs <= markedMs || before.some((entry) => entry.kind === 'version' && names(stamp, entry))
  );
};

/**
 * Returns true if the source version is a replica of the shown object. Without a version id, the shown object may be another object
 * with the same bytes, and a delete would be permanent.
 */
const isItsOriginal = (shown: ObjectState, version: ObjectState, task: Task): boolean =>
  namesOneState(shown) && isReplicaOf(version, shown, task);

/**
 * Returns true if the shown object is a replica of the version that could not carry a stamp. The digests prove it, together with
 * the times: a replica is never older than its source version.
 */
const isUnstampedReplica = (shown: ObjectState, version: ObjectState, task: Task): boolean =>
  (!task.rule.stamp || !canCarryStamp(version, replicaRoute(task))) &&
  shown.lastModifiedMs >= version.lastModifiedMs &&
  contentProof(shown, version) === 'same';
