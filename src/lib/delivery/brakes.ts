/**
 * The brakes of all destinations, as one execution environment knows them. Each environment counts its own changes. It adds its counts to
 * the shared record at the end of each batch, or after a few changes. The record that it gets back shows the counts of all environments.
 */
import type { Clock } from '../model/ports.ts';
import {
  type Brake,
  brakeName,
  type BrakeRecord,
  type BrakeStore,
  type Counts,
  countsIn,
  excessIn,
  NO_COUNTS,
  oldSlots,
  slotOf,
  UNUSED_BRAKE,
} from '../model/brake.ts';
import type { BrakeSettings, RuleDestination } from '../model/rule.ts';
import type { Task } from '../model/task.ts';

export interface Brakes extends Brake {
  /** Reads the record and resolves to the reason why the brake is closed; null: the brake is open, or the rule has none. */
  closedOf(where: RuleDestination): Promise<BrakeRecord['closed']>;
  /** Adds the counted changes to the shared record. Never throws. Called at the end of an invocation. */
  flush(): Promise<void>;
}

/**
 * Maximum number of changes of one brake that an environment makes before it adds them to the shared record. This is also how many
 * changes each environment may still make after another one has closed the brake.
 */
export const UNSHARED_CHANGES = 10;
/** Maximum age of the record of a brake. The limit is shorter for a closed brake, because an operator may have released it. */
const OPEN_FRESH_MS = 60_000;
const CLOSED_FRESH_MS = 3_000;

/** One brake as the environment knows it. */
interface Known {
  settings: BrakeSettings;
  record: BrakeRecord;
  seenMs: number;
  /** The counts that are not in the record yet. `pending` counts were not sent. `sent` counts were sent, but no response has come yet. */
  pending: Counts;
  sent: Counts;
  /** The read of the record that is under way; null: none. */
  reading: Promise<void> | null;
  /** The last change of the record that this environment has begun. */
  last: Promise<unknown>;
}

interface Deps {
  store: BrakeStore;
  clock: Pick<Clock, 'now'>;
}

/** Creates the brakes of one execution environment. Call this once for each environment. */
export const createBrakes = (deps: Deps): Brakes => {
  const { store, clock } = deps;
  const brakes = new Map<string, Known>();
  const knownOf = (name: string, settings: BrakeSettings): Known => {
    const known = brakes.get(name) ?? unknown(settings);
    brakes.set(name, known);
    return known;
  };
  /** Counts a change. Resolves to false if the brake is closed. */
  const isCounted = async (task: Task, settings: BrakeSettings, change: keyof Counts): Promise<boolean> => {
    const name = brakeName(task);
    const known = knownOf(name, settings);
    await refresh(name, known, deps);
    if (isClosed(known, clock.now())) return false;
    known.pending[change] += 1;
    const { deletes, expirations, overwrites } = unshared(known);
    const isDue = deletes + expirations + overwrites >= UNSHARED_CHANGES || isClosed(known, clock.now());
    if (isDue) await share(name, known, deps);
    return !isClosed(known, clock.now());
  };
  const isReleased = async (task: Task, settings: BrakeSettings): Promise<boolean> => {
    const name = brakeName(task);
    const known = knownOf(name, settings);
    const heldMs = await store.heldMs(name, task.key);
    if (heldMs === null) return false;
    if (known.record.releasedMs < heldMs) learn(known, await store.load(name), clock.now());
    return heldMs <= known.record.releasedMs;
  };
  return {
    async admit(task, change) {
      const settings = task.rule.brake;
      if (settings === null || (task.released && (await isReleased(task, settings)))) return true;
      if (await isCounted(task, settings, countedAs(task, change))) return true;
      const held = { key: task.key, heldMs: clock.now(), change, kind: kindOf(task) };
      await store.hold(brakeName(task), held);
      return false;
    },
    async count(task, change) {
      if (task.rule.brake === null) return;
      // This method never holds a change, so a failure does not matter. Other environments that see the same changes also count
      // them.
      await isCounted(task, task.rule.brake, countedAs(task, change)).catch(() => undefined);
    },
    async isClosed(task) {
      if (task.rule.brake === null) return false;
      const known = knownOf(brakeName(task), task.rule.brake);
      await refresh(brakeName(task), known, deps);
      return isClosed(known, clock.now());
    },
    async closedOf(where) {
      return where.rule.brake === null ? null : (await store.load(brakeName(where))).closed;
    },
    async flush() {
      const due = [...brakes].filter(([, { pending }]) => Object.values(pending).some((count) => count > 0));
      await Promise.all(due.map(([name, known]) => share(name, known, deps)));
    },
  };
};

