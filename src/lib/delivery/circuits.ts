/**
 * The circuits of the destinations. The circuit of a destination opens after several failures in a row on different keys. While a
 * circuit is open, no attempt is made, and messages wait. All execution environments share one record of the circuits. Each reads it at
 * most once in a few seconds, and writes to it only when a destination fails, hangs or recovers.
 */
import type { Clock } from '../model/ports.ts';
import { ReplicationError, sideOf } from '../model/errors.ts';
import type { Reason } from '../model/reasons.ts';
import { circuitName, type Destination, type RuleDestination } from '../model/rule.ts';
import { lackOf, QUESTIONS, type ServiceAnswers } from '../model/service-answers.ts';
import type { Origin } from './retry.ts';

export interface OpenCircuit {
  sinceMs: number;
  reason: Reason;
  detail: string;
}

/** The shared record. Destinations are named by `circuitName`. Times are in milliseconds since the epoch. */
export interface CircuitRecord {
  open: ReadonlyMap<string, OpenCircuit>;
  /** The destinations that have failed and have not succeeded since then, with the number of keys that failed. */
  suspects: ReadonlyMap<string, { keys: number; sinceMs: number }>;
  /** The invocations that wait for an answer of a destination, by execution environment. */
  hanging: ReadonlyMap<string, Hanging>;
  /** What other S3 services answered when they were probed. */
  services: ReadonlyMap<string, ServiceAnswers>;
}

export interface Hanging {
  destination: string;
  /** The queue of the invocation. */
  pool: Origin;
  untilMs: number;
}

/** Each method except `load` resolves to the record after its change. */
export interface CircuitStore {
  load(): Promise<CircuitRecord>;
  /** Remembers that the key failed. */
  suspect(destination: string, key: string, nowMs: number): Promise<CircuitRecord>;
  open(destination: string, circuit: OpenCircuit): Promise<CircuitRecord>;
  /** Closes the circuit, and forgets the failures. */
  close(destination: string): Promise<CircuitRecord>;
  hang(environment: string, hanging: Hanging): Promise<CircuitRecord>;
  answered(environment: string): Promise<CircuitRecord>;
  /** Keeps the answers of a service. They replace earlier ones. */
  keepAnswers(destination: string, answers: ServiceAnswers): Promise<CircuitRecord>;
}

/** The circuits as one invocation uses them. No method fails if the record cannot be read or written. */
export interface Circuits {
  /**
   * Throws an error with `isAvoided` if the destination is avoided. Throws `unasked-service` if its service was not probed, and
   * `unfit-service` if its service cannot do what the rule needs.
   */
  admit(where: RuleDestination): Promise<void>;
  /** Called after a write to the destination. Closes its circuit. */
  succeeded(destination: Destination): Promise<void>;
  /** Called after a failure. Returns the error with which the piece ends. The error has `isAvoided` if the circuit is open now. */
  failed(where: RuleDestination & { key: string }, error: ReplicationError): Promise<ReplicationError>;
  /** The circuit if it is open. The answer may be a few seconds old. */
  stateOf(destination: Destination): Promise<OpenCircuit | null>;
  /** Removes the entries of crashed invocations from the record. */
  tidy(): Promise<void>;
  /** Resolves when all changes are written. Called at the end of an invocation, because a frozen environment cannot write. */
  flush(): Promise<void>;
}

/** Maximum age of the known record. An attempt with an older record reads it again first. */
export const FRESH_MS = 3_000;
/** How many keys must have failed before a circuit opens. */
export const KEYS_TO_OPEN = 5;
/** How long the failures must have lasted before a circuit opens. During this time every environment can report a success. */
export const SUSPICION_MS = FRESH_MS + 1_000;
/** The share of a queue's concurrent invocations that may wait for destinations to answer. */
export const HANGING_SHARE = 1 / 4;
/** How long an environment remembers that a destination does not deny everything. */
const DENIAL_MS = 60_000;

