/**
 * Implements `versions: all`: the destination goes through every state of the source, oldest first. The states that the
 * destination still lacks are those that follow its shown state in the source's listing.
 *
 * A listing of the source that is older than the look at the destination may lack new versions. Such a listing is used only in
 * two cases: if the listing contains the version of the shown replica, or if there is no replica.
 */
import { ReplicationError } from '../model/errors.ts';
import type { Current, HistoryEntry, ObjectState } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { itemsOf } from '../replica/history.ts';
import { sameState } from '../replica/same-state.ts';
import { identityOf, names, namesOneState, replicaPlace, sameSecond, stampOn } from '../replica/stamp.ts';
import { syncShown } from './attributes/sync.ts';
import type { ConvergeContext } from './context.ts';
import type { Convergence } from './convergence.ts';
import { hideReplica } from './hide-replica.ts';
import { convergeLatest } from './latest.ts';
import { coverIn, locate, type Located } from './locate-replica.ts';
import { refuseOthers } from './loop-guard.ts';
import { mayHide } from './ownership.ts';
import { foundBusy, listStack, refuseBusy } from './stack-listing.ts';
import { MAX_ROUNDS, restAfterRace, TRIED_AS_NEW_BYTES } from './protocol.ts';
import { concluded, emptyTally, type Tally, writeMissing } from './write-versions.ts';

export const convergeHistory = async (task: Task, context: ConvergeContext): Promise<Convergence> => {
  refuseBusy(task, context);
  const tally = emptyTally();
  let fruitless = 0;
  for (let round = 1; fruitless < MAX_ROUNDS; round++) {
    const before = tally.copies;
    const convergence = await historyRound(task, context, tally, round === 1);
    if (convergence !== null) return convergence;
    // Progress resets the count of fruitless rounds. A key that is written faster than it can be replicated therefore still
    // advances.
    fruitless = tally.copies > before ? 0 : fruitless + 1;
    if (fruitless > 0) await restAfterRace(context, fruitless);
  }
  throw new ReplicationError('lost-race', `the object kept changing through ${MAX_ROUNDS} rounds`);
};

/** Carries out one round. Resolves to null if another round is needed. */
const historyRound = async (
  task: Task,
  context: ConvergeContext,
  tally: Tally,
  isFirst: boolean,
): Promise<Convergence | null> => {
  let isFar = false;
  try {
    const sides = await lookAtBoth(task, context, isFirst);
    // The destination would not keep the states in between, so they are not written. Otherwise every later hint about a deleted key
    // would write its whole history again.
    if (sides === 'in-place') {
      const latest = await convergeLatest(task, context);
      return latest.outcome === 'unchanged' ? (concluded(tally) ?? latest) : latest;
    }
    const { items, located } = sides;
    isFar = sides.isFar === true;
    const newest = sides.history[0];
    if (newest === undefined) return await nothingLeft(task, context, sides.shown, tally);
    await syncLocated(task, context, sides);
    const position = located.isShown ? located.position : Math.min(located.position, items.length - 2);
    const missing = { items, from: position + 1, shown: located.shown, cover: coverIn(task, located) };
    if (missing.from < items.length) refuseOthers(task, located.shown);
    const pending = await writeMissing(task, context, missing, tally);
    if (pending !== null) return unfinished(pending, tally);
    const now = await context.source.look(task.key);
    if (!isStillNewest(now, newest, tally.last?.version ?? null)) return null;
    const done = concluded(tally);
    if (done !== null) return done;
    await syncLateTags(task, context, now, located.shown);
    return { outcome: 'unchanged', sourceVersion: newest.versionId, replica: located.shown };
  } catch (error) {
    if (!(error instanceof ReplicationError && error.reason === 'lost-race')) throw error;
    if (isFar && tally.copies === 0) throw foundBusy(task, context, error);
    return null;
  }
};

interface BothSides {
  /** The history of the source, newest first, as S3 lists it. */
  history: HistoryEntry[];
  /** The states that the destination has to go through, oldest first. */
  items: HistoryEntry[];
  located: Located;
  /** What the destination shows; null: the round has not looked at the destination. */
  shown: Current | null;
  /** Whether more versions may be missing than the first listing shows. */
  isFar?: boolean;
}

