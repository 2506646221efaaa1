import type { Clock } from '../core/clock.ts';

/** Long polls that wait for a message. */
export interface WaitingRoom {
  /**
   * Resolves at `untilMs`, when `wake` is called, when aborted, or after a short time. The caller must check
   * again.
   */
  wait(untilMs: number, signal: AbortSignal | undefined): Promise<void>;
  wake(): void;
}

/** Maximum time, in milliseconds, until a waiting ReceiveMessage notices that a test has moved the clock. */
const recheckMs = 100;

export function createWaitingRoom(clock: Clock): WaitingRoom {
  const waiting = new Set<() => void>();
  return {
    wait: (untilMs, signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          waiting.delete(done);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, Math.max(1, Math.min(recheckMs, untilMs - clock.now())));
        waiting.add(done);
        signal?.addEventListener('abort', done);
      }),
    wake() {
      for (const done of waiting) done();
    },
  };
}