/** How long the entry of a hanging invocation stays after its `untilMs`. By then the invocation has died. */
const LEFT_BEHIND_MS = 60_000;

interface Setting {
  store: CircuitStore;
  clock: Pick<Clock, 'now'>;
  /** How many invocations may run at once for each queue. */
  slots: Record<Origin, number>;
  /** The id of the execution environment. */
  environment: string;
  /** Calls `callback` after `ms` milliseconds. The returned function cancels the call. */
  after(ms: number, callback: () => void): () => void;
}

/** The record as an execution environment knows it. `listen` is called with every version that is read. */
export interface KnownCircuits {
  setting: Setting;
  current(): Promise<CircuitRecord>;
  change(write: Promise<CircuitRecord>): Promise<CircuitRecord | null>;
  /** The record as it was last seen, without a read. */
  seen(): CircuitRecord;
  listen(listener: (record: CircuitRecord) => void): void;
}

export const NOTHING_KNOWN: CircuitRecord = {
  open: new Map(),
  suspects: new Map(),
  hanging: new Map(),
  services: new Map(),
};

export const knowCircuits = (setting: Setting): KnownCircuits => {
  const { store, clock } = setting;
  const listeners: ((record: CircuitRecord) => void)[] = [];
  let seen = NOTHING_KNOWN;
  let seenMs = -Infinity;
  let loading: Promise<CircuitRecord> | null = null;
  const learn = (record: CircuitRecord): CircuitRecord => {
    seen = record;
    seenMs = clock.now();
    for (const listener of listeners) listener(record);
    return record;
  };
  const load = async (): Promise<CircuitRecord> => {
    try {
      // If the record cannot be read, the record that was seen last is used, because no work may depend on the table.
      return learn(await store.load().catch(() => seen));
    } finally {
      loading = null;
    }
  };
  return {
    setting,
    current: async () => (clock.now() - seenMs < FRESH_MS ? seen : await (loading ??= load())),
    change: async (write) => await write.then(learn, () => null),
    seen: () => seen,
    listen: (listener) => void listeners.push(listener),
  };
};

interface CircuitHelp {
  /** Asks a destination that has denied several keys whether it denies everything. */
  deniesAll(where: RuleDestination): Promise<boolean>;
  flush(): Promise<void>;
}

/** Returns the circuits as one invocation uses them. `pool` is the queue of the invocation; null: it has no queue. */
export const circuitsFor = (
  known: KnownCircuits,
  pool: Origin | null,
  { deniesAll, flush }: CircuitHelp,
): Circuits => {
  const { store, clock } = known.setting;
  const notDenied = new Map<string, number>();
  const stateOf = async (destination: Destination): Promise<OpenCircuit | null> =>
    (await known.current()).open.get(circuitName(destination)) ?? null;

  /** Returns true if the failures so far show that the whole destination fails. */
  const isWhole = async (where: RuleDestination, reason: Reason, record: CircuitRecord): Promise<boolean> => {
    const name = circuitName(where.destination);
    const suspect = record.suspects.get(name);
    if (suspect === undefined || suspect.keys < KEYS_TO_OPEN) return false;
    if (clock.now() - suspect.sinceMs < SUSPICION_MS) return false;
    if (reason !== 'access-denied') return true;
    if ((notDenied.get(name) ?? -Infinity) > clock.now() - DENIAL_MS) return false;
    const denies = await deniesAll(where);
    if (!denies) notDenied.set(name, clock.now());
    return denies;
  };

  return {
    stateOf,
    flush,
    async admit({ rule, destination }) {
      const record = await known.current();
      refuseUnfit({ rule, destination }, record);
      const open = record.open.get(circuitName(destination));
      if (open !== undefined) throw avoided(open.reason, `the destination is avoided: ${open.detail}`);
      if (pool !== null && isCrowded(circuitName(destination), pool, record, known.setting))
        throw avoided('no-answer', 'the destination does not answer, and enough invocations wait for it');
    },
    async succeeded(destination) {
      const name = circuitName(destination);
      const { open, suspects } = known.seen();
      if (open.has(name) || suspects.has(name)) await known.change(store.close(name));
    },
    async failed(where, error) {
      if (error.isAvoided || !belongsToDestination(error)) return error;
      const name = circuitName(where.destination);
      const { open, suspects } = known.seen();
      const isKnown = open.has(name) || (suspects.get(name)?.keys ?? 0) >= KEYS_TO_OPEN;
      const record = isKnown
        ? await known.current()
        : ((await known.change(store.suspect(name, where.key, clock.now()))) ?? known.seen());
      if (!record.open.has(name)) {
        if (!(await isWhole(where, error.reason, record))) return error;
        const { reason, message: detail } = error;
        await known.change(store.open(name, { sinceMs: clock.now(), reason, detail }));
        if (!known.seen().open.has(name)) return error;
      }
      return avoided(error.reason, error.message, error);
    },
    async tidy() {
      for (const [environment, { untilMs }] of (await known.current()).hanging)
        if (untilMs < clock.now() - LEFT_BEHIND_MS) await known.change(store.answered(environment));
    },
  };
};

