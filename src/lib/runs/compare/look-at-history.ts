/** Compares the whole history of one key. */
import { collected, locate } from '../../converge/locate-replica.ts';
import { proofOf } from '../../converge/ownership.ts';
import { mapConcurrently } from '../../model/concurrency.ts';
import { asksForTags, isWanted, listedIsWanted } from '../../model/filter.ts';
import type { BothBuckets, Current, HistoryEntry, VersionEntry } from '../../model/ports.ts';
import type { Task } from '../../model/task.ts';
import { itemsOf } from '../../replica/history.ts';
import { isMd5 } from '../../replica/proof.ts';
import { names, replicaPlace, stampOn } from '../../replica/stamp.ts';
import { type Ground, weakest } from './basis.ts';
import { type Looked, looked, lookedBy, type Looking } from './looked.ts';

/** Compares all versions of a key. */
export const lookAtHistory = async (task: Task, looking: Looking): Promise<Looked> => {
  const { context } = looking;
  const { replicaKey } = task;
  const withMarkers = task.rule.deletes === 'replicate';
  const shown = await context.destination.look(replicaKey);
  const replicas = itemsOf(await collected(context.destination.history(replicaKey)), withMarkers);
  const items = itemsOf(await context.source.history(task.key), withMarkers);
  if (!hasVersion(items)) return looked(hasVersion(replicas) ? 'extra' : 'same');
  const wanted = await wantedOf(task, context, items);
  if (!hasVersion(wanted)) return looked(hasVersion(replicas) ? 'kept' : 'unwanted');
  if (!hasVersion(replicas)) return looked('missing');
  // If deletes are not replicated, `items` contains no delete markers. A key that is deleted at the source then counts as the
  // same while the destination still shows its last version.
  const located = await locate(task, context, { shown, items, quick: false });
  if (located === null) return looked('different');
  const last = items.findLastIndex((item) => wanted.includes(item));
  if (!located.isShown || located.position < last)
    return looked((await staysVisible(task, context, shown, items)) ? 'extra' : 'different');
  const isVersioned = replicas.some(({ versionId }) => versionId !== 'null');
  const found = isVersioned
    ? await lookWithin(task, looking, {
        items: withoutFirstMarker(wanted),
        replicas: withoutFirstMarker(replicas),
      })
    : await lookInPlace(task, looking, { items: wanted.slice(-1), replicas });
  const agrees = found.finding === 'same' || found.finding === 'presumed';
  // The destination shows the replica of a version that the rule leaves out now.
  return located.position > last && agrees ? looked('kept') : found;
};

const lookInPlace = async (task: Task, looking: Looking, { items, replicas }: Histories): Promise<Looked> => {
  const found = await lookWithin(task, looking, { items, replicas });
  // The destination may show the replica of a version that is gone from the source. Such a replica stays.
  if (found.isFaked) return lookedBy(await groundAbove(task, looking, items.at(-1), replicas.at(-1)));
  return found.finding === 'same' ? found : looked('presumed');
};

/** Returns the entries that the rule wants. The tags of {@link MAX_VERSIONS} versions are read; older ones count as wanted. */
const wantedOf = async (
  { rule, key }: Task,
  { source }: BothBuckets,
  items: HistoryEntry[],
): Promise<HistoryEntry[]> => {
  const listed = items.filter(
    (item) => item.kind === 'marker' || listedIsWanted(rule, { key, sizeBytes: item.sizeBytes }),
  );
  if (!asksForTags(rule)) return listed;
  const isKept = await mapConcurrently(listed, TAGS_AT_ONCE, async (item, index) => {
    if (item.kind === 'marker' || index < listed.length - MAX_VERSIONS) return true;
    const tags = await source.tags(key, item.versionId);
    return tags === null || isWanted(rule, { key, sizeBytes: item.sizeBytes }, tags);
  });
  return listed.filter((_, index) => isKept[index] === true);
};

const TAGS_AT_ONCE = 4;

/**
 * Resolves to true if the object was deleted at the source, but the destination shows an object that no delete may hide, because
 * it is not provably a replica.
 */
