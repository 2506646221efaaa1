/**
 * Repeats failed reads and writes of bytes within an invocation. The SDK does not send the body of a stream twice, so a read and
 * its write are repeated as a pair.
 */
import { ReplicationError } from '../model/errors.ts';
import type { Clock, Invocation } from '../model/ports.ts';
import type { Reason } from '../model/reasons.ts';

const MAX_ATTEMPTS = 4;
const BASE_DELAY_MS = 200;

/** The failures after which another attempt is made at once. All other failures are left to the queue or to a person. */
const WORTH_ANOTHER: ReadonlySet<Reason> = new Set<Reason>([
  'throttled',
  'service-error',
  'connection-lost',
  'expired-credentials',
  'bad-checksum',
]);

/** Runs `pair` until it succeeds. Throws its failure if the failure is permanent, or if no attempts or no time are left. */
export const inPairs = async <T>(
  context: { clock: Clock; invocation: Invocation },
  pair: () => Promise<T>,
): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await pair();
    } catch (error) {
      if (!(error instanceof ReplicationError) || !WORTH_ANOTHER.has(error.reason)) throw error;
      const delayMs = BASE_DELAY_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
      const timeLeftMs = context.invocation.deadlineMs - context.clock.now();
      if (attempt >= MAX_ATTEMPTS || delayMs > timeLeftMs) throw error;
      await context.clock.sleep(delayMs);
    }
  }
};
