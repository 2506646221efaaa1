/** Writes the states that the destination lacks, oldest first, in one round of `convergeHistory`. */
import { type Copied, discardBody } from '../copy/request.ts';
import { ReplicationError } from '../model/errors.ts';
import type { HistoryEntry, ObjectState, VersionEntry } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { partsInEtag } from '../replica/proof.ts';
import type { ConvergeContext, PassedOver } from './context.ts';
import type { Convergence } from './convergence.ts';
import { isDeniedAlone } from './denied-alone.ts';
import { hideReplica } from './hide-replica.ts';
import { type Cover, coverAfter, isDeleteOfOlder } from './loop-guard.ts';
import { markingOf } from './marking.ts';
import { type OpenedVersion, openVersion } from './open-version.ts';
import { mayHide } from './ownership.ts';
import { type Before, writeVersion } from './write-version.ts';

/** The work done so far, in all rounds together. */
export interface Tally {
  last: { version: ObjectState; copied: Copied } | null;
  copies: number;
  bytes: number;
  deleted: { replicaVersion: string | null } | null;
  /** The ids of the versions that were passed over. */
  passedOver: Set<string>;
  /** The reason why a version or a delete was left out (the last one, if there were several); null: none was left out. */
  left: 'filtered' | 'replica' | 'not-ours' | 'held' | null;
}

export const emptyTally = (): Tally => ({
  last: null,
  copies: 0,
  bytes: 0,
  deleted: null,
  passedOver: new Set(),
  left: null,
});

/** Why newer versions have to wait: the version before them is being restored or transferred. */
type Pending = 'restore-requested' | 'transferring';

/**
 * What `writeMissing` has to write: all items from the index `from` on. `shown` and `cover` describe the destination before these
 * writes.
 */
export interface Missing {
  items: HistoryEntry[];
  from: number;
  shown: ObjectState | null;
  cover: Cover | null;
}

/**
 * Writes the items in order. Each write has the condition that the destination still shows the item written before it. The
 * condition of the first write is `shown`. Resolves to null if all items were written. Otherwise resolves to the reason why the
 * remaining items cannot be written yet.
 */
export const writeMissing = async (
  task: Task,
  context: ConvergeContext,
  missing: Missing,
  tally: Tally,
): Promise<Pending | null> => {
  const { items, from } = missing;
  const last = items.length - 1;
  // If the delete of a key must not hide an object, the older versions of the key must not cover that object either.
  if (from <= last && (await isSpared(task, context, missing, last))) {
    tally.left = 'not-ours';
    return null;
  }
  const { shown, cover } = missing;
  const destination: Progress = { shown, cover, isMarked: false, leftOut: null };
  try {
    return await writeItems(task, context, missing, { tally, destination });
  } finally {
    // The version after the marker was left out or failed, so the key is hidden after all.
    if (destination.isMarked) await context.brake.count(task, 'delete');
  }
};

/** What the destination shows after the writes so far. */
interface Progress extends Before {
  /** Whether a marker was written that hides the key only until the version after it is written. */
  isMarked: boolean;
  /** The previous item, if it was left out because it is a replica. */
  leftOut: ObjectState | null;
}

const writeItems = async (
  task: Task,
  context: ConvergeContext,
  missing: Missing,
  { tally, destination }: { tally: Tally; destination: Progress },
): Promise<Pending | null> => {
  const { items, from } = missing;
  const newest = items.findLast(({ kind }) => kind === 'version')?.versionId ?? null;
  for (const [offset, item] of items.slice(from).entries()) {
    const index = from + offset;
    const { shown, cover, leftOut } = destination;
    destination.leftOut = null;
    if (item.kind === 'marker') {
      if (shown === null) continue;
      if (shown === missing.shown && (await isSpared(task, context, missing, index))) continue;
      if (isDeleteOfOlder(task, leftOut, cover)) {
        tally.left = 'not-ours';
        continue;
      }
      const marking = await markingOf(task, context, items, index);
      if (marking === 'held') {
        tally.left = 'held';
        continue;
      }
      const { versionId } = await hideReplica(task, context, shown);
      tally.deleted = { replicaVersion: versionId };
      destination.shown = null;
      destination.cover = cover && { ...cover, yields: true };
      destination.isMarked = marking === 'passing';
      continue;
    }
    const isLast = index === items.length - 1;
    const outcome = await writeItem(task, context, { entry: item, isLast, newest }, destination);
    if (outcome === 'restore-requested' || outcome === 'transferring') return outcome;
    if (outcome === 'gone') continue;
    if (outcome === 'filtered') {
      if (tally.left !== 'held') tally.left = outcome;
    } else if ('replica' in outcome) {
      if (tally.left !== 'held') tally.left = 'replica';
      destination.leftOut = outcome.replica;
    } else if ('error' in outcome) {
      if (!tally.passedOver.has(item.versionId)) await context.passOver(outcome);
      tally.passedOver.add(item.versionId);
    } else {
      addCopy(tally, outcome);
      const isOverwritten = destination.isMarked || (shown !== null && shown === missing.shown);
      destination.shown = outcome.copied.written;
      destination.cover = coverAfter(task, outcome.version);
      destination.isMarked = false;
      if (isOverwritten) await context.brake.count(task, 'overwrite');
    }
  }
  return null;
};

