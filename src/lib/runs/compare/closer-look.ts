/**
 * Looks at single keys. This is necessary if listings do not decide whether a key differs, or if a listing may be out of date.
 */
import { bucketsOf, createTask, problemOfKey, type Task } from '../../model/task.ts';
import { ReplicationError } from '../../model/errors.ts';
import type { Reason } from '../../model/reasons.ts';
import { asksForTags, tagsAreWanted } from '../../model/filter.ts';
import { itemsOf } from '../../replica/history.ts';
import { holds } from '../../replica/same-state.ts';
import { collected, locate } from '../../converge/locate-replica.ts';
import { mayHide } from '../../converge/ownership.ts';
import type { BothBuckets, Buckets, Clock, Current, HistoryEntry } from '../../model/ports.ts';
import { contentProof } from '../../replica/proof.ts';
import { namesOneState, replicaPlace, sourcePlace, stampOn } from '../../replica/stamp.ts';
import { BlindError, sameAttributes, type TagsProbe } from './compare-attributes.ts';
import type { DifferenceKind } from '../report/report-data.ts';
import type { Scope } from './scope.ts';
import type { RunSpec } from '../run.ts';
import { asksForStorageClass, isStorageClassRight } from '../../replica/storage-class.ts';

/** The finding `unwanted` means that the rule excludes the key, by its tags or because a replicator wrote the object. */
export type KeyFinding = 'same' | 'unwanted' | DifferenceKind;

export interface Looked {
  finding: KeyFinding;
  /** For the finding `attributes`, the id of the source version, if it has one. Otherwise null. */
  version: string | null;
  /** Why the key could not be checked and therefore counts as different; null: the key was checked. */
  reason: Reason | null;
}

/**
 * Looks at one key. The caller passes `attributes` if the listings show that the content of all versions is the same. In that
 * case it is sufficient to compare the current objects of both sides.
 */
export type CloserLook = (key: string, how: 'all' | 'attributes') => Promise<Looked>;

/**
 * The closer look throws failures for which a retry may help. It throws a {@link BlindError} if attributes cannot be read at all.
 * Any other failure must be fixed by a person. After such a failure the key counts as different, and the hint for the key reports
 * the cause.
 */
export const createCloserLook = (
  { rule, destination }: Scope,
  { versions, attributes }: Pick<RunSpec, 'versions' | 'attributes'>,
  { buckets, clock }: { buckets: Buckets; clock: Clock },
): CloserLook => {
  const context = bucketsOf({ rule, destination }, buckets);
  const probe: TagsProbe = { isDone: false };
  const lookAtContent = versions === 'all' ? lookAtHistory : lookAtCurrent;

  /** Resolves to null if the replica does not hold the current source version, or if one side has no current object. */
  const lookAtAttributes = async (task: Task): Promise<Looked | null> => {
    const { replicaKey } = task;
    const replica = await context.destination.look(replicaKey);
    const source = await context.source.look(task.key);
    if (source.kind !== 'object' || replica.kind !== 'object') return null;
    if (!holds(replica.state, source.state, replicaPlace(task))) return null;
    const isSame =
      attributes === 'all'
        ? await sameAttributes(
            {
              rule,
              destination,
              source: { bucket: context.source, key: task.key, state: source.state },
              replica: { bucket: context.destination, key: replicaKey, state: replica.state },
              nowMs: clock.now(),
            },
            probe,
          )
        : isStorageClassRight(destination, replica.state.attributes.storageClass);
    if (isSame) return looked('same');
    const version = namesOneState(source.state) ? source.state.versionId : null;
    return { ...looked('attributes'), version };
  };

  return async (key, how) => {
    const task = createTask({ rule, destination, key });
    try {
      const problem = problemOfKey(task);
      if (problem !== null) return await lookAtSourceOnly(task, context, { versions, problem });
      if (how === 'attributes') {
        const seen = await lookAtAttributes(task);
        if (seen !== null) return seen;
      }
      const found = await lookAtContent(task, context);
      if (found === 'missing' && !(await wouldBeReplicated(task, context))) return looked('unwanted');
      const hasMore = found === 'same' && (attributes === 'all' || asksForStorageClass(destination));
      return (hasMore ? await lookAtAttributes(task) : null) ?? looked(found);
    } catch (error) {
      if (error instanceof BlindError) throw error;
      if (error instanceof ReplicationError && error.disposition === 'quarantine')
        return { ...looked('different'), reason: error.reason };
      throw error;
    }
  };
};

/** The replica's key is none that S3 takes, so only the source is asked whether the key has to be replicated. */
const lookAtSourceOnly = async (
  task: Task,
  context: BothBuckets,
  { versions, problem }: { versions: RunSpec['versions']; problem: Reason },
): Promise<Looked> => {
  if (versions === 'latest' && (await context.source.look(task.key)).kind !== 'object') return looked('same');
  return (await wouldBeReplicated(task, context))
    ? { ...looked('different'), reason: problem }
    : looked('unwanted');
};

