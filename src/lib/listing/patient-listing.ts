/**
 * A listing that waits and retries. S3 limits requests for each partition, and a partition is a contiguous part of the key space,
 * like a range. So a throttled range waits by itself, while {@link Pace} slows down all ranges a little.
 */
import { asReplicationError } from '../model/errors.ts';
import type { Clock } from '../model/ports.ts';
import type { Pace } from './pace.ts';
import type { Keyed, ListPage } from './page.ts';

export interface Patience {
  clock: Clock;
  pace: Pace;
  /** Returns numbers in [0, 1). Default: Math.random. */
  random?: () => number;
  /** Milliseconds since the epoch. No retry is made after this time. Default: no limit. */
  deadlineMs?: number;
}

const BASE_MS = 100;
const CAP_MS = 20_000;
/**
 * Maximum number of tries for failures other than SlowDown. A SlowDown is retried without a limit, because it may last as long as
 * S3 needs to split a partition.
 */
const MAX_TRIES = 8;

/**
 * Returns a listing that waits and retries. Listings with the same `pace` slow down together. Throws the last failure if another
 * try cannot help or would begin after the deadline.
 */
export const patientListing =
  <E extends Keyed>(
    listPage: ListPage<E>,
    { clock, pace, random = Math.random, deadlineMs = Infinity }: Patience,
  ): ListPage<E> =>
  async (request) => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await pace.run(() => listPage(request));
      } catch (error) {
        const { disposition, reason } = asReplicationError(error);
        const delayMs = (Math.min(CAP_MS, BASE_MS * 2 ** (tries - 1)) * (1 + random())) / 2;
        const isHopeless = disposition !== 'retry' || (reason !== 'throttled' && tries >= MAX_TRIES);
        if (isHopeless || clock.now() + delayMs > deadlineMs) throw error;
        await clock.sleep(delayMs);
      }
    }
  };
