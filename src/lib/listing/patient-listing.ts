/**
 * A listing that waits and tries again. Ranges are neighbourhoods of the key space, as are the partitions S3 counts requests by:
 * the one that is throttled waits by itself, while {@link Pace} slows all down a little.
 */
import { asReplicationError } from '../model/errors.ts';
import type { Clock } from '../model/ports.ts';
import type { Pace } from './pace.ts';
import type { Keyed, ListPage } from './page.ts';

export interface Patience {
  clock: Clock;
  pace: Pace;
  /** In [0, 1). Default: Math.random. */
  random?: () => number;
  /** Milliseconds since the epoch: nothing is tried again after it. Default: never. */
  deadlineMs?: number;
}

const BASE_MS = 100;
const CAP_MS = 20_000;
/** Of failures other than SlowDown, which may last as long as S3 needs to split a partition. */
const MAX_TRIES = 8;

/** For all ranges of a process together. Throws the last failure when it is not worth another try. */
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
