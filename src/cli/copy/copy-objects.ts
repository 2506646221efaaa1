/** Copies the keys that differ in this process. Uses `converge`, the same function that handles every hint of a deployment. */
import { contextOf, type PassedOver } from '../../lib/converge/context.ts';
import { converge } from '../../lib/converge/converge.ts';
import type { Convergence } from '../../lib/converge/convergence.ts';
import type { Leftovers } from '../../lib/copy/leftovers.ts';
import { createServerSide } from '../../lib/copy/way.ts';
import type { Hint } from '../../lib/hint/hint.ts';
import { assign, taskOf } from '../../lib/hint/route.ts';
import type { FreshLooks } from './fresh-looks.ts';
import { createBudget } from '../../lib/model/concurrency.ts';
import { asReplicationError, type ReplicationError } from '../../lib/model/errors.ts';
import type { Buckets, Clock } from '../../lib/model/ports.ts';
import type { Reason } from '../../lib/model/reasons.ts';
import type { ReplicationConfiguration } from '../../lib/model/rule.ts';
import { COUNTED_MS, firstOf } from '../../lib/runs/copied-keys.ts';
import { type CopyCounters, nothingCopied } from '../../lib/runs/run.ts';

/** A key or a version that could not be copied. */
export interface CopyFailure {
  key: string;
  /** The version that failed; null if the failure concerns the key. */
  versionId: string | null;
  reason: Reason;
  detail: string;
}

export interface CopyObjects {
  /** Resolves when the work on the key has begun, or when the copy has stopped and the work will not begin. */
  add(hint: Hint): Promise<void>;
  /** Resolves when all work has ended. Throws the failure that stopped the copy. */
  drained(): Promise<void>;
  /** The counters of the work that is done so far. */
  tally: CopyCounters;
}

export interface CopyObjectsOptions {
  configuration: ReplicationConfiguration;
  buckets: Buckets;
  leftovers: Leftovers;
  /** Answers fresh looks with listings. Null if converge takes a fresh look at each key itself. */
  freshLooks: FreshLooks | null;
  concurrency: number;
  clock: Clock;
  /** Aborted by Ctrl-C. After that, no further key is begun. */
  stopped: AbortSignal;
  onFailure(failure: CopyFailure): void;
  onDone(): void;
}

/** How many of the streams an object of at least this size takes. A medium object moves as fast with half as many buffers in memory. */
const STREAMS = [
  { bytes: 8 * 1024 * 1024, streams: 4 },
  { bytes: 512 * 1024, streams: 2 },
  { bytes: 0, streams: 1 },
] as const;

export const createCopyObjects = (options: CopyObjectsOptions): CopyObjects => {
  const { concurrency, stopped } = options;
  const tally = nothingCopied();
  const streams = createBudget(concurrency);
  const running = new Set<Promise<void>>();
  const work: Work = { options, tally, deps: depsOf(options), stop: null };
  return {
    tally,
    async add(hint) {
      const sizeBytes = hint.sizeBytes ?? 0;
      const weight = STREAMS.find(({ bytes }) => sizeBytes >= bytes)?.streams ?? 1;
      await new Promise<void>((begun) => {
        void streams.run(weight, async () => {
          begun();
          if (stopped.aborted || work.stop !== null) return;
          // A copy that has moved its bytes and only waits for a listing lets the next copy begin.
          await new Promise<void>((moved) => {
            const copying = copyKey(work, hint, moved).finally(() => {
              running.delete(copying);
              moved();
            });
            running.add(copying);
          });
        });
      });
      if (work.stop !== null) throw work.stop;
    },
    async drained() {
      await Promise.all(running);
      if (work.stop !== null) throw work.stop;
    },
  };
};

interface Work {
  options: CopyObjectsOptions;
  tally: CopyCounters;
  deps: Parameters<typeof contextOf>[1];
  /** The failure that stops the copy, because every key has failed so far; null if the copy goes ahead. */
  stop: ReplicationError | null;
}

