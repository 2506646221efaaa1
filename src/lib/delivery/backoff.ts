/** The delay before a failed message is tried again. */

/**
 * Maximum number of receives before a message is quarantined instead of retried. The number is below the queue's own
 * maxReceiveCount.
 */
export const RETRY_LIMIT = 12;

const BASE_SECONDS = 5;
/**
 * Maximum delay. The delays are 5 s, 10 s, … 2,560 s, 3,600 s, half of each random. Twelve attempts bridge outages of about two
 * hours.
 */
const CAP_SECONDS = 3_600;

/**
 * Returns the delay by exponential backoff with equal jitter. Half of the delay is fixed, so that the queue does not send too
 * many requests to AWS. The other half is random, so that retries are spread out. `random` is in [0, 1).
 */
export const retryDelaySeconds = (receiveCount: number, random: number): number => {
  const full = Math.min(CAP_SECONDS, BASE_SECONDS * 2 ** Math.max(0, receiveCount - 1));
  return Math.ceil(full / 2 + (full / 2) * random);
};