/** Resolves to true if the item is a delete marker that must not be written over the object that the destination shows. */
const isSpared = async (
  task: Task,
  context: ConvergeContext,
  { items, shown }: Missing,
  index: number,
): Promise<boolean> => {
  const item = items[index];
  if (item?.kind !== 'marker' || shown === null) return false;
  const deletion = {
    before: items.slice(0, index).toReversed(),
    markedMs: item.lastModifiedMs,
    isFollowed: index < items.length - 1,
  };
  return !(await mayHide(task, context, shown, deletion));
};

const addCopy = (tally: Tally, copy: { version: ObjectState; copied: Copied }): void => {
  tally.last = copy;
  tally.copies += 1;
  tally.bytes += copy.version.sizeBytes;
  tally.deleted = null;
};

/** The version to write next. `isLast` is true if no newer state is to be written. `newest` is the newest version that is to be written. */
interface NextItem {
  entry: VersionEntry;
  isLast: boolean;
  newest: string | null;
}

type ItemOutcome =
  | { version: ObjectState; copied: Copied }
  | PassedOver
  | 'filtered'
  /** The version is a replica, and was left out. */
  | { replica: ObjectState }
  /** The version expired, or was permanently deleted. */
  | 'gone'
  | Pending;

const writeItem = async (
  task: Task,
  context: ConvergeContext,
  item: NextItem,
  before: Before,
): Promise<ItemOutcome> => {
  let read: OpenedVersion | null = null;
  try {
    read = await openItem(task, context, item.entry);
    if (read === null) return 'gone';
    const { version } = read;
    // A different ETag shows that the null version was overwritten after the listing. Its state is therefore newer than its
    // position in the list.
    if (version.etag !== item.entry.etag) throw new ReplicationError('lost-race', 'the version was replaced');
    const outcome = await writeVersion(task, context, read, before);
    if (outcome === 'replica') return { replica: version };
    return typeof outcome === 'string' ? outcome : { version, copied: outcome };
  } catch (error) {
    return await unreadable(task, context, item, error);
  } finally {
    if (read !== null) discardBody(read);
  }
};

const openItem = async (
  { rule, destination, key }: Task,
  context: ConvergeContext,
  { versionId, etag }: VersionEntry,
): Promise<OpenedVersion | null> => {
  const way = context.serverSide.way(rule, destination);
  if (partsInEtag(etag) === null) return await openVersion(context, key, versionId, way);
  // The copy reads the object part by part, so a GET of the whole object would be of no use.
  const version = await context.source.head(key, versionId);
  return version === null ? null : { version, opened: null };
};

/**
 * Handles an error while reading a version. If a version cannot be read, or if the rule refuses the lock of the version, the version is
 * passed over and reported as missing. Otherwise it would block all newer versions. The newest version is never passed over. An archived
 * version is not passed over if the rule restores archived objects.
 */
const unreadable = async (
  { rule, key }: Task,
  { source }: ConvergeContext,
  { entry: { versionId }, isLast, newest }: NextItem,
  error: unknown,
): Promise<PassedOver | 'restore-requested'> => {
  if (!(error instanceof ReplicationError)) throw error;
  const { reason } = error;
  if (reason === 'archived' && rule.restore !== null) {
    await source.restore(key, versionId, rule.restore);
    return 'restore-requested';
  }
  const isSealed = reason === 'archived' || reason === 'sse-c' || reason === 'lock-too-long';
  const isPassedOver = isSealed ? !isLast : await isDeniedAlone(source, { key, versionId, newest }, error);
  if (!isPassedOver) throw error;
  return { versionId, error };
};

/** Returns the outcome of the work done so far, or null if nothing was done. */
export const concluded = ({ last, copies, bytes, deleted, passedOver, left }: Tally): Convergence | null => {
  if (last !== null) return { outcome: 'replicated', ...last, copies, bytes, newer: null };
  if (deleted !== null) return { outcome: 'deleted', ...deleted };
  return left !== null && passedOver.size === 0 ? { outcome: left } : null;
};
