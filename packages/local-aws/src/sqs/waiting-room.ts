import type { Clock } from '../core/clock.ts';

/** The long polls that wait for a message. */
export interface WaitingRoom {
  /** Resolves at that time of the clock, when woken, when aborted, or after a short while. The caller then checks again. */
  wait(untilMs: number, signal: AbortSignal | undefined): Promise<void>;
  wake(): void;
}

/** How long a waiting receive may take to notice that a test moved the clock. */
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
