/**
 * Watches the calls that wait for a destination to answer. An execution environment that has waited for a second reports this in
 * the shared record of the circuits. It aborts its calls to a destination when the circuit of the destination opens. It also
 * aborts them if its report shows that as many other environments wait as are allowed to.
 */
import type { AnswerWatch } from '../model/ports.ts';
import { circuitName } from '../model/rule.ts';
import { isShareTaken, type KnownCircuits } from './circuits.ts';
import type { Origin } from './retry.ts';

/**
 * How long a call may wait for an answer before its environment reports the wait. Before that, no other environment knows of the
 * wait, so more invocations than allowed may wait for a destination that begins to hang.
 */
export const HANGING_MS = 1_000;
/** How long after a report the environment reports the wait again. */
const REPEAT_MS = 5_000;
/** How long a report counts for other environments. */
const BELIEVED_MS = 12_000;

export interface EnvironmentWatch {
  /**
   * Returns the watch for the calls of one invocation. `pool` is the queue of the invocation; null: its calls are neither
   * reported nor aborted.
   */
  forPool(pool: Origin | null): AnswerWatch;
  /** Resolves when the record is written. Called at the end of an invocation, because a frozen environment writes nothing. */
  flush(): Promise<void>;
}

export const watchAnswers = (known: KnownCircuits): EnvironmentWatch => {
  const { store, clock, environment, after } = known.setting;
  /** The calls under way by destination, each as the function that aborts it. */
  const underWay = new Map<string, Set<() => void>>();
  const overdue = new Set<() => void>();
  let writes: Promise<unknown> = Promise.resolve();
  const write = (begin: () => Promise<unknown>): void => void (writes = writes.then(begin));
  const abortCalls = (name: string): void => {
    const aborts = underWay.get(name) ?? [];
    underWay.delete(name);
    for (const abort of aborts) abort();
  };
  known.listen(({ open }) => {
    for (const name of underWay.keys()) if (open.has(name)) abortCalls(name);
  });
  /**
   * Reports the wait. The record counts the environments in the order of their reports. If the first report of this environment
   * finds that the share is taken, the environment aborts its calls to the destination.
   */
  const hang = async (name: string, pool: Origin, isFirst: boolean): Promise<void> => {
    const untilMs = clock.now() + BELIEVED_MS;
    const record = await known.change(store.hang(environment, { destination: name, pool, untilMs }));
    if (isFirst && record !== null && isShareTaken(pool, record, known.setting)) abortCalls(name);
  };
  const watch = (pool: Origin): AnswerWatch => ({
    begin(destination, { afterMs = 0, abort }) {
      const name = circuitName(destination);
      const calls = underWay.get(name) ?? new Set();
      underWay.set(name, calls.add(abort));
      const say = (isFirst: boolean): void => {
        overdue.add(abort);
        write(() => hang(name, pool, isFirst));
        cancel = after(REPEAT_MS, () => say(false));
      };
      let cancel = after(HANGING_MS + afterMs, () => say(true));
      return {
        end() {
          cancel();
          calls.delete(abort);
          if (overdue.delete(abort) && overdue.size === 0)
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
  begin: () => ({ end: () => undefined }),
};