const staysVisible = async (
  task: Task,
  context: BothBuckets,
  shown: Current,
  items: HistoryEntry[],
): Promise<boolean> => {
  const newest = items.at(-1);
  if (newest?.kind !== 'marker' || shown.kind !== 'object') return false;
  const deletion = { before: items.slice(0, -1).toReversed(), markedMs: newest.lastModifiedMs };
  return (await proofOf(task, context, shown.state, deletion)) === null;
};

/** Removes a delete marker that is the oldest entry. Such a marker deleted nothing, so it is never replicated. */
const withoutFirstMarker = <E extends HistoryEntry>(entries: E[]): E[] =>
  entries[0]?.kind === 'marker' ? entries.slice(1) : entries;

/** Maximum number of versions whose content is compared one by one. For all further versions the sizes decide. */
const MAX_VERSIONS = 20;

/** Both histories, oldest first. */
interface Histories {
  items: HistoryEntry[];
  replicas: HistoryEntry[];
}

/**
 * Returns `same` if the destination has all states of the source in the same order. Compares sizes, and also the content if the
 * ETags differ.
 */
const lookWithin = async (task: Task, looking: Looking, { items, replicas }: Histories): Promise<Looked> => {
  const groundOf = grounds(task, looking);
  let differing = 0;
  let isFaked = false;
  let ground: Ground | null = null;
  let next = 0;
  let newest: HistoryEntry | null = null;
  for (const replica of replicas) {
    const item = items[next];
    if (item === undefined || versionBytes(item) !== versionBytes(replica)) continue;
    if (item.kind === 'version' && replica.kind === 'version') {
      const found = await groundOf(item, replica);
      if (found === 'differs' || found === 'faked') {
        differing += 1;
        isFaked ||= found === 'faked';
        continue;
      }
      ground = weakest(ground, found);
    }
    next += 1;
    newest = replica;
  }
  if (next < items.length) return { ...looked(differing > 0 ? 'different' : 'history-shorter'), isFaked };
  const shown = replicas.at(-1);
  return lookedBy(newest === shown ? ground : await groundAbove(task, looking, items.at(-1), shown));
};

/**
 * Returns a function that finds the ground of a pair. Encryption and part layout change ETags. If the ETags differ, only HEAD
 * requests to both sides show whether the content differs.
 */
const grounds = (task: Task, { context, prove, reading }: Looking) => {
  let looks = 0;
  return async (item: VersionEntry, replica: VersionEntry): Promise<Ground | 'differs' | 'faked'> => {
    if (reading !== 'all' && isMd5(item.etag) && item.etag === replica.etag) return 'md5';
    looks += 1;
    if (reading === 'none' && looks > MAX_VERSIONS) return 'presumed';
    const [one, other] = await Promise.all([
      context.source.head(task.key, item.versionId),
      context.destination.head(task.replicaKey, replica.versionId),
    ]);
    return one === null || other === null ? 'presumed' : await prove(task, { source: one, replica: other });
  };
};

/**
 * Finds the ground for an object above the replica of the newest version. It may be the replica of a version that is gone from
 * the source, which only the stamp of the object shows. If the stamp names the newest version instead, the bytes of both objects
 * are read to find out whether the object is a copy of that version.
 */
const groundAbove = async (
  task: Task,
  { context, prove, reading }: Looking,
  newest: HistoryEntry | undefined,
  shown: HistoryEntry | undefined,
): Promise<Ground | 'faked'> => {
  if (reading === 'none' || newest?.kind !== 'version' || shown?.kind !== 'version') return 'presumed';
  const source = await context.source.head(task.key, newest.versionId);
  const replica = await context.destination.head(task.replicaKey, shown.versionId);
  if (source === null || replica === null) return 'presumed';
  const stamp = stampOn(replica, replicaPlace(task));
  if (stamp === null || !names(stamp, source)) return 'presumed';
  const found = await prove(task, { source, replica });
  return found === 'differs' ? 'faked' : found;
};

const versionBytes = (entry: HistoryEntry): number | null =>
  entry.kind === 'version' ? entry.sizeBytes : null;

const hasVersion = (entries: HistoryEntry[]): boolean => entries.some(({ kind }) => kind === 'version');
