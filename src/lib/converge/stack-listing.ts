/**
 * Lists keys with many versions. An execution environment remembers its last listing of such a key, so that the next listing can
 * end where the remembered one began. Otherwise each of a hundred thousand hints about one key would list all versions that are
 * still missing: half of the history on average.
 */
import { ReplicationError } from '../model/errors.ts';
import type { Clock, HistoryEntry, SourceBucket } from '../model/ports.ts';
import type { Task } from '../model/task.ts';

/** The memory of an execution environment: the last key with many versions that it has met. */
export interface KnownStack {
  last: { place: string; entries: HistoryEntry[]; isWhole: boolean; listedMs: number } | null;
  /** The time until which another invocation is assumed to write the versions that the destination lacks; null: none is. */
  busy: { place: string; untilMs: number } | null;
}

export const unknownStack = (): KnownStack => ({ last: null, busy: null });

/** How long another invocation is assumed to be at work. Meanwhile, further hints about the key cost no call. */
const BUSY_MS = 10_000;

interface Context {
  clock: Clock;
  stack?: KnownStack;
}

/**
 * Throws `key-busy` if this execution environment has found a moment ago that another invocation is writing the versions of the
 * key. The hint of a transfer is let through, because the next versions wait for it.
 */
export const refuseBusy = (task: Task, { clock, stack }: Context): void => {
  const busy = stack?.busy ?? null;
  if (task.chain !== null || busy?.place !== replicaOf(task)) return;
  if (clock.now() < busy.untilMs) throw keyBusy();
};

/**
 * Returns the error for a hint that has lost a race while many versions were missing. Versions are written one after the other, so
 * a second invocation cannot help.
 */
export const foundBusy = (
  task: Task,
  { clock, stack }: Context,
  cause: ReplicationError,
): ReplicationError => {
  if (stack !== undefined) stack.busy = { place: replicaOf(task), untilMs: clock.now() + BUSY_MS };
  return keyBusy(cause);
};

const keyBusy = (cause?: ReplicationError): ReplicationError =>
  new ReplicationError('key-busy', 'another invocation writes the versions that the key lacks', { cause });

const replicaOf = ({ rule, destination, key }: Task): string =>
  JSON.stringify([rule.id, destination.id, key]);

/** How long a listing is remembered. Versions that are deleted meanwhile are found to be gone when they are read. */
const REMEMBERED_MS = 5 * 60_000;
/** Maximum number of entries that are remembered. */
const MAX_ENTRIES = 200_000;

type Until = (entry: HistoryEntry) => boolean;

/**
 * Lists the source as far as the first entry for which `until` is true, or further. Entries that are newer than the remembered
 * listing are always listed anew.
 */
export const listStack = async (
  { rule, key }: Pick<Task, 'rule' | 'key'>,
  { source, clock, stack }: Context & { source: SourceBucket },
  until: Until,
): Promise<HistoryEntry[]> => {
  const place = JSON.stringify([rule.id, key]);
  const known = recall(stack, place, clock.now());
  const listedMs = known?.listedMs ?? clock.now();
  const joint = known?.entries[0];
  const fresh = await source.history(key, (entry) => until(entry) || isSame(entry, joint));
  const isJoined = known !== null && isSame(fresh.at(-1), joint);
  const entries = isJoined ? [...fresh.slice(0, -1), ...known.entries] : fresh;
  const isWhole = isJoined ? known.isWhole : !fresh.some(until);
  const isEnough = isWhole || entries.some(until);
  if (stack !== undefined)
    stack.last = isEnough && isLasting(entries) ? { place, entries, isWhole, listedMs } : null;
  return isEnough ? entries : await source.history(key, until);
};

const recall = (stack: KnownStack | undefined, place: string, nowMs: number): KnownStack['last'] => {
  const last = stack?.last ?? null;
  return last?.place === place && nowMs - last.listedMs <= REMEMBERED_MS ? last : null;
};

/**
 * Returns true if a listing can be reused. A listing with the null version cannot, because an overwrite moves the null version to
 * the top.
 */
const isLasting = (entries: HistoryEntry[]): boolean =>
  entries.length <= MAX_ENTRIES && entries.every(({ versionId }) => versionId !== 'null');

const isSame = (one: HistoryEntry | undefined, other: HistoryEntry | undefined): boolean =>
  one !== undefined && one.versionId === other?.versionId && one.kind === other.kind;
