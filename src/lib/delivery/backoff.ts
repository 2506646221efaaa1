/** The delay before a failed message is tried again. */

/** How many failed attempts a piece must have before it can be quarantined as exhausted. */
export const RETRY_LIMIT = 12;

/** How long a piece is tried before it can be quarantined as exhausted, however often it has failed. */
export const MIN_RETRYING_MS = 2 * 3_600_000;

/** Maximum time that a piece waits for its destination. SQS deletes messages after 14 days in a queue. */
export const MAX_WAITING_MS = 10 * 24 * 3_600_000;

/** How often an invocation may have too little time for a piece before the piece is quarantined. */
export const OUT_OF_TIME_LIMIT = 100;

/** How many failures lead to a short delay. After more failures, the piece goes to the waiting queue of its destination. */
export const SHORT_TRIES = 4;

/**
 * How long a message of a newer release is left alone. This is the longest delay of SQS, because a function that cannot read its messages
 * should receive them rarely. With this delay, 1,000 deliveries take ten days.
 */
export const NEWER_RELEASE_SECONDS = 900;

/**
 * Returns how long a hint is left alone while another invocation writes the many versions of its key. The result is about as long as the
 * hint has waited so far. If there are few versions, the hint therefore ends soon. If writing them takes hours, the hint is not tried
 * every minute.
 */
export const busySeconds = (waitedMs: number, random: number): number => {
  const full = Math.min(MAX_BUSY_SECONDS, Math.max(MIN_BUSY_SECONDS, waitedMs / 1_000));
  return Math.ceil(full / 2 + (full / 2) * random);
};

const MIN_BUSY_SECONDS = 20;
const MAX_BUSY_SECONDS = 900;

const BASE_SECONDS = 5;
/** Maximum delay. The delays are 5 s, 10 s, … 2,560 s, 3,600 s, half of each random. */
const CAP_SECONDS = 3_600;

/**
 * Returns the delay by exponential backoff with equal jitter. Half of the delay is fixed, so that the queue does not send too
 * many requests to AWS. The other half is random, so that retries are spread out. `random` is in [0, 1).
 */
export const retryDelaySeconds = (receiveCount: number, random: number): number => {
  const full = Math.min(CAP_SECONDS, BASE_SECONDS * 2 ** Math.max(0, receiveCount - 1));
  return Math.ceil(full / 2 + (full / 2) * random);
};
