import type { Clock } from '../core/clock.ts';

/** The long polls that wait for a message. */
export interface WaitingRoom {
  /** Resolves at `untilMs`, when woken or aborted, and also after a short time. The caller then checks again. */
  wait(untilMs: number, signal: AbortSignal | undefined): Promise<void>;
  wake(): void;
}

/** How long a waiting ReceiveMessage may take to notice that a test has moved the clock. */
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
