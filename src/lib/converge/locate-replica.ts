/** Finds out how far the destination has come in the source's history. */
import type { BothBuckets, Current, HistoryEntry, ObjectState } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { align, itemsOf, positionBefore, positionOf } from '../replica/history.ts';
import { holds } from '../replica/same-state.ts';
import { names, namesOneState, replicaPlace, sourcePlace, type Stamp, stampOn } from '../replica/stamp.ts';
import { mayRemove } from './protocol.ts';

export interface Located {
  /** The position of the last item that is at the destination; -1: none. */
  position: number;
  /** Whether the destination shows that item. Something else may have been put over it, or it was deleted there. */
  isShown: boolean;
  /** The object that is shown, and that writes are conditional on; null: none. */
  shown: (ObjectState & { mayRemove: boolean }) | null;
}

/** Maximum number of versions that are read one by one before listings have to do. */
const MAX_HEADS = 20;

/**
 * `items` is the source's history, oldest first; `shown` is what the destination shows. `quick`: the result is null where
 * `shown` alone does not tell. Without it, null says that the destination has changed meanwhile.
 */
export const locate = async (
  task: Task,
  context: BothBuckets,
  { shown, items, quick }: { shown: Current; items: HistoryEntry[]; quick: boolean },
): Promise<Located | null> => {
  if (shown.kind === 'absent') return { position: -1, isShown: items.length === 0, shown: null };
  if (shown.kind === 'marker') return quick ? null : await belowMarker(task, context, items);
  const state = { ...shown.state, mayRemove: mayRemove(task, shown.state) };
  const stamp = stampOn(state, replicaPlace(task));
  if (stamp === null) return quick ? null : await locateUnstamped(task, context, items, state);
  const position = positionOf(items, stamp);
  if (position !== -1) {
    const isShown = await isSound(task, context, items[position], state);
    return { position: isShown ? position : position - 1, isShown, shown: state };
  }
  if (quick) return null;
  // The version that the replica came from is gone from the source. The replica stays: ends of versions are not replicated.
  const older = await positionInHistory(task, context, items, stamp);
  return { position: older, isShown: true, shown: state };
};

/**
 * A stamp tells what was to be written, an ETag what was written. HEAD of the source has to tell where ETags cannot be compared,
 * and where versions have no id, so that the same bytes may be written again within a second.
 */
const isSound = async (
  task: Task,
  { source }: BothBuckets,
  item: HistoryEntry | undefined,
  replica: ObjectState,
): Promise<boolean> => {
  if (item?.kind !== 'version' || item.sizeBytes !== replica.sizeBytes) return false;
  if (namesOneState(item) && item.etag === replica.etag) return true;
  const version = await source.head(task.key, item.versionId);
  return version !== null && holds(replica, version, replicaPlace(task));
};

/** The position of the newest older replica whose source version still exists, or an estimate by time, whichever is later. */
const positionInHistory = async (
  task: Task,
  context: BothBuckets,
  items: HistoryEntry[],
  stamp: Stamp,
): Promise<number> => {
  const found = await newestStamped(task, context, items);
  return Math.max(found?.position ?? -1, positionBefore(items, stamp.modifiedMs));
};

/** A delete marker carries no stamp, but the replica that it hides does. */
const belowMarker = async (task: Task, context: BothBuckets, items: HistoryEntry[]): Promise<Located> => {
  const hidden = await newestStamped(task, context, items);
  if (hidden === null) {
    const replicas = itemsOf(await collected(context.destination.history(task.replicaKey)), true);
    return { ...align(items, replicas), shown: null };
  }
  const { position } = hidden;
  const isDeleted = items[position + 1]?.kind === 'marker';
  return { position: isDeleted ? position + 1 : position, isShown: isDeleted, shown: null };
};

/** The position that the newest stamped replica has in the source's history; null: no replica has a stamp. */
const newestStamped = async (
  task: Task,
  { destination }: BothBuckets,
  items: HistoryEntry[],
): Promise<{ position: number } | null> => {
  let heads = 0;
  let newest: Stamp | null = null;
  for await (const entry of destination.history(task.replicaKey)) {
    if (entry.kind === 'marker') continue;
    const replica = await destination.head(task.replicaKey, entry.versionId);
    const stamp = replica === null ? null : stampOn(replica, replicaPlace(task));
    newest ??= stamp;
    const position = stamp === null ? -1 : positionOf(items, stamp);
    if (position !== -1) return { position };
    heads += 1;
    if (heads >= MAX_HEADS) break;
  }
  return newest === null ? null : { position: positionBefore(items, newest.modifiedMs) };
};

const locateUnstamped = async (
  task: Task,
  context: BothBuckets,
  items: HistoryEntry[],
  shown: ObjectState & { mayRemove: boolean },
): Promise<Located | null> => {
  const returned = task.rule.stamp ? await positionOfReplicaOf(task, context, items, shown) : -1;
  if (returned !== -1) return { position: returned, isShown: true, shown };
  const stamped = task.rule.stamp ? await newestStamped(task, context, items) : null;
  const history = await collected(context.destination.history(task.replicaKey));
  // A newer version may have come over the one that was shown: its tags would be given to the wrong version.
  const since = history.findIndex(({ versionId }) => versionId === (shown.versionId ?? 'null'));
  if (since === -1) return null;
  const aligned = align(items, itemsOf(history.slice(since), true));
  const position = Math.max(aligned.position, stamped?.position ?? -1);
  const isAligned = aligned.isShown && aligned.position === position;
  if (isAligned && position < items.length - 1) return { position, isShown: true, shown };
  // If ETags cannot be compared, or attributes differ, only HEAD can tell.
  const held = await newestHeld(task, context, items.slice(Math.max(position, 0)), shown);
  return held === -1
    ? { position, isShown: false, shown }
    : { position: Math.max(position, 0) + held, isShown: true, shown };
};

/**
 * The position of the source version that is itself a replica of the object shown: the object was written at the destination,
 * and another replicator brought it to the source. -1: none.
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
    const stamp = version === null ? null : stampOn(version, sourcePlace(task));
    if (stamp !== null && names(stamp, shown)) return items.indexOf(item);
  }
  return -1;
};

/** The position of the newest item that HEAD proves to be the object shown; -1: none, or none of the newest. */
const newestHeld = async (
  task: Task,
  { source }: BothBuckets,
  items: HistoryEntry[],
  shown: ObjectState,
): Promise<number> => {
  const oldest = Math.max(0, items.length - MAX_HEADS);
  for (let index = items.length - 1; index >= oldest; index--) {
    const item = items[index];
    if (item?.kind !== 'version' || item.sizeBytes !== shown.sizeBytes) continue;
    const version = await source.head(task.key, item.versionId);
    if (version !== null && holds(shown, version, replicaPlace(task))) return index;
  }
  return -1;
};

export const collected = async (entries: AsyncIterable<HistoryEntry>): Promise<HistoryEntry[]> => {
  const list: HistoryEntry[] = [];
  for await (const entry of entries) list.push(entry);
  return list;
};
