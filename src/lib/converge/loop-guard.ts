/**
 * Recognizes replicas among the source objects, so that two replicators do not copy an object back and forth without end.
 * The uploader of an object writes its metadata and chooses the session name, so both are only claims. An object is left out only
 * if a key that this deployment trusts has signed it, or if the destination provably has the very same object. Therefore nothing
 * that an uploader writes can keep an object from being replicated.
 */
import { ReplicationError } from '../model/errors.ts';
import type { BothBuckets, ObjectState } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { contentProof } from '../replica/proof.ts';
import { sameHeaders } from '../replica/same-state.ts';
import type { GetSigner } from '../replica/stamp-signature.ts';
import {
  identityOf,
  isFrom,
  isProven,
  names,
  namesOneState,
  replicaPlace,
  sameSecond,
  sourcePlace,
  type Stamp,
  stampOn,
} from '../replica/stamp.ts';

/** The buckets, and the signer of this deployment, which also knows its own replicas. */
export type EchoContext = BothBuckets & { signer: GetSigner };

/** The newest version at the destination, if it is a replica of this rule. It then lies over all other versions there. */
export interface Cover {
  /** The Last-Modified of its source version, in milliseconds since the epoch. */
  modifiedMs: number;
  /** Identifies that source version. */
  identity: string;
  /**
   * True if a source state of the same second may replace the cover. This is the case if a delete marker hides the cover, or if
   * the source version of the cover was itself copied from the destination.
   */
  yields: boolean;
}

export const coverOf = (task: Task, newest: ObjectState | null, yields = false): Cover | null => {
  const stamp = newest === null ? null : stampOn(newest, replicaPlace(task));
  return stamp !== null && isFrom(stamp, sourcePlace(task))
    ? { modifiedMs: stamp.modifiedMs, identity: stamp.identity, yields }
    : null;
};

/** Returns the cover after this source version was written to the destination. */
export const coverAfter = (task: Task, version: ObjectState): Cover => {
  const stamp = stampOn(version, sourcePlace(task));
  const identity = identityOf(version);
  return stamp !== null && isFrom(stamp, replicaPlace(task))
    ? { modifiedMs: stamp.modifiedMs, identity, yields: true }
    : { modifiedMs: version.lastModifiedMs, identity, yields: false };
};

/**
 * Resolves to true if this source version is a replica that must not be replicated. If the rule replicates replicas, only objects
 * that came from this destination are left out. Even such an object is replicated back if an older state of this source covers
 * its original at the destination. `cover` is null if it is not known.
 */
export const isEcho = async (
  task: Task,
  context: EchoContext,
  version: ObjectState,
  cover: Cover | null = null,
): Promise<boolean> => {
  const ignoresReplicas = task.rule.replicas === 'ignore';
  if (ignoresReplicas && isWrittenByAnother(task, version)) return false;
  const stamp = stampOn(version, sourcePlace(task));
  if (stamp === null) {
    // The object may have had no room for a stamp. In that case only the session name claims that it is a replica.
    return ignoresReplicas && task.byReplicator === true && (await isShownThere(task, context, version));
  }
  const cameFromThere = isFrom(stamp, replicaPlace(task));
  if (await isTrusted(task, context, version)) {
    if (!cameFromThere) return ignoresReplicas;
  } else {
    if (!ignoresReplicas && !cameFromThere) return false;
    if (await isShownThere(task, context, version)) return true;
    if (!cameFromThere || !(await wasShownThere(task, context, version, stamp))) return false;
  }
  return cover === null || !(await goesBack(task, context, stamp, cover));
};

/**
 * Resolves to true if a version that was copied from the destination has to be replicated back. This is the case if an older
 * state of the source covers the original there. A hint can cause this if it writes the older state while the other side writes
 * the original. `stamp` is the stamp of the version. An original that is itself a replica of this source does not go back,
 * because the source has had this state before.
 */
const goesBack = async (
  task: Task,
  { source, destination }: BothBuckets,
  stamp: Stamp,
  cover: Cover,
): Promise<boolean> => {
  if (!isUnder(cover, stamp)) {
    // The cover may be the replica of a version that was itself replicated back. The stamp of that version shows when its
    // original was written.
    const covering = await headOf(source, task.key, cover.identity);
    if (covering === null || !isUnder(coverAfter(task, covering), stamp)) return false;
  }
  const original = await headOf(destination, task.replicaKey, stamp.identity);
  return original !== null && coverOf(task, original) === null;
};

