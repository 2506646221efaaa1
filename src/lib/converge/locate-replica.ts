/** How far the destination has come in the source's history. */
import type { Work } from '../model/work.ts';
import { align, type Item, itemsOf, positionBefore, positionOf } from '../replica/history.ts';
import { holds } from '../replica/same-state.ts';
import type { Current, HistoryEntry, ObjectState } from '../model/ports.ts';
import { names, namesOneState, type Place, type Stamp, stampOn } from '../replica/stamp.ts';
import { type BothBuckets, mayRemove } from './convergence.ts';

export interface Located {
  /** Of the last item that is at the destination; -1: none. */
  position: number;
  /** Is that what the destination shows? Something else may have been put over it, or it was deleted there. */
  isShown: boolean;
  /** What is shown, and writes are conditional on; null: nothing. */
  shown: (ObjectState & { mayRemove: boolean }) | null;
}

interface Sides {
  shown: Current;
  items: Item[];
  place: Place;
  /** Only where it can be told from what is shown; the answer is null otherwise. */
  quick: boolean;
}

/** Versions that are looked at one by one before listings have to do. */
const MAX_LOOKS = 20;

export const locate = async (
  { shown, items, place, quick }: Sides,
  context: BothBuckets,
  work: Work,
): Promise<Located | null> => {
  if (shown.kind === 'absent') return { position: -1, isShown: items.length === 0, shown: null };
  if (shown.kind === 'marker') return quick ? null : await belowMarker(items, place, context);
  const state = { ...shown.state, mayRemove: mayRemove(work, place.key, shown.state) };
  const stamp = stampOn(state, place);
  if (stamp === null) return quick ? null : await withoutStamp(items, state, place, context, work);
  const position = positionOf(items, stamp);
  if (position !== -1) {
    const isShown = await isSound(items[position], state, place, context, work);
    return { position: isShown ? position : position - 1, isShown, shown: state };
  }
  if (quick) return null;
  // The version it came from is gone from the source. It stays: the end of a version does not travel.
  const older = await positionInHistory(items, stamp, place, context);
  return { position: older, isShown: true, shown: state };
};

/**
 * A stamp tells what was to be written, an ETag what was. Where these cannot be compared, and where versions have no id, so
 * that the same bytes may be written again within a second, HEAD of the source has to tell.
 */
const isSound = async (
  item: Item | undefined,
  replica: ObjectState,
  place: Place,
  { source }: BothBuckets,
  { key }: Work,
): Promise<boolean> => {
  if (item?.kind !== 'version' || item.sizeBytes !== replica.sizeBytes) return false;
  if (namesOneState(item) && item.etag === replica.etag) return true;
  const version = await source.head(key, item.versionId);
  return version !== null && holds(replica, version, place);
};

/** Of the replicas under the one with this stamp, the first whose source is there; by time where none is. */
const positionInHistory = async (
  items: Item[],
  stamp: Stamp,
  place: Place,
  context: BothBuckets,
): Promise<number> => {
  const found = await newestStamped(items, place, context);
  return Math.max(found?.position ?? -1, positionBefore(items, stamp.modifiedMs));
};

/** A delete marker carries no stamp: what it hides does. */
const belowMarker = async (items: Item[], place: Place, context: BothBuckets): Promise<Located> => {
  const hidden = await newestStamped(items, place, context);
  if (hidden === null) {
    const replicas = itemsOf(await all(context.destination.history(place.key)), true);
    return { ...align(items, replicas), shown: null };
  }
  const { position } = hidden;
  const isDeleted = items[position + 1]?.kind === 'marker';
  return { position: isDeleted ? position + 1 : position, isShown: isDeleted, shown: null };
};

/** The position of the newest replica whose stamp says one; null: there is none, or they have no stamps. */
const newestStamped = async (
  items: Item[],
  { bucket, key }: Place,
  { destination }: BothBuckets,
): Promise<{ position: number } | null> => {
  let looks = 0;
  let newest: Stamp | null = null;
  for await (const entry of destination.history(key)) {
    if (entry.kind === 'marker') continue;
    const replica = await destination.head(key, entry.versionId);
    const stamp = replica === null ? null : stampOn(replica, { bucket, key });
    newest ??= stamp;
    const position = stamp === null ? -1 : positionOf(items, stamp);
    if (position !== -1) return { position };
    looks += 1;
    if (looks >= MAX_LOOKS) break;
  }
  return newest === null ? null : { position: positionBefore(items, newest.modifiedMs) };
};

const withoutStamp = async (
  items: Item[],
  shown: ObjectState & { mayRemove: boolean },
  place: Place,
  context: BothBuckets,
  work: Work,
): Promise<Located | null> => {
  const returned = work.rule.stamp ? await positionOfReplicaOf(shown, items, context, work) : -1;
  if (returned !== -1) return { position: returned, isShown: true, shown };
  const stamped = work.rule.stamp ? await newestStamped(items, place, context) : null;
  const history = await all(context.destination.history(place.key));
  // What came over it since the look is not what is shown: its tags would be given to the wrong version.
  const since = history.findIndex(({ versionId }) => versionId === (shown.versionId ?? 'null'));
  if (since === -1) return null;
  const aligned = align(items, itemsOf(history.slice(since), true));
  const position = Math.max(aligned.position, stamped?.position ?? -1);
  const isAligned = aligned.isShown && aligned.position === position;
  if (isAligned && position < items.length - 1) return { position, isShown: true, shown };
  // Where ETags cannot be compared, or attributes differ, only HEAD can tell.
  const held = await newestHeld(items.slice(Math.max(position, 0)), shown, place, context, work);
  return held === -1
    ? { position, isShown: false, shown }
    : { position: Math.max(position, 0) + held, isShown: true, shown };
};

/** What is shown was written there, and another replicator brought it here: the position it has; -1: none. */
const positionOfReplicaOf = async (
  shown: ObjectState,
  items: Item[],
  { source }: BothBuckets,
  { rule, key }: Work,
): Promise<number> => {
  const alike = items.filter((item) => item.kind === 'version' && item.sizeBytes === shown.sizeBytes);
  for (const item of alike.toReversed().slice(0, MAX_LOOKS)) {
    const version = await source.head(key, item.versionId);
    const stamp = version === null ? null : stampOn(version, { bucket: rule.source.bucket, key });
    if (stamp !== null && names(stamp, shown)) return items.indexOf(item);
  }
  return -1;
};

/** Position of the newest item that is what is shown, to judge by HEAD; -1: none, or none of the newest. */
const newestHeld = async (
  items: Item[],
  shown: ObjectState,
  place: Place,
  { source }: BothBuckets,
  { key }: Work,
): Promise<number> => {
  const oldest = Math.max(0, items.length - MAX_LOOKS);
  for (let index = items.length - 1; index >= oldest; index--) {
    const item = items[index];
    if (item?.kind !== 'version' || item.sizeBytes !== shown.sizeBytes) continue;
    const version = await source.head(key, item.versionId);
    if (version !== null && holds(shown, version, place)) return index;
  }
  return -1;
};

const all = async (entries: AsyncIterable<HistoryEntry>): Promise<HistoryEntry[]> => {
  const collected: HistoryEntry[] = [];
  for await (const entry of entries) collected.push(entry);
  return collected;
};
