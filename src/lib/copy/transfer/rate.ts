/** Measures how fast bytes are moved, and decides how many more fit into the time left. */
import type { Clock } from '../../model/ports.ts';
import type { Way } from '../part-layout.ts';
import type { PartPace } from '../parts.ts';

/**
 * The rate that one execution environment certainly reaches. For streaming this is about half of Lambda's default network (625
 * Mbit/s). Inside S3 it is the rate of several parts that are copied at once.
 */
export const SAFE_BYTES_PER_SECOND: Record<Way, number> = {
  stream: 40 * 1024 * 1024,
  'server-side': 200 * 1024 * 1024,
};

export const safeMs = (bytes: number, way: Way): number => (bytes / SAFE_BYTES_PER_SECOND[way]) * 1_000;

export interface MeasuredPace extends PartPace {
  /** Returns the bytes of the completed parts, and the time that they took. */
  moved(): { bytes: number; ms: number };
  /** Returns the rate that the next invocation may assume, in bytes per second, or null if the measurement was too short. */
  measured(): number | null;
}

/**
 * The factor by which the estimated time is multiplied. The network may become slower, and a part that is cut off at the deadline
 * has to be moved again.
 */
const MARGIN = 1.5;

/**
 * Minimum time for a measurement. A shorter measurement shows the delay of the first response rather than the speed of the
 * network.
 */
const MEASURABLE_MS = 1_000;

/**
 * Lets a part begin only if it will end well before `deadlineMs`, beside the parts that are being copied. The estimate uses the
 * rate measured so far, or `bytesPerSecond` if nothing was measured yet. The first part always begins. If the invocation is too
 * slow for even one part, this shows only at the deadline.
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
      // No part was completed in all that time, and the progress of each part is unknown. So half of the bytes are assumed to
      // have been moved.
      return (underWayBytes / 2 / (nowMs - startedMs)) * 1_000;
    },
  };
};
