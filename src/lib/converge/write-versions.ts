/** Writes what a destination has to go through still, oldest first, in one round of `convergeHistory`. */
import type { Work } from '../model/work.ts';
import type { Copied } from '../copy/request.ts';
import { ReplicationError } from '../model/errors.ts';
import type { Item } from '../replica/history.ts';
import type { ObjectState } from '../model/ports.ts';
import { partsInEtag } from '../replica/proof.ts';
import { close, openVersion, type SourceLook } from './source-look.ts';
import type { Convergence, ConvergeContext, PassedOver, Shown } from './convergence.ts';
import { writeVersion } from './write-version.ts';

/** What was done so far, over all rounds. */
export interface Tally {
  last: { version: ObjectState; copied: Copied } | null;
  copies: number;
  bytes: number;
  deleted: { replicaVersion: string | null } | null;
  /** Their version ids. */
  passedOver: Set<string>;
  left: 'filtered' | 'replica' | null;
}

/** What the destination shows, as far as the next write needs to know. */
type WrittenOver = (Shown & { mayRemove: boolean }) | null;

/**
 * Writes the items from `start` on, each on condition that the destination shows the one before. What keeps the rest from being
 * written for now; null: nothing.
 */
export const writeFrom = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
  items: Item[],
  start: number,
  found: WrittenOver,
  tally: Tally,
): Promise<Pending | null> => {
  let shown: WrittenOver = found;
  for (const [index, item] of items.entries()) {
    if (index < start) continue;
    if (item.kind === 'marker') {
      if (shown === null || !shown.mayRemove) continue;
      const { versionId } = await context.destination.remove({ key: replicaKey, etag: shown.etag });
      tally.deleted = { replicaVersion: versionId };
      shown = null;
      continue;
    }
    const isLast = index === items.length - 1;
    const outcome = await writeItem(work, context, replicaKey, item, shown, isLast);
    if (outcome === 'restore-requested' || outcome === 'transferring') return outcome;
    if (outcome === 'gone') continue;
    if (outcome === 'filtered' || outcome === 'replica') tally.left = outcome;
    else if ('reason' in outcome) {
      if (!tally.passedOver.has(item.versionId)) await context.passOver(outcome);
      tally.passedOver.add(item.versionId);
    } else {
      tally.last = outcome;
      tally.copies += 1;
      tally.bytes += outcome.version.sizeBytes;
      tally.deleted = null;
      shown = { ...outcome.copied.written, mayRemove: true };
    }
  }
  return null;
};

/** A version that is on its way; the newer ones wait for it. */
type Pending = 'restore-requested' | 'transferring';

type ItemOutcome =
  | { version: ObjectState; copied: Copied }
  | PassedOver
  | 'filtered'
  | 'replica'
  /** It expired, or was deleted for good. */
  | 'gone'
  | Pending;

const writeItem = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
  item: Extract<Item, { kind: 'version' }>,
  shown: WrittenOver,
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
  const way = context.serverSide.way(work.rule, work.destination);
  if (partsInEtag(etag) === null) return await openVersion(context, work.key, versionId, way);
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

/** What was done; null: nothing. */
export const concluded = ({ last, copies, bytes, deleted, passedOver, left }: Tally): Convergence | null => {
  if (last !== null) return { outcome: 'replicated', ...last, copies, bytes, newer: null };
  if (deleted !== null) return { outcome: 'deleted', ...deleted };
  return left !== null && passedOver.size === 0 ? { outcome: left } : null;
};
