/**
 * Decides whether a delete at the source may be passed on over the object that the destination shows. A delete hides or removes
 * only two kinds of objects: those that are provably replicas of this rule, and the object from which the deleted source version
 * was itself replicated. All other objects stay visible, whoever wrote them.
 */
import type { BothBuckets, HistoryEntry, ObjectState, VersionEntry } from '../model/ports.ts';
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
}

/** Maximum number of source versions that are read to prove that an object without our stamp may be hidden. */
const MAX_HEADS = 20;

/** Resolves to true if the delete may be passed on over `shown`, which the destination shows. */
export const mayHide = async (
  task: Task,
  { source }: BothBuckets,
  shown: ObjectState,
  { before, markedMs }: Deletion,
): Promise<boolean> => {
  const stamp = stampOn(shown, replicaPlace(task));
  if (stamp !== null) return isFrom(stamp, sourcePlace(task)) && isBefore(task, stamp, before, markedMs);
  if (task.onlyStamped) return false;
  const alike = before.filter(
    (entry): entry is VersionEntry => entry.kind === 'version' && entry.sizeBytes === shown.sizeBytes,
  );
  for (const { versionId } of alike.slice(0, MAX_HEADS)) {
    const version = await source.head(task.key, versionId);
    if (version === null) continue;
    if (isItsOriginal(shown, version, task) || isUnstampedReplica(shown, version, task)) return true;
  }
  return false;
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
