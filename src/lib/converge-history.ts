/**
 * `versions: all`: the destination goes through every state of the source, oldest first. What it has to go through still is
 * what follows, in the source's own listing, the version that it shows.
 *
 * The source may be listed before the destination is looked at only where that cannot mistake an old list for a new one: the
 * replica shown is in the list, or there is none.
 */
import type { Copied } from './copy-request.ts';
import { SMALL_OBJECT_BYTES } from './copy.ts';
import { ReplicationError } from './errors.ts';
import type { Current, HistoryEntry, ObjectState } from './ports.ts';
import { partsInEtag } from './proof.ts';
import { type Item, itemsOf } from './history.ts';
import { locate, type Located } from './locate-replica.ts';
import { close, openVersion, type SourceLook } from './source-look.ts';
import {
  type Convergence,
  type ConvergeContext,
  MAX_ROUNDS,
  mayRemove,
  type PassedOver,
  placeOf,
  restAfterRace,
  type Work,
} from './work.ts';
import { writeVersion } from './write-version.ts';

/** What was done so far, over all rounds. */
interface Tally {
  last: { version: ObjectState; copied: Copied } | null;
  copies: number;
  bytes: number;
  deleted: { replicaVersion: string | null } | null;
  passedOver: PassedOver[];
  left: 'filtered' | 'replica' | null;
}

export const convergeHistory = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
): Promise<Convergence> => {
  const tally: Tally = { last: null, copies: 0, bytes: 0, deleted: null, passedOver: [], left: null };
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
    const position = located.isShown ? located.position : Math.min(located.position, items.length - 2);
    const requested = await writeFrom(work, context, replicaKey, items, position + 1, located.shown, tally);
    if (requested) return { outcome: 'restore-requested' };
    if (!(await isStillNewest(context, work.key, newest))) return null;
    return (
      concluded(tally) ?? {
        outcome: 'unchanged',
        sourceVersion: newest.versionId,
        replica: located.shown,
        passedOver: tally.passedOver,
      }
    );
  } catch (error) {
    if (error instanceof ReplicationError && error.reason === 'lost-race') return null;
    throw error;
  }
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
  const isSmall = only?.kind === 'version' && only.sizeBytes <= SMALL_OBJECT_BYTES;
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

/** Writes the items from `start` on, each on condition that the destination shows the one before. True: a restore was asked for. */
const writeFrom = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
  items: Item[],
  start: number,
  found: Located['shown'],
  tally: Tally,
): Promise<boolean> => {
  let shown = found;
  for (const [index, item] of items.entries()) {
    if (index < start) continue;
    if (item.kind === 'marker') {
      if (shown === null || !shown.mayRemove) continue;
      const { versionId } = await context.destination.remove({ key: replicaKey, etag: shown.etag });
      tally.deleted = { replicaVersion: versionId };
      shown = null;
      continue;
    }
    const isLast = items.findLastIndex(({ kind }) => kind === 'version') === index;
    const outcome = await writeItem(work, context, replicaKey, item, shown, isLast);
    if (outcome === 'restore-requested') return true;
    if (outcome === 'gone') continue;
    if (outcome === 'filtered' || outcome === 'replica') tally.left = outcome;
    else if ('reason' in outcome) tally.passedOver.push(outcome);
    else {
      tally.last = outcome;
      tally.copies += 1;
      tally.bytes += outcome.version.sizeBytes;
      tally.deleted = null;
      shown = { ...outcome.copied.written, mayRemove: true };
    }
  }
  return false;
};

type ItemOutcome =
  | { version: ObjectState; copied: Copied }
  | PassedOver
  | 'filtered'
  | 'replica'
  /** It expired, or was deleted for good. */
  | 'gone'
  | 'restore-requested';

const writeItem = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
  item: Extract<Item, { kind: 'version' }>,
  shown: Located['shown'],
  isLast: boolean,
): Promise<ItemOutcome> => {
  let look: SourceLook | null = null;
  try {
    look = await lookAtItem(work, context, item);
    if (look === null) return 'gone';
    // The null version was written again: it is a newer state than its place in the list says.
    if (look.version.etag !== item.etag) throw new ReplicationError('lost-race', 'the version was replaced');
    const { version } = look;
    const outcome = await writeVersion(work, context, replicaKey, look, shown);
    return typeof outcome === 'string' ? outcome : { version, copied: outcome };
  } catch (error) {
    return await unreadable(work, context, item, isLast, error);
  } finally {
    if (look !== null) close(look);
  }
};

const lookAtItem = async (
  work: Work,
  context: ConvergeContext,
  { versionId, etag }: Extract<Item, { kind: 'version' }>,
): Promise<SourceLook | null> => {
  // Read part by part: the GET of the whole would be of no use.
  if (partsInEtag(etag) === null) return await openVersion(context, work.key, versionId);
  const version = await context.source.head(work.key, versionId);
  return version === null ? null : { version, opened: null };
};

/**
 * A version nobody can read would keep all that is newer from being replicated. It is passed over, and reported as missing;
 * the newest one is not, and neither is one that the rule has restored.
 */
const unreadable = async (
  { rule, key }: Work,
  { source }: ConvergeContext,
  { versionId }: { versionId: string },
  isLast: boolean,
  error: unknown,
): Promise<PassedOver | 'restore-requested'> => {
  if (!(error instanceof ReplicationError)) throw error;
  const { reason } = error;
  if (reason === 'archived' && rule.restore !== null) {
    await source.restore(key, versionId, rule.restore);
    return 'restore-requested';
  }
  if (isLast || (reason !== 'archived' && reason !== 'sse-c')) throw error;
  return { versionId, reason };
};

/** The fresh look: is the newest entry of the list still what the key shows? */
const isStillNewest = async (
  { source }: ConvergeContext,
  key: string,
  newest: HistoryEntry,
): Promise<boolean> => {
  const now = await source.look(key);
  if (now.kind === 'marker') return newest.kind === 'marker' && now.versionId === newest.versionId;
  if (now.kind === 'absent' || newest.kind === 'marker') return false;
  const { versionId, etag, lastModifiedMs } = now.state;
  const seconds = (ms: number): number => Math.floor(ms / 1_000);
  return (
    (versionId ?? 'null') === newest.versionId &&
    etag === newest.etag &&
    (newest.versionId !== 'null' || seconds(lastModifiedMs) === seconds(newest.lastModifiedMs))
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
  return now.kind === 'object' ? null : { outcome: 'deleted', replicaVersion: versionId, passedOver: [] };
};

/** What was done; null: nothing. */
const concluded = ({ last, copies, bytes, deleted, passedOver, left }: Tally): Convergence | null => {
  if (last !== null) return { outcome: 'replicated', ...last, copies, bytes, passedOver };
  if (deleted !== null) return { outcome: 'deleted', ...deleted, passedOver };
  return left !== null && passedOver.length === 0 ? { outcome: left } : null;
};