const unknown = (settings: BrakeSettings): Known => ({
  settings,
  record: UNUSED_BRAKE,
  seenMs: -Infinity,
  pending: { ...NO_COUNTS },
  sent: NO_COUNTS,
  reading: null,
  last: Promise.resolve(),
});

const learn = (known: Known, record: BrakeRecord, nowMs: number): void => {
  known.record = record;
  known.seenMs = nowMs;
};

const unshared = ({ pending, sent }: Known): Counts => ({
  deletes: pending.deletes + sent.deletes,
  expirations: pending.expirations + sent.expirations,
  overwrites: pending.overwrites + sent.overwrites,
});

const excessOf = (known: Known, nowMs: number): string | null => {
  const { settings, record } = known;
  return excessIn(settings, countsIn(settings, record, unshared(known), nowMs), record);
};

/**
 * Returns true if the brake is closed. The counts can also show this, because the record of the closed brake may not have been
 * written yet.
 */
const isClosed = (known: Known, nowMs: number): boolean =>
  known.record.closed !== null || excessOf(known, nowMs) !== null;

/**
 * Reads the record if it is too old. If the record cannot be read, the last known record is used. Throws if no record is known, because
 * an environment that knows nothing must not replicate a delete.
 */
const refresh = async (name: string, known: Known, { store, clock }: Deps): Promise<void> => {
  const nowMs = clock.now();
  const freshMs = isClosed(known, nowMs) ? CLOSED_FRESH_MS : OPEN_FRESH_MS;
  if (nowMs - known.seenMs < freshMs) return;
  known.reading ??= store
    .load(name)
    .then(
      (record) => learn(known, record, nowMs),
      (error: unknown) => {
        if (known.seenMs === -Infinity) throw error;
        known.seenMs = nowMs;
      },
    )
    .finally(() => (known.reading = null));
  await known.reading;
  await closeIfDue(name, known, { store, clock });
};

/** Adds the pending counts to the shared record, and closes the brake if there are too many. Calls run one after the other. */
const share = async (name: string, known: Known, deps: Deps): Promise<void> => {
  known.last = known.last.then(() => shareNow(name, known, deps));
  await known.last;
};

const shareNow = async (name: string, known: Known, deps: Deps): Promise<void> => {
  const nowMs = deps.clock.now();
  const { settings, record, pending } = known;
  if (Object.values(pending).every((count) => count === 0)) return;
  Object.assign(known, { pending: { ...NO_COUNTS }, sent: pending });
  const old = oldSlots(settings, record, nowMs);
  const after = await deps.store.count(name, slotOf(settings, nowMs), pending, old).catch(() => null);
  // Counts that were not added are added the next time. If only the response was lost, these changes count twice, and the brake
  // may close too early.
  if (after === null) known.pending = unshared(known);
  known.sent = NO_COUNTS;
  if (after === null) return;
  learn(known, after, nowMs);
  await closeIfDue(name, known, deps);
};

/**
 * Closes the brake if the counts demand it. If the record cannot be written, the counts still show each environment that the brake is
 * closed.
 */
const closeIfDue = async (name: string, known: Known, { store, clock }: Deps): Promise<void> => {
  const nowMs = clock.now();
  const why = excessOf(known, nowMs);
  if (why === null || known.record.closed !== null) return;
  const after = await store.close(name, { sinceMs: nowMs, why }).catch(() => null);
  if (after !== null) learn(known, after, nowMs);
};

const countedAs = ({ expired }: Task, change: 'delete' | 'overwrite'): keyof Counts => {
  if (change === 'overwrite') return 'overwrites';
  return expired ? 'expirations' : 'deletes';
};

/** Returns the kind of a hint that causes the same change. The kind decides whether an absent key counts as deleted. */
const kindOf = ({ onlyStamped, absenceIsDeletion }: Task): string => {
  if (onlyStamped) return 'extra';
  return absenceIsDeletion ? 'ObjectRemoved:Delete' : 'hint';
};
