/** One key looked at by itself, where listings cannot tell or may have been overtaken. */
import { bucketsOf, createTask, type Task } from '../../model/task.ts';
import { ReplicationError } from '../../model/errors.ts';
import type { Reason } from '../../model/reasons.ts';
import { asksForTags, tagsAreWanted } from '../../model/filter.ts';
import { itemsOf } from '../../replica/history.ts';
import { holds } from '../../replica/same-state.ts';
import { collected, locate } from '../../converge/locate-replica.ts';
import type { BothBuckets, Buckets, Clock, HistoryEntry } from '../../model/ports.ts';
import { contentProof } from '../../replica/proof.ts';
import { namesOneState, replicaPlace, sourcePlace, stampOn } from '../../replica/stamp.ts';
import { BlindError, sameAttributes, type TagsProbe } from './compare-attributes.ts';
import type { DifferenceKind } from '../report/report-data.ts';
import type { Scope } from './scope.ts';
import type { RunSpec } from '../run.ts';
import { isStorageClassRight } from './storage-class.ts';

/** `unwanted`: the rule excludes the key, by its tags or because a replicator wrote it. */
export type KeyFinding = 'same' | 'unwanted' | DifferenceKind;

export interface Looked {
  finding: KeyFinding;
  /** For the finding `attributes`: the id of the source version, if there is one; otherwise null. */
  version: string | null;
  /** Why the key could not be checked and therefore counts as different; null: it was checked. */
  reason: Reason | null;
}

/** `attributes`: listings say that all versions are the same, so it is enough to compare the current objects of both sides. */
export type CloserLook = (key: string, how: 'all' | 'attributes') => Promise<Looked>;

/**
 * Throws failures that are worth a retry, and a {@link BlindError} if attributes are not readable at all. Any other failure that a
 * person must fix makes the key a difference: the hint for the key says why.
 */
export const createCloserLook = (
  { rule, destination }: Scope,
  { versions, attributes }: Pick<RunSpec, 'versions' | 'attributes'>,
  { buckets, clock }: { buckets: Buckets; clock: Clock },
): CloserLook => {
  const context = bucketsOf({ rule, destination }, buckets);
  const probe: TagsProbe = { isDone: false };
  const lookAtContent = versions === 'all' ? lookAtHistory : lookAtCurrent;

  /** Null: the replica does not hold the current source version, or one side has no current object. */
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
      if (how === 'attributes') {
        const seen = await lookAtAttributes(task);
        if (seen !== null) return seen;
      }
      const found = await lookAtContent(task, context);
      if (found === 'missing' && !(await wouldBeReplicated(task, context))) return looked('unwanted');
      const hasMore = found === 'same' && (attributes === 'all' || destination.storageClass !== null);
      return (hasMore ? await lookAtAttributes(task) : null) ?? looked(found);
    } catch (error) {
      if (error instanceof BlindError) throw error;
      if (error instanceof ReplicationError && error.disposition === 'quarantine')
        return { ...looked('different'), reason: error.reason };
      throw error;
    }
  };
};

/** A finding with no further details. */
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
  // If deletes are not replicated, a key that is deleted at the source stays unchanged at the destination.
  const located = await locate(task, context, { shown, items, quick: false });
  if (located === null || !located.isShown || located.position < items.length - 1) return 'different';
  const isVersioned = replicas.some(({ versionId }) => versionId !== 'null');
  if (!isVersioned) return 'same';
  const keys = { source: task.key, replica: replicaKey };
  return await lookWithin(withoutFirstMarker(items), withoutFirstMarker(replicas), keys, context);
};

/** A marker with nothing before it has nothing to delete, so it is never replicated. */
const withoutFirstMarker = <E extends HistoryEntry>(entries: E[]): E[] =>
  entries[0]?.kind === 'marker' ? entries.slice(1) : entries;

/** Maximum number of versions whose content is compared one by one; for further versions the sizes decide. */
const MAX_VERSIONS = 20;

/** Does the destination have all of the source's states in order? Compares sizes, and the content if the ETags differ. */
const lookWithin = async (
  items: HistoryEntry[],
  replicas: HistoryEntry[],
  keys: { source: string; replica: string },
  { source, destination }: BothBuckets,
): Promise<KeyFinding> => {
  let looks = 0;
  let differing = 0;
  /** Encryption and part layout change ETags; only HEAD requests to both sides show whether the content differs. */
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

/** Would a missing key be replicated? */
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
