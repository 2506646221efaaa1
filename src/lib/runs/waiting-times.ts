/** How long a run waits before it does something by itself. */
import type { OpenRange } from './run-store.ts';

/**
 * How long no hint may end before the remaining hints count as lost. This time applies if no hint is waiting in the shared queue
 * and no object of the run's rule is moving. Hints that wait for the destination are not lost. The counts of SQS can be a minute
 * old.
 */
export const LOST_MS = 2 * 60_000;
/**
 * The same limit while hints of other runs wait in the shared queue. The time is counted from the moment at which a hint of the
 * run last ended or was tried. It is longer than the pause between two attempts of a hint that fails temporarily.
 */
export const LOST_AMONG_OTHERS_MS = 30 * 60_000;

/**
 * How long a range may stand still before its message is sent again. If the first message still exists, or an invocation is still
 * working on the range, the second message only costs requests. The waiting time doubles with each message, because the range may
 * only be waiting for a free worker.
 */
const STILL_MS = 5 * 60_000;

/** When the message of a range is sent again, if the range does not move until then. */
export const resendMs = ({ movedMs, wakes }: Pick<OpenRange, 'movedMs' | 'wakes'>): number =>
  movedMs + STILL_MS * 2 ** wakes;