/**
 * Throws ReplicationError if the service of the destination was never probed, or lacks an ability that the rule needs. Such a
 * service could let an older state replace a newer one without anybody noticing.
 */
export const refuseUnfit = ({ rule, destination }: RuleDestination, { services }: CircuitRecord): void => {
  if (destination.service === null) return;
  const answers = services.get(circuitName(destination));
  if (answers === undefined)
    throw new ReplicationError(
      'unasked-service',
      `nobody has asked the service of ${destination.bucket} yet`,
    );
  const [lacking] = lackOf(answers, rule, destination);
  if (lacking !== undefined)
    throw new ReplicationError(
      'unfit-service',
      `the service of ${destination.bucket} does not do what the rule needs: ${QUESTIONS[lacking]}`,
    );
};

/** The reasons of failures that concern the whole destination. A refusal of one object, key or prefix is not among them. */
const OF_DESTINATION: ReadonlySet<Reason> = new Set([
  'throttled',
  'service-error',
  'connection-lost',
  'no-answer',
  'assume-role-denied',
  'secret-unreadable',
  'no-such-bucket',
  'wrong-bucket-owner',
  'wrong-region',
  // This reason alone does not show that the whole destination fails. An additional request finds out whether the destination
  // denies everything.
  'access-denied',
]);

const belongsToDestination = (error: ReplicationError): boolean =>
  OF_DESTINATION.has(error.reason) && sideOf(error) === 'destination';

const avoided = (reason: Reason, message: string, cause?: ReplicationError): ReplicationError =>
  new ReplicationError(reason, message, { cause, requestId: cause?.requestId ?? null, isAvoided: true });

/** Returns true if other invocations wait for this destination, and no further invocation may wait for any destination. */
const isCrowded = (name: string, pool: Origin, record: CircuitRecord, setting: Setting): boolean =>
  isShareTaken(pool, record, setting) &&
  othersWaiting(pool, record, setting).some(({ destination }) => destination === name);

/** Returns true if as many other invocations wait for destinations as {@link HANGING_SHARE} allows. */
export const isShareTaken = (
  pool: Origin,
  record: CircuitRecord,
  setting: Pick<Setting, 'clock' | 'slots' | 'environment'>,
): boolean =>
  othersWaiting(pool, record, setting).length >= Math.max(1, Math.floor(setting.slots[pool] * HANGING_SHARE));

const othersWaiting = (
  pool: Origin,
  { hanging }: CircuitRecord,
  { clock, environment }: Pick<Setting, 'clock' | 'environment'>,
): Hanging[] =>
  [...hanging].flatMap(([id, entry]) =>
    id !== environment && entry.pool === pool && entry.untilMs > clock.now() ? [entry] : [],
  );
