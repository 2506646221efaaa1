/** How long a run waits before it does something by itself. */
import type { OpenRange } from './run-store.ts';

/**
 * How long nothing may have ended before hints count as lost, when no hint is waiting in the shared queue and no object of the
 * run's rule is moving. What waits for the destination to answer is not lost. The counts of SQS can be a minute old.
 */
export const LOST_MS = 2 * 60_000;
/**
 * How long nothing may have ended or been tried before hints count as lost, although hints of others are waiting in the shared
 * queue. This is longer than a hint that fails for the moment rests between two tries.
 */
export const LOST_AMONG_OTHERS_MS = 30 * 60_000;

/**
 * How long a range may stand still before its message is sent again. If the first message still exists, or an invocation is still at
 * work on the range, the second one only costs requests. Each further message waits twice as long as the one before, because the
 * range may only be waiting for a free worker.
 */
const STILL_MS = 5 * 60_000;

/** When the message of a range is sent again, if the range does not move until then. */
export const resendMs = ({ movedMs, wakes }: Pick<OpenRange, 'movedMs' | 'wakes'>): number =>
  movedMs + STILL_MS * 2 ** wakes;
