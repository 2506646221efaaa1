import { setTimeout as sleep } from 'node:timers/promises';
import { isThrottled } from './lambda-error.ts';

export interface AsyncInvocations {
  /** Runs an invocation in the background. Repeats it while it is throttled. Retries it up to twice if it fails. */
  submit(run: () => Promise<{ functionError: string | null }>): void;
  /** Drops invocations that wait for another attempt. Resolves when the running invocations have ended. */
  stop(): Promise<void>;
}

/** How long, in milliseconds, Lambda waits before the second and before the third attempt. */
export const DEFAULT_RETRY_DELAYS_MS = [60_000, 120_000];
const THROTTLED_PAUSE_MS = 1000;

/**
 * Runs invocations of type Event, with Lambda's retries.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
export const createAsyncInvocations = (retryDelaysMs: number[]): AsyncInvocations => {
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();

  const pause = (milliseconds: number): Promise<void> =>
    sleep(milliseconds, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);

  const attempt = async (run: () => Promise<{ functionError: string | null }>): Promise<boolean> => {
    while (!stopping.signal.aborted) {
      try {
        return (await run()).functionError === null;
      } catch (error) {
        if (!isThrottled(error)) return false;
        await pause(THROTTLED_PAUSE_MS);
      }
    }
    return false;
  };
  const deliver = async (run: () => Promise<{ functionError: string | null }>): Promise<void> => {
    for (const delayMs of [...retryDelaysMs, 0]) {
      if (stopping.signal.aborted || (await attempt(run))) return;
      await pause(delayMs);
    }
  };
  return {
    submit: (run) => {
      const delivery = deliver(run).finally(() => running.delete(delivery));
      running.add(delivery);
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
};
