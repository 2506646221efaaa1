/** How long a failed message rests before it is tried again. */

/** Receives after which a message that could be retried is quarantined instead; below the queue's own maxReceiveCount. */
export const RETRY_LIMIT = 12;

const BASE_SECONDS = 5;
/** With twelve tries this bridges outages of about two hours: 5 s, 10 s, … 2,560 s, 3,600 s, of which half is random. */
const CAP_SECONDS = 3_600;

/**
 * Exponential backoff with equal jitter: half fixed, half random, so that it neither hammers nor starves.
 * `random` is in [0, 1).
 */
export const retryDelaySeconds = (receiveCount: number, random: number): number => {
  const full = Math.min(CAP_SECONDS, BASE_SECONDS * 2 ** Math.max(0, receiveCount - 1));
  return Math.ceil(full / 2 + (full / 2) * random);
};
