/** How fast bytes are moved, and what fits into the time. */
import type { Pace } from '../parts.ts';
import type { Clock } from '../../model/ports.ts';
import type { Way } from '../part-layout.ts';

/**
 * What one environment moves at the very least: by itself half of Lambda's default network (625 Mbit/s); several parts at once
 * within S3.
 */
export const SAFE_BYTES_PER_SECOND: Record<Way, number> = {
  stream: 40 * 1024 * 1024,
  'server-side': 200 * 1024 * 1024,
};

export const safeMs = (bytes: number, way: Way): number => (bytes / SAFE_BYTES_PER_SECOND[way]) * 1_000;

export interface MeasuredPace extends Pace {
  /** Of the parts that were ended. */
  moved(): { bytes: number; ms: number };
  /** What whoever comes next may count on, bytes per second. Null: too little was seen to say. */
  measured(): number | null;
}

/** The network is not always as fast as it was, and what is cut at the end has to be moved again. */
const MARGIN = 1.5;

/** Below, a rate says more about the first answer than about the network. */
const MEASURABLE_MS = 1_000;

/**
 * Begins a part only if it will end well before `deadlineMs` beside those under way, by the rate measured so far, or this one. The
 * first is always begun: an invocation that is too slow for one part finds that out at its end.
 */
export const createPace = (clock: Clock, deadlineMs: number, bytesPerSecond: number): MeasuredPace => {
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
      // Not one of them came to its end in all that time. Nobody knows how near they were: the next takes on half as much.
      return (underWayBytes / 2 / (nowMs - startedMs)) * 1_000;
    },
  };
};