/** Looks at both sides. Resolves to `in-place` if the destination has no history, because a write there replaces the object. */
const lookAtBoth = async (
  task: Task,
  context: ConvergeContext,
  isFirst: boolean,
): Promise<BothSides | 'in-place'> => {
  const listed = (history: HistoryEntry[]): Listed => asListed(task, history);
  const list: Lister = async (until) => listed(await context.source.history(task.key, until));
  let count = 0;
  // A listing that is shared with other hints may be old, which the rules at the top of this file allow. It is not used for a key
  // with many versions, because such a key needs a listing that ends early.
  const before = isFirst ? ((await context.listedBefore?.()) ?? []) : [];
  const isShort = before.length > 0 && before.length < FIRST_ENTRIES;
  const first = isShort ? listed(before) : await list(() => ++count === FIRST_ENTRIES);
  if (count === FIRST_ENTRIES) return await lookAtStack(task, context, first, list);
  // Fast path: the only version of a key is written as if it were new. S3 refuses the write if the destination already has an
  // object.
  const [only] = first.history;
  const isSmall = only?.kind === 'version' && only.sizeBytes <= TRIED_AS_NEW_BYTES;
  if (isFirst && isSmall && first.history.length === 1 && task.concern === 'content') {
    return { ...first, located: { position: -1, isShown: true, shown: null }, shown: null };
  }
  const shown = await context.destination.look(task.replicaKey);
  if (!(await keepsVersions(context, shown, first.items))) return 'in-place';
  const atOnce = await locate(task, context, { shown, items: first.items, quick: true });
  if (atOnce !== null) return { ...first, located: atOnce, shown };
  const second = await list();
  const located = await locate(task, context, { shown, items: second.items, quick: false });
  if (located === null)
    throw new ReplicationError('lost-race', 'the destination changed while it was listed');
  return { ...second, located, shown };
};

interface Listed {
  history: HistoryEntry[];
  items: HistoryEntry[];
}

const asListed = ({ rule }: Task, history: HistoryEntry[]): Listed => ({
  history,
  items: itemsOf(history, rule.deletes === 'replicate'),
});

/** Lists the source as far as the first entry for which `until` is true; left out: all of it. */
type Lister = (until?: (entry: HistoryEntry) => boolean) => Promise<Listed>;

/** How many entries are listed at first. More do not fit into the first page of the adapter. */
const FIRST_ENTRIES = 50;

/**
 * Looks at both sides of a key with many versions. `first` has its newest versions. If the replica proves to hold the version that
 * its stamp names, the listing ends at that version, because no older version is missing. Otherwise everything is listed, after the
 * look at the destination.
 */
const lookAtStack = async (
  task: Task,
  context: ConvergeContext,
  first: Listed,
  list: Lister,
): Promise<BothSides | 'in-place'> => {
  const shown = await context.destination.look(task.replicaKey);
  const stamp = shown.kind === 'object' ? stampOn(shown.state, replicaPlace(task)) : null;
  const isNamed = (entry: HistoryEntry): boolean =>
    stamp !== null && entry.kind === 'version' && names(stamp, entry);
  const isNear = first.history.some(isNamed);
  const listed = isNear ? first : asListed(task, await listStack(task, context, isNamed));
  if (!(await keepsVersions(context, shown, listed.items))) return 'in-place';
  const atOnce = await locate(task, context, { shown, items: listed.items, quick: true });
  if (atOnce?.isShown === true && atOnce.position !== -1)
    return { ...listed, located: atOnce, shown, isFar: !isNear };
  const whole = listed.history.some(isNamed) ? await list() : listed;
  const located = await locate(task, context, { shown, items: whole.items, quick: false });
  if (located === null)
    throw new ReplicationError('lost-race', 'the destination changed while it was listed');
  return { ...whole, located, shown, isFar: !isNear };
};

/**
 * Resolves to false if a write at the destination replaces the object. The bucket itself is asked only if the shown object does not
 * answer this question, and only if there are several states to write.
 */