const depsOf = ({ buckets, clock, leftovers }: CopyObjectsOptions): Work['deps'] => ({
  buckets,
  clock,
  // There is no deadline, so the work is never cut short.
  invocation: {
    requestId: 'copy',
    deadlineMs: Infinity,
    fullTimeMs: Infinity,
    bytesUnderWay: 0,
    heldBytes: 0,
  },
  leftovers,
  transfers: null,
  serverSide: createServerSide(clock),
  // Only a deployment has a key for signatures. Copied objects are recognised by their digests instead.
  signer: async () => null,
  versionReceipts: { keep: async () => undefined },
  brake: { admit: async () => true, count: async () => undefined, isClosed: async () => false },
});

/** How often a key is tried. */
const TRIES = 5;
/** How many keys may fail before any key succeeds. */
const MAX_FRUITLESS = 20;

const copyKey = async (work: Work, hint: Hint, moved: () => void): Promise<void> => {
  const { options, tally } = work;
  const beganMs = options.clock.now();
  tally.sent += 1;
  for (let tried = 1; ; tried++) {
    try {
      const convergence = await convergeKey(work, hint, moved);
      count(work, hint.key, { convergence, beganMs });
      options.onDone();
      return;
    } catch (error) {
      if (options.stopped.aborted) return;
      const failure = asReplicationError(error);
      if (failure.disposition === 'retry' && tried < TRIES) {
        tally.tried += 1;
        await options.clock.sleep(500 * 2 ** tried * (0.5 + Math.random() / 2));
        continue;
      }
      fail(work, { key: hint.key, versionId: null }, failure);
      if (tally.done === 0 && tally.failed >= MAX_FRUITLESS) work.stop ??= failure;
      return;
    }
  }
};

/** Resolves to null if the rule does not want the key. */
const convergeKey = async (work: Work, hint: Hint, moved: () => void): Promise<Convergence | null> => {
  const { options, deps } = work;
  const [assignment] = assign(options.configuration, hint);
  if (assignment === undefined) return null;
  const task = taskOf(assignment);
  const passedOver: PassedOver[] = [];
  const context = contextOf(task, deps, async (version) => {
    passedOver.push(version);
  });
  const { freshLooks } = options;
  const convergence = await converge(
    task,
    freshLooks === null
      ? context
      : {
          ...context,
          stillShows(key, version) {
            moved();
            return freshLooks.stillShows(key, version);
          },
        },
  );
  for (const { versionId, error } of passedOver) fail(work, { key: hint.key, versionId }, error);
  return convergence;
};

const count = (
  { options, tally }: Work,
  key: string,
  { convergence, beganMs }: { convergence: Convergence | null; beganMs: number },
): void => {
  const nowMs = options.clock.now();
  const minute = minuteOf(tally, nowMs);
  tally.done += 1;
  minute.done += 1;
  if (convergence === null) return;
  const { outcome } = convergence;
  tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1;
  if (convergence.outcome !== 'replicated') return;
  const { copies, bytes } = convergence;
  tally.copies += copies;
  tally.bytes += bytes;
  minute.bytes += bytes;
  const copied = { key, bytes, durationMs: nowMs - beganMs };
  tally.largest = firstOf([...tally.largest, copied], 'bytes');
  tally.slowest = firstOf([...tally.slowest, copied], 'durationMs');
};

const minuteOf = ({ minutes }: CopyCounters, nowMs: number): CopyCounters['minutes'][number] => {
  const minuteMs = Math.floor(nowMs / COUNTED_MS) * COUNTED_MS;
  const last = minutes.at(-1);
  if (last?.minuteMs === minuteMs) return last;
  const next = { minuteMs, done: 0, bytes: 0, failed: 0 };
  minutes.push(next);
  return next;
};

const fail = (
  { options, tally }: Work,
  failed: Pick<CopyFailure, 'key' | 'versionId'>,
  { reason, message }: ReplicationError,
): void => {
  tally.failed += 1;
  minuteOf(tally, options.clock.now()).failed += 1;
  tally.examples[reason] ??= failed.key;
  tally.reasons[reason] = (tally.reasons[reason] ?? 0) + 1;
  options.onFailure({ ...failed, reason, detail: message });
};