/** Returns a finding without further details. */
export const looked = (finding: KeyFinding): Looked => ({ finding, version: null, reason: null });

const lookAtCurrent = async (task: Task, context: BothBuckets): Promise<KeyFinding> => {
  const { replicaKey } = task;
  const replica = await context.destination.look(replicaKey);
  const source = await context.source.look(task.key);
  if (source.kind !== 'object') return replica.kind === 'object' ? 'extra' : 'same';
  if (replica.kind !== 'object') return 'missing';
  if (holds(replica.state, source.state, replicaPlace(task))) return 'same';
  const isSameContent =
    replica.state.sizeBytes === source.state.sizeBytes &&
    contentProof(replica.state, source.state) === 'same';
  return isSameContent ? 'attributes' : 'different';
};

const lookAtHistory = async (task: Task, context: BothBuckets): Promise<KeyFinding> => {
  const { replicaKey } = task;
  const withMarkers = task.rule.deletes === 'replicate';
  const shown = await context.destination.look(replicaKey);
  const replicas = itemsOf(await collected(context.destination.history(replicaKey)), withMarkers);
  const items = itemsOf(await context.source.history(task.key), withMarkers);
  if (!hasVersion(items)) return hasVersion(replicas) ? 'extra' : 'same';
  if (!hasVersion(replicas)) return 'missing';
  // If deletes are not replicated, `items` contains no delete markers. A key that is deleted at the source then counts as the
  // same while the destination still shows its last version.
  const located = await locate(task, context, { shown, items, quick: false });
  if (located === null) return 'different';
  if (!located.isShown || located.position < items.length - 1)
    return (await staysVisible(task, context, shown, items)) ? 'extra' : 'different';
  const isVersioned = replicas.some(({ versionId }) => versionId !== 'null');
  if (!isVersioned) return 'same';
  const keys = { source: task.key, replica: replicaKey };
  return await lookWithin(withoutFirstMarker(items), withoutFirstMarker(replicas), keys, context);
};

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
  return !(await mayHide(task, context, shown.state, deletion));
};

/** Removes a delete marker that is the oldest entry. Such a marker deleted nothing, so it is never replicated. */
const withoutFirstMarker = <E extends HistoryEntry>(entries: E[]): E[] =>
  entries[0]?.kind === 'marker' ? entries.slice(1) : entries;

/** Maximum number of versions whose content is compared one by one. For all further versions the sizes decide. */
const MAX_VERSIONS = 20;

/**
 * Returns `same` if the destination has all states of the source in the same order. Compares sizes, and also the content if the
 * ETags differ.
 */
const lookWithin = async (
  items: HistoryEntry[],
  replicas: HistoryEntry[],
  keys: { source: string; replica: string },
  { source, destination }: BothBuckets,
): Promise<KeyFinding> => {
  let looks = 0;
  let differing = 0;
  /** Encryption and part layout change ETags. Only HEAD requests to both sides show whether the content differs. */
  const differs = async (item: HistoryEntry, replica: HistoryEntry): Promise<boolean> => {
    if (item.kind !== 'version' || replica.kind !== 'version' || item.etag === replica.etag) return false;
    looks += 1;
    if (looks > MAX_VERSIONS) return false;
    const [one, other] = await Promise.all([
      source.head(keys.source, item.versionId),
      destination.head(keys.replica, replica.versionId),
    ]);
    return one !== null && other !== null && contentProof(other, one) === 'differs';
  };
  let next = 0;
  for (const replica of replicas) {
    const item = items[next];
    if (item === undefined || versionBytes(item) !== versionBytes(replica)) continue;
    if (await differs(item, replica)) differing += 1;
    else next += 1;
  }
  if (next === items.length) return 'same';
  return differing > 0 ? 'different' : 'history-shorter';
};

const versionBytes = (entry: HistoryEntry): number | null =>
  entry.kind === 'version' ? entry.sizeBytes : null;

const hasVersion = (entries: HistoryEntry[]): boolean => entries.some(({ kind }) => kind === 'version');

/** Returns false if the rule excludes the current source object, by its tags or because a replicator wrote the object. */
const wouldBeReplicated = async (task: Task, { source }: BothBuckets): Promise<boolean> => {
  const { rule, key } = task;
  const now = await source.look(key);
  if (now.kind !== 'object') return true;
  const isReplica = stampOn(now.state, sourcePlace(task)) !== null;
  if (isReplica && rule.replicas === 'ignore') return false;
  if (!asksForTags(rule.filter)) return true;
  const tags = await source.tags(key, null);
  return tags !== null && tagsAreWanted(rule.filter, tags);
};
