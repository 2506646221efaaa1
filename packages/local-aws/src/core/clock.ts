/**
 * The clock of the local AWS. `now` returns milliseconds since the epoch. All parts of the local AWS use this clock, so that tests can
 * move it forward.
 */
export interface Clock {
  now(): number;
}

/** A {@link Clock} that follows real time. A test can move it forward instead of waiting. */
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
