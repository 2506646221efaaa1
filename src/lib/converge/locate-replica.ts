/** Finds out which state in the source's history the destination has reached. */
import type { BothBuckets, Clock, Current, HistoryEntry, ObjectState } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { align, isSurelyNewer, itemsOf, positionBefore, positionOf } from '../replica/history.ts';
import { isForgeable } from '../replica/proof.ts';
import { holds, holdsClass, isInTime } from '../replica/same-state.ts';
import { type Cover, coverOf, isReplicaOf } from './loop-guard.ts';
import { isSameStamp, namesOneState, replicaPlace, type Stamp, stampOn } from '../replica/stamp.ts';

type Context = BothBuckets & { clock: Clock };

export interface Located {
  /** The position of the last item that is at the destination; -1: none. */
  position: number;
  /**
   * Whether the destination shows that item. If it does not, another object was written over the item at the destination, or the
   * item was deleted there.
   */
  isShown: boolean;
  /** The object that the destination shows. The next write is conditional on this object; null: no object. */
  shown: ObjectState | null;
  /** The newest version, if a delete marker hides it and the look at the marker has read it; null or left out: none was read. */
  hidden?: ObjectState | null;
}

/** Returns the replica of ours that lies over everything else at the destination, or null if there is none. */
export const coverIn = (task: Task, { shown, hidden = null }: Located): Cover | null =>
  shown === null ? coverOf(task, hidden, true) : coverOf(task, shown);

/** Maximum number of versions that are read one by one. Beyond this number, only the listings are used. */
const MAX_HEADS = 20;

/**
 * Finds the position of the destination in `items`, which is the source's history, oldest first. `shown` is what the destination
 * shows. With `quick`, resolves to null if `shown` alone is not enough to decide. Without `quick`, resolves to null if the
 * destination has changed in the meantime.
 */
export const locate = async (
  task: Task,
  context: Context,
  { shown, items, quick }: { shown: Current; items: HistoryEntry[]; quick: boolean },
): Promise<Located | null> => {
  if (shown.kind === 'absent') return { position: -1, isShown: items.length === 0, shown: null };
  if (shown.kind === 'marker') return quick ? null : await belowMarker(task, context, items);
  const { state } = shown;
  const stamp = stampOn(state, replicaPlace(task));
  if (stamp === null) return quick ? null : await locateUnstamped(task, context, items, state);
  const position = positionOf(items, stamp);
  if (position !== -1) {
    if (await isSound(task, context, items[position], state))
      return { position, isShown: true, shown: state };
    // The object has this stamp but other bytes. Somebody may have written these bytes here with a copied stamp, and another
    // replicator may then have copied them to the source.
    const returned = await positionOfReplicaOf(task, context, items, state);
    return returned > position
      ? { position: returned, isShown: true, shown: state }
      : { position: position - 1, isShown: false, shown: state };
  }
  if (quick) return null;
  return await locateGone(task, context, items, { state, stamp });
};

/**
 * Resolves to true if the replica really holds the item that its stamp names. The stamp only shows what was to be written, but
 * the ETag shows what was written. If the ETags cannot be compared, the source version is read with HEAD. HEAD is also needed if
 * versions have no id, because the same bytes may have been written again within a second.
 */
const isSound = async (
  task: Task,
  { source, clock }: Context,
  item: HistoryEntry | undefined,
  replica: ObjectState,
): Promise<boolean> => {
  if (item?.kind !== 'version' || item.sizeBytes !== replica.sizeBytes) return false;
  if (namesOneState(item) && item.etag === replica.etag) return true;
  const version = await source.head(task.key, item.versionId);
  if (version === null || (task.concern === 'bytes' && isForgeable(replica, version))) return false;
  return holds(replica, version, replicaPlace(task)) && holdsClass(task, replica, version, clock.now());
};

/** A replica that the destination shows, with its stamp. */
interface StampedReplica {
  state: ObjectState;
  stamp: Stamp;
}

/**
 * Finds the position of a destination that shows a replica without a source version. The replica stays, because the delete of a
 * version is not replicated. An exception is a replica that is older than the versions beneath it. Such a replica was copied back
 * by somebody or written in a race, and the newest state has to be written again.
 */
const locateGone = async (
  task: Task,
  context: BothBuckets,
  items: HistoryEntry[],
  replica: StampedReplica,
): Promise<Located> => {
  const { position: found, isRepeated } = await newestBeneath(task, context, items, replica);
  const { state, stamp } = replica;
  const isOlder = isRepeated || items.slice(0, found + 1).some((item) => isSurelyNewer(item, stamp));
  const position = Math.max(found, positionBefore(items, stamp.modifiedMs));
  return { position, isShown: !isOlder, shown: state };
};

/**
 * Looks at the versions beneath the shown replica. Finds the position of the newest replica whose source version still exists, or
 * -1. `isRepeated` is true if an even older replica has the same stamp as the shown one. In that case the shown replica is a later
 * copy.
 */
