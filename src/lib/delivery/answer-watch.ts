/**
 * Watches the calls that wait for an answer of a destination. An execution environment that waits for a second says so in the shared
 * record of the circuits. Its calls to a destination are aborted when the circuit of the destination opens, or if the share of the slots that
 * may wait is taken when it says so.
 */
import type { AnswerWatch } from '../model/ports.ts';
import { circuitName } from '../model/rule.ts';
import { isShareTaken, type KnownCircuits } from './circuits.ts';
import type { Origin } from './retry.ts';

/**
 * How long a call may wait for an answer before the environment says so. Until then nobody knows of it, so that a destination that begins to
 * hang may occupy more than its share for this long.
 */
export const HANGING_MS = 1_000;
/** How often the environment says so again. */
const REPEAT_MS = 5_000;
/** How long others believe it. */
const BELIEVED_MS = 12_000;

export interface EnvironmentWatch {
  /** `pool` is the queue of the invocation; null: its calls are neither reported nor aborted. */
  forPool(pool: Origin | null): AnswerWatch;
  /** Resolves when the record is written. Called at the end of an invocation, because a frozen environment writes nothing. */
  flush(): Promise<void>;
}

export const watchAnswers = (known: KnownCircuits): EnvironmentWatch => {
  const { store, clock, environment, after } = known.setting;
  const aborts = new Map<string, AbortController>();
  const overdue = new Set<object>();
  let writes: Promise<unknown> = Promise.resolve();
  const write = (begin: () => Promise<unknown>): void => void (writes = writes.then(begin));
  const abortCalls = (name: string): void => {
    const abort = aborts.get(name);
    aborts.delete(name);
    abort?.abort();
  };
  known.listen(({ open }) => {
    for (const name of aborts.keys()) if (open.has(name)) abortCalls(name);
  });
  /** The record counts the environments in the order in which they say so. One that finds the share taken gives its slot back. */
  const hang = async (name: string, pool: Origin, isFirst: boolean): Promise<void> => {
    const untilMs = clock.now() + BELIEVED_MS;
    const record = await known.change(store.hang(environment, { destination: name, pool, untilMs }));
    if (isFirst && record !== null && isShareTaken(pool, record, known.setting)) abortCalls(name);
  };
  const watch = (pool: Origin): AnswerWatch => ({
    begin(destination, { afterMs = 0 } = {}) {
      const name = circuitName(destination);
      const abort = aborts.get(name) ?? new AbortController();
      aborts.set(name, abort);
      const call = {};
      const say = (isFirst: boolean): void => {
        overdue.add(call);
        write(() => hang(name, pool, isFirst));
        cancel = after(REPEAT_MS, () => say(false));
      };
      let cancel = after(HANGING_MS + afterMs, () => say(true));
      return {
        signal: abort.signal,
        end() {
          cancel();
          if (overdue.delete(call) && overdue.size === 0)
            write(() => known.change(store.answered(environment)));
        },
      };
    },
  });
  return {
    forPool: (pool) => (pool === null ? UNWATCHED : watch(pool)),
    flush: async () => void (await writes),
  };
};

const UNWATCHED: AnswerWatch = {
  begin: () => ({ signal: new AbortController().signal, end: () => undefined }),
};
