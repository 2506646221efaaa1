/**
 * Watches the calls that wait for an answer of a destination. An execution environment that waits for some seconds says so in the shared
 * record of the circuits. When the circuit of a destination opens, its calls are aborted.
 */
import type { AnswerWatch } from '../model/ports.ts';
import { circuitName } from '../model/rule.ts';
import type { KnownCircuits } from './circuits.ts';
import type { Origin } from './retry.ts';

/** How long a call may wait for an answer before the environment says so. */
export const HANGING_MS = 3_000;
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
  known.listen(({ open }) => {
    for (const [name, abort] of aborts) {
      if (!open.has(name)) continue;
      aborts.delete(name);
      abort.abort();
    }
  });
  const watch = (pool: Origin): AnswerWatch => ({
    begin(destination, { afterMs = 0 } = {}) {
      const name = circuitName(destination);
      const abort = aborts.get(name) ?? new AbortController();
      aborts.set(name, abort);
      const call = {};
      const say = (): void => {
        overdue.add(call);
        const untilMs = clock.now() + BELIEVED_MS;
        write(() => known.change(store.hang(environment, { destination: name, pool, untilMs })));
        cancel = after(REPEAT_MS, say);
      };
      let cancel = after(HANGING_MS + afterMs, say);
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
