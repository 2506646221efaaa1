/** Milliseconds since the epoch. Everything in the local AWS that depends on time reads this clock, so that tests can move it. */
export interface Clock {
  now(): number;
}

/** A {@link Clock} that runs with real time and that a test can move forward instead of waiting. */
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