/**
 * Returns true if the cover is older than the state with this stamp. Two states of the same second have no certain order. In that
 * case the cover counts as older only if it yields.
 */
const isUnder = (cover: Cover, { modifiedMs }: Stamp): boolean =>
  cover.modifiedMs < modifiedMs || (cover.yields && sameSecond(cover.modifiedMs, modifiedMs));

/** Resolves to the version with this identity, or to null if it is gone, or if the identity does not name one version. */
const headOf = async (
  bucket: Pick<BothBuckets['source'], 'head'>,
  key: string,
  identity: string,
): Promise<ObjectState | null> =>
  identity.startsWith('v/') ? await bucket.head(key, identity.slice(2)) : null;

/**
 * Returns true if a delete right after `echo` does not concern the object that the destination shows. This is the case if `echo`
 * was copied from a state of the destination that is no newer than the source version of the shown object (see `goesBack`).
 */
export const isDeleteOfOlder = (task: Task, echo: ObjectState | null, cover: Cover | null): boolean => {
  const stamp = echo === null ? null : stampOn(echo, sourcePlace(task));
  if (stamp === null || cover === null || !isFrom(stamp, replicaPlace(task))) return false;
  return stamp.modifiedMs <= cover.modifiedMs;
};

/**
 * Returns true if the event says that somebody other than a replicator wrote exactly this version. A version without an id may
 * have been replaced by a replica since the event, so it does not count.
 */
const isWrittenByAnother = (task: Task, version: ObjectState): boolean =>
  task.byReplicator === false && namesOneState(version) && task.versionId === version.versionId;

/** Resolves to true if this deployment, or one that the rule names, has signed the stamp for these bytes. */
const isTrusted = async (task: Task, { signer }: EchoContext, version: ObjectState): Promise<boolean> => {
  const place = sourcePlace(task);
  if (stampOn(version, place)?.signature === null) return false;
  const own = await signer();
  const keys = own === null ? task.rule.source.replicators : [...task.rule.source.replicators, own.publicKey];
  return isProven(version, place, keys);
};

/**
 * Throws `other-deployment` if the destination shows a replica of another source that was signed by a deployment which the rule
 * names. Otherwise both deployments would overwrite each other's replicas whenever they repair.
 */
export const refuseOthers = (task: Task, shown: ObjectState | null): void => {
  const place = replicaPlace(task);
  const stamp = shown === null ? null : stampOn(shown, place);
  if (shown === null || stamp === null || isFrom(stamp, sourcePlace(task))) return;
  if (isProven(shown, place, task.rule.source.replicators))
    throw new ReplicationError('other-deployment', 'the destination shows the replica of another source');
};

/** Resolves to true if the destination shows the same object, and that object is not a replica of this version. */
const isShownThere = async (
  task: Task,
  { destination }: BothBuckets,
  version: ObjectState,
): Promise<boolean> => {
  const shown = await destination.look(task.replicaKey);
  return shown.kind === 'object' && isOriginalOf(task, shown.state, version);
};

/**
 * Resolves to true if the destination has the version that the stamp names, beneath the object that it shows now. The version id,
 * which S3 assigned, identifies that version.
 */
const wasShownThere = async (
  task: Task,
  { destination }: BothBuckets,
  version: ObjectState,
  stamp: Stamp,
): Promise<boolean> => {
  for await (const entry of destination.history(task.replicaKey)) {
    if (entry.kind === 'marker' || !namesOneState(entry) || identityOf(entry) !== stamp.identity) continue;
    if (!sameSecond(entry.lastModifiedMs, stamp.modifiedMs)) return false;
    const original = await destination.head(task.replicaKey, entry.versionId);
    return original !== null && isOriginalOf(task, original, version);
  }
  return false;
};

/** Returns true if both objects are the same, and the one at the destination is not the replica of the one at the source. */
const isOriginalOf = (task: Task, original: ObjectState, version: ObjectState): boolean => {
  const stamp = stampOn(original, replicaPlace(task));
  return (stamp === null || !names(stamp, version)) && sameObject(original, version);
};

const sameObject = (one: ObjectState, other: ObjectState): boolean =>
  one.sizeBytes === other.sizeBytes && contentProof(one, other) === 'same' && sameHeaders(one, other);

/**
 * Returns true if the source version is provably a replica of this object at the destination: its stamp names the object, and both
 * are the same.
 */
export const isReplicaOf = (version: ObjectState, original: ObjectState, task: Task): boolean => {
  const stamp = stampOn(version, sourcePlace(task));
  return stamp !== null && names(stamp, original) && sameObject(original, version);
};
