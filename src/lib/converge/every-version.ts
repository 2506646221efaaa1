/**
 * `versions: all`: the destination goes through every state of the source, oldest first. What it has to go through still is
 * what follows, in the source's own listing, the version that it shows.
 *
 * The source may be listed before the destination is looked at only where that cannot mistake an old list for a new one: the
 * replica shown is in the list, or there is none.
 */
import type { Work } from '../model/work.ts';
import { ReplicationError } from '../model/errors.ts';
import type { Current, HistoryEntry, ObjectState } from '../model/ports.ts';
import { type Item, itemsOf } from '../replica/history.ts';
import { sameState } from '../replica/same-state.ts';
import { locate, type Located } from './locate-replica.ts';
import { identityOf, names, namesOneState, sameSecond, stampOn } from '../replica/stamp.ts';
import { syncShown } from './attributes/sync.ts';
import {
  type Convergence,
  type ConvergeContext,
  MAX_ROUNDS,
  mayRemove,
  placeOf,
  restAfterRace,
  TRIED_AS_NEW_BYTES,
} from './convergence.ts';
import { concluded, type Tally, writeFrom } from './write-versions.ts';

export const convergeHistory = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
): Promise<Convergence> => {
  const tally: Tally = { last: null, copies: 0, bytes: 0, deleted: null, passedOver: new Set(), left: null };
  let fruitless = 0;
  for (let round = 1; fruitless < MAX_ROUNDS; round++) {
    const before = tally.copies;
    const ended = await oneRound(work, context, replicaKey, tally, round === 1);
    if (ended !== null) return ended;
    // A key that is written faster than it is read still goes ahead.
    fruitless = tally.copies > before ? 0 : fruitless + 1;
    if (fruitless > 0) await restAfterRace(context, fruitless);
  }
  throw new ReplicationError('lost-race', `the object kept changing through ${MAX_ROUNDS} looks`);
};

/** Null: look again. */
const oneRound = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
  tally: Tally,
  isFirst: boolean,
): Promise<Convergence | null> => {
  try {
    const look = await lookAtBoth(work, context, replicaKey, isFirst);
    const { history, items, located } = look;
    const newest = history[0];
    if (newest === undefined) return await nothingLeft(work, context, replicaKey, look.shown, tally);
    await syncLocated(work, context, replicaKey, look);
    const position = located.isShown ? located.position : Math.min(located.position, items.length - 2);
    const pending = await writeFrom(work, context, replicaKey, items, position + 1, located.shown, tally);
    if (pending !== null) return unfinished(pending, tally);
    const now = await context.source.look(work.key);
    if (!isStillNewest(now, newest, tally.last?.version ?? null)) return null;
    const done = concluded(tally);
    if (done !== null) return done;
    await syncLateTags(work, context, replicaKey, now, located.shown);
    return { outcome: 'unchanged', sourceVersion: newest.versionId, replica: located.shown };
  } catch (error) {
    if (error instanceof ReplicationError && error.reason === 'lost-race') return null;
    throw error;
  }
};

/** What was written before the newer ones had to wait is not to be forgotten. */
const unfinished = (pending: 'restore-requested' | 'transferring', tally: Tally): Convergence => {
  const done = concluded(tally);
  return pending === 'transferring' && done?.outcome === 'replicated'
    ? { ...done, newer: pending }
    : { outcome: pending };
};

/** What is shown may have been written by somebody who died before giving it all that travels with it. */
const syncLocated = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
  { items, located: { position, isShown, shown } }: BothSides,
): Promise<void> => {
  const item = items[position];
  if (!isShown || shown === null || item?.kind !== 'version') return;
  const stamp = stampOn(shown, placeOf(work, replicaKey));
  // It is the replica of a newer version, which is gone from the source.
  if (stamp !== null && stamp.identity !== identityOf(item)) return;
  if (stamp !== null && namesOneState(item) && work.rule.acl === 'ignore') return;
  const version = await context.source.head(work.key, item.versionId);
  if (version === null || identityOf(version) !== identityOf(item)) return;
  await syncShown(work, context, replicaKey, version, shown);
};

/** The same for tags that had no room beside the content; the fresh look counts them, so that asking costs nothing. */
const syncLateTags = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
  now: Current,
  shown: Located['shown'],
): Promise<void> => {
  if (now.kind !== 'object' || shown === null || now.state.tagCount === shown.tagCount) return;
  const stamp = stampOn(shown, placeOf(work, replicaKey));
  if (stamp !== null && names(stamp, now.state)) await syncShown(work, context, replicaKey, now.state, shown);
};

interface BothSides {
  /** Newest first, as S3 lists it. */
  history: HistoryEntry[];
  /** Oldest first, what the destination has to go through. */
  items: Item[];
  located: Located;
  /** Null: the destination was not looked at. */
  shown: Current | null;
}

const lookAtBoth = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
  isFirst: boolean,
): Promise<BothSides> => {
  const list = async () => {
    const history = await context.source.history(work.key);
    return { history, items: itemsOf(history, work.rule.deletes === 'replicate') };
  };
  const first = await list();
  // Fast path: the only version of a key is tried as new, and S3 says if it was not.
  const [only] = first.history;
  const isSmall = only?.kind === 'version' && only.sizeBytes <= TRIED_AS_NEW_BYTES;
  if (isFirst && isSmall && first.history.length === 1 && work.concern === 'content') {
    return { ...first, located: { position: -1, isShown: true, shown: null }, shown: null };
  }
  const shown = await context.destination.look(replicaKey);
  const place = placeOf(work, replicaKey);
  const atOnce = await locate({ shown, items: first.items, place, quick: true }, context, work);
  if (atOnce !== null) return { ...first, located: atOnce, shown };
  const second = await list();
  const located = await locate({ shown, items: second.items, place, quick: false }, context, work);
  if (located === null)
    throw new ReplicationError('lost-race', 'the destination changed while it was listed');
  return { ...second, located, shown };
};

/** The fresh look: is the newest entry of the list still what the key shows? */
const isStillNewest = (now: Current, newest: HistoryEntry, written: ObjectState | null): boolean => {
  if (now.kind === 'marker') return newest.kind === 'marker' && now.versionId === newest.versionId;
  if (now.kind === 'absent' || newest.kind === 'marker') return false;
  const { versionId, etag, lastModifiedMs } = now.state;
  // The null version may be the same but for its attributes, within one second.
  if (written?.etag === etag && !namesOneState(now.state)) return sameState(now.state, written);
  return (
    (versionId ?? 'null') === newest.versionId &&
    etag === newest.etag &&
    (newest.versionId !== 'null' || sameSecond(lastModifiedMs, newest.lastModifiedMs))
  );
};

/** The source has no version of the key any more: only a bucket without versions says by that that it was deleted. */
const nothingLeft = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
  seen: Current | null,
  tally: Tally,
): Promise<Convergence | null> => {
  const gone = concluded(tally) ?? ({ outcome: 'source-gone' } as const);
  if (work.rule.deletes === 'ignore' || !work.absenceIsDeletion) return gone;
  const shown = seen ?? (await context.destination.look(replicaKey));
  if (shown.kind !== 'object' || !mayRemove(work, replicaKey, shown.state)) return gone;
  const { versionId } = await context.destination.remove({ key: replicaKey, etag: shown.state.etag });
  const now = await context.source.look(work.key);
  return now.kind === 'object' ? null : { outcome: 'deleted', replicaVersion: versionId };
};