const keepsVersions = async (
  { destination }: ConvergeContext,
  shown: Current,
  items: HistoryEntry[],
): Promise<boolean> => {
  if (shown.kind === 'absent') return items.length < 2 || (await destination.keepsVersions());
  const id = shown.kind === 'marker' ? shown.versionId : shown.state.versionId;
  // A null version may have been written before versioning was enabled, so the bucket is asked.
  return id !== null && (id !== 'null' || (await destination.keepsVersions()));
};

/**
 * Handles a key without any version at the source. The replica is deleted only if the task declares that the absence of the key
 * is a deletion (see `absenceIsDeletion`).
 */
const nothingLeft = async (
  task: Task,
  context: ConvergeContext,
  seen: Current | null,
  tally: Tally,
): Promise<Convergence | null> => {
  const gone = concluded(tally) ?? ({ outcome: 'source-gone' } as const);
  if (task.rule.deletes === 'ignore' || !task.absenceIsDeletion) return gone;
  const shown = seen ?? (await context.destination.look(task.replicaKey));
  if (shown.kind !== 'object') return gone;
  if (!(await mayHide(task, context, shown.state, { before: [], markedMs: null })))
    return concluded(tally) ?? { outcome: 'not-ours' };
  if (!(await context.brake.admit(task, 'delete'))) return concluded(tally) ?? { outcome: 'held' };
  const { versionId } = await hideReplica(task, context, shown.state);
  const now = await context.source.look(task.key);
  return now.kind === 'object' ? null : { outcome: 'deleted', replicaVersion: versionId };
};

/**
 * Gives the shown replica the tags and grants that it lacks. The invocation that wrote the replica may have died before it wrote
 * its tags and grants.
 */
const syncLocated = async (
  task: Task,
  context: ConvergeContext,
  { items, located: { position, isShown, shown } }: BothSides,
): Promise<void> => {
  const item = items[position];
  if (!isShown || shown === null || item?.kind !== 'version') return;
  const stamp = stampOn(shown, replicaPlace(task));
  // The stamp names a newer version, which is gone from the source.
  if (stamp !== null && stamp.identity !== identityOf(item)) return;
  if (stamp !== null && namesOneState(item) && task.rule.acl === 'ignore') return;
  const version = await context.source.head(task.key, item.versionId);
  if (version === null || identityOf(version) !== identityOf(item)) return;
  await syncShown(task, context, version, shown);
};

/**
 * Returns the outcome if newer versions have to wait. If the newer versions wait for a transfer, the versions that were already
 * written still count as replicated.
 */
const unfinished = (pending: 'restore-requested' | 'transferring', tally: Tally): Convergence => {
  const done = concluded(tally);
  return pending === 'transferring' && done?.outcome === 'replicated'
    ? { ...done, newer: pending }
    : { outcome: pending };
};

/** The fresh look. Returns true if the key still shows the newest entry of the listing. */
const isStillNewest = (now: Current, newest: HistoryEntry, written: ObjectState | null): boolean => {
  if (now.kind === 'marker') return newest.kind === 'marker' && now.versionId === newest.versionId;
  if (now.kind === 'absent' || newest.kind === 'marker') return false;
  const { versionId, etag, lastModifiedMs } = now.state;
  // Two null versions that were written within one second may differ only in their attributes.
  if (written?.etag === etag && !namesOneState(now.state)) return sameState(now.state, written);
  return (
    (versionId ?? 'null') === newest.versionId &&
    etag === newest.etag &&
    (newest.versionId !== 'null' || sameSecond(lastModifiedMs, newest.lastModifiedMs))
  );
};

/**
 * Gives the replica its tags, which may have changed while the content was written. The fresh look has already counted the tags,
 * so objects without tags need no request.
 */
const syncLateTags = async (
  task: Task,
  context: ConvergeContext,
  now: Current,
  shown: Located['shown'],
): Promise<void> => {
  if (now.kind !== 'object' || shown === null || now.state.tagCount + shown.tagCount === 0) return;
  const stamp = stampOn(shown, replicaPlace(task));
  if (stamp !== null && names(stamp, now.state)) await syncShown(task, context, now.state, shown);
};