const newestBeneath = async (
  task: Task,
  { destination }: BothBuckets,
  items: HistoryEntry[],
  shown: StampedReplica,
): Promise<{ position: number; isRepeated: boolean }> => {
  let position = -1;
  let heads = 0;
  for await (const entry of destination.history(task.replicaKey)) {
    if (entry.kind === 'marker') continue;
    if (position !== -1 && entry.sizeBytes !== shown.state.sizeBytes) continue;
    const replica = await destination.head(task.replicaKey, entry.versionId);
    const stamp = replica === null ? null : stampOn(replica, replicaPlace(task));
    if (stamp !== null && position !== -1 && isSameStamp(stamp, shown.stamp))
      return { position, isRepeated: true };
    if (stamp !== null && position === -1) position = positionOf(items, stamp);
    heads += 1;
    if (heads >= MAX_HEADS) break;
  }
  return { position, isRepeated: false };
};

/**
 * Finds the position of a destination that shows a delete marker. The marker has no stamp, but the replica that it hides has one.
 */
const belowMarker = async (task: Task, context: BothBuckets, items: HistoryEntry[]): Promise<Located> => {
  const hidden = await newestStamped(task, context, items);
  if (hidden === null) {
    const replicas = itemsOf(await collected(context.destination.history(task.replicaKey)), true);
    return { ...align(items, replicas), shown: null };
  }
  const { position, newest } = hidden;
  const isDeleted = items[position + 1]?.kind === 'marker';
  return { position: isDeleted ? position + 1 : position, isShown: isDeleted, shown: null, hidden: newest };
};

/**
 * Resolves to the position of the newest stamped replica in the source's history, and to the newest version of the destination. Resolves
 * to null if no replica has a stamp.
 */
const newestStamped = async (
  task: Task,
  { destination }: BothBuckets,
  items: HistoryEntry[],
): Promise<{ position: number; newest: ObjectState | null } | null> => {
  let heads = 0;
  let newest: ObjectState | null = null;
  let newestStamp: Stamp | null = null;
  for await (const entry of destination.history(task.replicaKey)) {
    if (entry.kind === 'marker') continue;
    const replica = await destination.head(task.replicaKey, entry.versionId);
    const stamp = replica === null ? null : stampOn(replica, replicaPlace(task));
    if (heads === 0) newest = replica;
    newestStamp ??= stamp;
    const position = stamp === null ? -1 : positionOf(items, stamp);
    if (position !== -1) return { position, newest };
    heads += 1;
    if (heads >= MAX_HEADS) break;
  }
  return newestStamp === null ? null : { position: positionBefore(items, newestStamp.modifiedMs), newest };
};

const locateUnstamped = async (
  task: Task,
  context: Context,
  items: HistoryEntry[],
  shown: ObjectState,
): Promise<Located | null> => {
  const returned = task.rule.stamp ? await positionOfReplicaOf(task, context, items, shown) : -1;
  if (returned !== -1) return { position: returned, isShown: true, shown };
  const stamped = task.rule.stamp ? await newestStamped(task, context, items) : null;
  const history = await collected(context.destination.history(task.replicaKey));
  // If the listing lacks the object that was shown, another object has replaced it. Tags would then be given to the wrong
  // version, so another round is needed.
  const since = history.findIndex(({ versionId }) => versionId === (shown.versionId ?? 'null'));
  if (since === -1) return null;
  const aligned = align(items, itemsOf(history.slice(since), true));
  const position = Math.max(aligned.position, stamped?.position ?? -1);
  const isAligned = aligned.isShown && aligned.position === position;
  if (isAligned && position < items.length - 1) return { position, isShown: true, shown };
  // If the ETags cannot be compared, or the attributes differ, HEAD is needed to decide.
  const held = await newestHeld(task, context, items.slice(Math.max(position, 0)), shown);
  return held === -1
    ? { position, isShown: false, shown }
    : { position: Math.max(position, 0) + held, isShown: true, shown };
};

/**
 * Resolves to the position of the source version that is itself a replica of the shown object, or to -1 if there is none. Such a
 * version exists if somebody wrote the object at the destination and another replicator copied it to the source.
 */
const positionOfReplicaOf = async (
  task: Task,
  { source }: BothBuckets,
  items: HistoryEntry[],
  shown: ObjectState,
): Promise<number> => {
  const alike = items.filter((item) => item.kind === 'version' && item.sizeBytes === shown.sizeBytes);
  for (const item of alike.toReversed().slice(0, MAX_HEADS)) {
    const version = await source.head(task.key, item.versionId);
    if (version !== null && isReplicaOf(version, shown, task)) return items.indexOf(item);
  }
  return -1;
};

/**
 * Resolves to the position of the newest item that HEAD proves to be the shown object, or to -1. Only the newest items are
 * checked. If the same bytes occur more than once, items that are younger than the shown object do not count.
 */
const newestHeld = async (
  task: Task,
  { source, clock }: Context,
  items: HistoryEntry[],
  shown: ObjectState,
): Promise<number> => {
  const oldest = Math.max(0, items.length - MAX_HEADS);
  const place = replicaPlace(task);
  let held = -1;
  for (let index = items.length - 1; index >= oldest; index--) {
    const item = items[index];
    if (item?.kind !== 'version' || item.sizeBytes !== shown.sizeBytes) continue;
    const version = await source.head(task.key, item.versionId);
    const isHeld = version !== null && holds(shown, version, place);
    if (!isHeld || !holdsClass(task, shown, version, clock.now())) continue;
    if (isInTime(shown, version, place)) return index;
    held = index;
  }
  return held;
};

export const collected = async (entries: AsyncIterable<HistoryEntry>): Promise<HistoryEntry[]> => {
  const list: HistoryEntry[] = [];
  for await (const entry of entries) list.push(entry);
  return list;
};
