/**
 * The record that a message carries from one attempt to the next. A failed piece is not given back to its queue, where it would stay in
 * flight. It is sent again as a new message, which needs its own record of the earlier attempts. The record is in message attributes,
 * because the body of a message never changes.
 */
import type { ReplicationError } from '../model/errors.ts';
import { isCount } from '../model/json.ts';
import { ALL_REASONS, isPermission, type Reason } from '../model/reasons.ts';

/** The queue that a message first came from. The message always returns to this queue. */
export const ORIGINS = ['live', 'backfill', 'transfer'] as const;
export type Origin = (typeof ORIGINS)[number];

/** The record of the earlier attempts. Times are in milliseconds since the epoch. */
export interface Retry {
  /** The id of the first message. It identifies the work if the hint has no identity. */
  id: string;
  origin: Origin;
  /** How many attempts have failed since the message was sent or redriven. A wait for a destination does not count as an attempt. */
  tries: number;
  /** How often the message was received in total. Receives before a stay in the dead-letter queue count too. */
  attempts: number;
  firstSeenMs: number;
  /** When the message first failed, or first had to wait. Counted anew after a redrive. */
  waitingSinceMs: number;
  /**
   * When the present failure began: the time of the first of the consecutive failures with `reason`. A stay in a waiting queue
   * without an attempt ends the series. Null: the last attempt did not fail, or there was none.
   */
  firstFailedMs: number | null;
  /**
   * The reason of the last failure. If the destination is avoided, the reason why it is avoided. `detail` is the message of that
   * failure.
   */
  reason: Reason;
  detail: string;
}

/** A piece of a message that is sent again. */
export interface RetriedPiece {
  body: string;
  retry: Retry;
}

/** The fields of a message from which the next record is made. */
export interface Tried {
  messageId: string;
  origin: Origin;
  receiveCount: number;
  sentMs: number;
  retry: Retry | null;
  earlier: { firstSeenMs: number; attempts: number } | null;
}

/** Returns how often the message was received in all, including this time. */
export const attemptsOf = ({
  receiveCount,
  retry,
  earlier,
}: Pick<Tried, 'receiveCount' | 'retry' | 'earlier'>): number =>
  receiveCount + ((retry ?? earlier)?.attempts ?? 0);

export const firstSeenMsOf = ({
  sentMs,
  retry,
  earlier,
}: Pick<Tried, 'sentMs' | 'retry' | 'earlier'>): number => (retry ?? earlier)?.firstSeenMs ?? sentMs;

/** Returns when the first attempt of the message may have begun; null: this is the first. */
export const earlierSinceMs = (
  message: Pick<Tried, 'receiveCount' | 'sentMs' | 'retry' | 'earlier'>,
): number | null => (attemptsOf(message) > 1 ? firstSeenMsOf(message) : null);

/** Returns the id that identifies the work of a message whose hint has no identity. A message that is sent again keeps the id. */
export const workId = ({ messageId, retry }: Pick<Tried, 'messageId' | 'retry'>): string =>
  retry?.id ?? messageId;

/** Returns the record of a message after its attempt has failed with `error`. */
export const afterFailure = (message: Tried, error: ReplicationError, nowMs: number): Retry => {
  const { origin, retry } = message;
  return {
    id: workId(message),
    origin,
    tries: (retry?.tries ?? 0) + 1,
    attempts: attemptsOf(message),
    firstSeenMs: firstSeenMsOf(message),
    waitingSinceMs: retry?.waitingSinceMs ?? nowMs,
    firstFailedMs: (retry?.reason === error.reason ? retry.firstFailedMs : null) ?? nowMs,
    reason: error.reason,
    detail: error.message,
  };
};

/** Returns the record of a message that waits without an attempt, because its destination is avoided. */
export const afterAvoidance = (message: Tried, error: ReplicationError, nowMs: number): Retry => ({
  ...afterFailure(message, error, nowMs),
  tries: message.retry?.tries ?? 0,
  attempts: attemptsOf(message) - message.receiveCount,
  firstFailedMs: null,
});

const MAX_DETAIL_CHARACTERS = 1_000;

/**
 * How long an attempt is repeated after a permission was refused. Changes of permissions take effect in AWS within about a
 * minute.
 */
export const FRESH_PERMISSION_MS = 2 * 60_000;

/**
 * Returns true if the attempt failed because a permission is missing, and the permission may have been granted a moment ago. Only the
 * time since the first such failure counts. The age of the message does not count, because the message may have waited in a queue for
 * days.
 */
export const mayBeGranted = (message: Tried, error: ReplicationError, nowMs: number): boolean => {
  if (!isPermission(error.reason)) return false;
  const { firstFailedMs } = afterFailure(message, error, nowMs);
  return nowMs - (firstFailedMs ?? nowMs) < FRESH_PERMISSION_MS;
};

/** Returns the message attributes of the record, by name. */
export const toRetryAttributes = (retry: Retry): Record<string, string> => ({
  'retry-id': attributeText(retry.id) || '-',
  'retry-queue': retry.origin,
  tries: String(retry.tries),
  attempts: String(retry.attempts),
  'first-seen': isoTime(retry.firstSeenMs),
  'waiting-since': isoTime(retry.waitingSinceMs),
  ...(retry.firstFailedMs === null ? {} : { 'first-failed': isoTime(retry.firstFailedMs) }),
  'last-reason': retry.reason,
  'last-detail': attributeText(retry.detail).slice(0, MAX_DETAIL_CHARACTERS) || '-',
});

/** Reads the message attributes of a message that was sent again. Returns null if the message is new or was redriven. */
export const fromRetryAttributes = (attributes: Record<string, string>): Retry | null => {
  const origin = ORIGINS.find((known) => known === attributes['retry-queue']);
  const reason = ALL_REASONS.find((known) => known === attributes['last-reason']);
  if (origin === undefined || reason === undefined) return null;
  return {
    id: (attributes['retry-id'] ?? '').slice(0, MAX_ID_CHARACTERS),
    origin,
    tries: countOf(attributes['tries']),
    attempts: countOf(attributes['attempts']),
    firstSeenMs: timeOf(attributes['first-seen']) ?? 0,
    waitingSinceMs: timeOf(attributes['waiting-since']) ?? 0,
    firstFailedMs: timeOf(attributes['first-failed']),
    reason,
    detail: attributes['last-detail'] ?? '',
  };
};

/** Maximum characters of the id of a message. SQS gives ids of 36 characters. */
const MAX_ID_CHARACTERS = 100;

/**
 * Reads a number of attempts. The number is counted up and stored, so a text that is not a whole number counts as 0, and a larger number
 * counts as a million.
 */
export const countOf = (text: string | undefined): number => {
  const count = Number(text);
  return isCount(count) ? Math.min(count, 1_000_000) : 0;
};

/** Replaces the characters that SQS refuses in attributes. */
export const attributeText = (text: string): string => text.replace(/[^\x20-\x7e\u00a0-\ud7ff]/g, '?');

const isoTime = (ms: number): string => new Date(ms).toISOString();

const timeOf = (text: string | undefined): number | null => Date.parse(text ?? '') || null;
