/** How fast bytes are moved, and how many fit into the time. */
import type { Clock } from '../../model/ports.ts';
import type { Way } from '../part-layout.ts';
import type { PartPace } from '../parts.ts';

/**
 * The rate that one execution environment certainly reaches: by streaming, half of Lambda's default network (625 Mbit/s); inside S3,
 * that of several parts at once.
 */
export const SAFE_BYTES_PER_SECOND: Record<Way, number> = {
  stream: 40 * 1024 * 1024,
  'server-side': 200 * 1024 * 1024,
};

export const safeMs = (bytes: number, way: Way): number => (bytes / SAFE_BYTES_PER_SECOND[way]) * 1_000;

export interface MeasuredPace extends PartPace {
  /** The bytes of the parts that were completed, and the time they took. */
  moved(): { bytes: number; ms: number };
  /** The rate that the next invocation may count on, in bytes per second; null: too little was seen to tell. */
  measured(): number | null;
}

/** The network does not stay as fast as it was, and a part that is cut off at the end has to be moved again. */
const MARGIN = 1.5;

/** Minimum time for a measurement: a shorter one says more about the first answer than about the network. */
const MEASURABLE_MS = 1_000;

/**
 * Lets a part begin only if, at the rate measured so far or else at `bytesPerSecond`, it will end well before `deadlineMs` beside
 * the parts under way. The first part always begins: an invocation that is too slow for one part finds that out at its end.
 */
export const createPartPace = (clock: Clock, deadlineMs: number, bytesPerSecond: number): MeasuredPace => {
  const startedMs = clock.now();
  let began = 0;
  let underWayBytes = 0;
  let movedBytes = 0;
  let lastMs = startedMs;
  const rate = (): number =>
    movedBytes === 0 || lastMs === startedMs ? bytesPerSecond : (movedBytes / (lastMs - startedMs)) * 1_000;
  return {
    begin(bytes) {
      const neededMs = ((underWayBytes + bytes) / rate()) * 1_000 * MARGIN;
      if (began > 0 && neededMs > deadlineMs - clock.now()) return false;
      began += 1;
      underWayBytes += bytes;
      return true;
    },
    end(bytes) {
      underWayBytes -= bytes;
      movedBytes += bytes;
      lastMs = clock.now();
    },
    moved: () => ({ bytes: movedBytes, ms: lastMs - startedMs }),
    measured() {
      if (movedBytes > 0) return lastMs - startedMs < MEASURABLE_MS ? null : rate();
      const nowMs = clock.now();
      if (nowMs < deadlineMs || nowMs - startedMs < MEASURABLE_MS) return null;
      // No part was completed in all that time, and nobody knows how far each got: the next invocation counts on half as much.
      return (underWayBytes / 2 / (nowMs - startedMs)) * 1_000;
    },
  };
};
