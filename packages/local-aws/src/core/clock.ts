/** Milliseconds since the epoch. Everything in the local AWS that depends on time asks this, so tests can move it. */
export interface Clock {
  now(): number;
}

/** A {@link Clock} that runs with real time and can be moved forward, so that an hour need not be waited for. */
export interface AdjustableClock extends Clock {
  advance(milliseconds: number): void;
}

export function createClock(): AdjustableClock {
  let offsetMs = 0;
  return {
    now: () => Date.now() + offsetMs,
    advance(milliseconds) {
      offsetMs += milliseconds;
    },
  };
}
