/**
 * The brake against mass deletes and overwrites. There is one for each destination of a rule. The brake closes when more changes were
 * made within the window than its settings allow. While the brake is closed, a change that would hide or destroy a replica is held: the
 * replica stays, and the key is on a list until an operator releases it (`s3-replicator brake release`).
 */
import type { BrakeSettings } from './rule.ts';
import type { Task } from './task.ts';

/** The brake as converge uses it. */
export interface Brake {
  /**
   * Called before a delete that leaves the key without an object, or before an overwrite that destroys the earlier content. If the change
   * may be made, counts it and resolves to true. Otherwise puts the key on the list of held keys and resolves to false.
   */
  admit(task: Task, change: 'delete' | 'overwrite'): Promise<boolean>;
  /** Counts a change that is made even if the brake is closed. */
  count(task: Task, change: 'delete' | 'overwrite'): Promise<void>;
  isClosed(task: Task): Promise<boolean>;
}

/** The changes that are counted. `expirations` are deletes that S3 Lifecycle caused. */
export type Counts = Record<'deletes' | 'expirations' | 'overwrites', number>;

/** The record of one brake, which all execution environments share. Times are in milliseconds since the epoch. */
export interface BrakeRecord {
  /** The changes of each slot, by the start of the slot. */
  slots: ReadonlyMap<number, Counts>;
  closed: { sinceMs: number; why: string } | null;
  /** The number of keys that the last backfill or verify of the whole rule counted; null: no such run has ended yet. */
  keys: number | null;
  /** Keys that were held at this time or earlier are released. */
  releasedMs: number;
  /** The action for the released keys that are still on the list; null: no action. */
  releasing: Release | null;
}

/** `pass-on`: each key is converged once more. `keep`: the replicas stay, and the keys are forgotten. */
export type Release = 'pass-on' | 'keep';

/** A key on the list. */
export interface HeldKey {
  key: string;
  heldMs: number;
  change: 'delete' | 'overwrite';
  /** The kind of hint that causes the change. */
  kind: string;
  /** When the hint for the released key was sent; null: not yet. */
  sentMs: number | null;
}

/** The part of the store that execution environments use. A brake is named by {@link brakeName}. */
export interface BrakeStore {
  load(name: string): Promise<BrakeRecord>;
  /** Adds to the slot, and removes the slots in `old`. Resolves to the record after that. */
  count(name: string, slotMs: number, counts: Counts, old: readonly number[]): Promise<BrakeRecord>;
  close(name: string, closed: NonNullable<BrakeRecord['closed']>): Promise<BrakeRecord>;
  hold(name: string, held: Omit<HeldKey, 'sentMs'>): Promise<void>;
  /** Resolves to the time when the key was held; null: it is not on the list. */
  heldMs(name: string, key: string): Promise<number | null>;
}

/** The part of the store that the schedule and operators use. */
export interface BrakeLedger {
  /** The records of all brakes that were ever used, by name. */
  all(): Promise<ReadonlyMap<string, BrakeRecord>>;
  /** The keys on the list, in the order of their UTF-8 bytes. */
  held(name: string): AsyncIterable<HeldKey>;
  /** Opens the brake, removes its counts, and releases the keys that were held at `untilMs` or earlier. */
  release(name: string, record: BrakeRecord, release: { untilMs: number; how: Release }): Promise<void>;
  /**
   * Remembers that the hint for the released key was sent. The key leaves the list after a month. A key that was held again in the
   * meantime stays.
   */
  sent(name: string, held: HeldKey, nowMs: number): Promise<void>;
  forget(name: string, held: HeldKey): Promise<void>;
  /** Called when all keys that were released at `releasedMs` were processed. */
  released(name: string, releasedMs: number): Promise<void>;
  /** Stores the number of keys that a backfill or verify of the whole rule has counted. */
  counted(name: string, keys: number): Promise<void>;
}

export const NO_COUNTS: Counts = { deletes: 0, expirations: 0, overwrites: 0 };

export const UNUSED_BRAKE: BrakeRecord = {
  slots: new Map(),
  closed: null,
  keys: null,
  releasedMs: 0,
  releasing: null,
};

export const brakeName = ({ rule, destination }: { rule: { id: string }; destination: { id: string } }) =>
  `${rule.id}/${destination.id}`;

/**
 * How many slots a window has. The oldest slot counts as a whole, so the window may be longer by up to one slot, but is never
 * shorter.
 */
const SLOTS = 4;

export const slotOf = ({ windowMinutes }: BrakeSettings, nowMs: number): number => {
  const lengthMs = (windowMinutes * 60_000) / SLOTS;
  return Math.floor(nowMs / lengthMs) * lengthMs;
};

/** Returns the starts of the slots that have left the window. */
export const oldSlots = (settings: BrakeSettings, { slots }: BrakeRecord, nowMs: number): number[] => {
  const lengthMs = (settings.windowMinutes * 60_000) / SLOTS;
  return [...slots.keys()].filter((slotMs) => slotMs + lengthMs <= nowMs - settings.windowMinutes * 60_000);
};

/** Adds up the counts within the window, and the `pending` counts, which are not in the record yet. */
export const countsIn = (
  settings: BrakeSettings,
  record: BrakeRecord,
  pending: Counts,
  nowMs: number,
): Counts => {
  const sum = { ...pending };
  const old = new Set(oldSlots(settings, record, nowMs));
  for (const [slotMs, counts] of record.slots) {
    if (old.has(slotMs)) continue;
    sum.deletes += counts.deletes;
    sum.expirations += counts.expirations;
    sum.overwrites += counts.overwrites;
  }
  return sum;
};

/**
 * How many deletes are always allowed, even if they are a large share of the keys. So the clean-up of a small bucket does not close
 * the brake.
 */
const SHARE_FROM = 100;

/** Returns how many deletes may be made within the window. */
const deletesAllowed = ({ deletes, deletesPercent }: BrakeSettings, keys: number | null): number =>
  keys === null
    ? deletes
    : Math.min(deletes, Math.max(SHARE_FROM, Math.floor((keys * deletesPercent) / 100)));

/** Returns why the brake has to close, or null if it stays open. */
export const excessIn = (
  settings: BrakeSettings,
  counts: Counts,
  { keys }: Pick<BrakeRecord, 'keys'>,
): string | null => {
  const allowed: Counts = { ...settings, deletes: deletesAllowed(settings, keys) };
  for (const name of ['deletes', 'expirations', 'overwrites'] as const) {
    if (counts[name] <= allowed[name]) continue;
    return `${counts[name]} ${name} within ${settings.windowMinutes} minutes, ${allowed[name]} are allowed`;
  }
  return null;
};
