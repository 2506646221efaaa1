import { type DeadLetter, fromAttributes, isPassedOver } from '../delivery/dead-letter.ts';
import { newerAttributes } from '../delivery/text-attributes.ts';
import type { ReceivedMessage } from './queue.ts';
import { type Reason, reasonEntry } from '../model/reasons.ts';
import { CRASHED } from './reasons.ts';
import { isOfRun } from '../hint/hint.ts';
import { parseMessage } from '../hint/parse-message.ts';

/**
 * A message of the dead-letter queue as an operator sees it. `dlq list --json` prints this shape, so the names must not change.
 */
export interface DeadMessage {
  /** SQS's message id. */
  id: string;
  reason: Reason;
  rule: string | null;
  destination: string | null;
  bucket: string | null;
  key: string | null;
  version: string | null;
  /** The number of keys in the message in addition to `key`. An S3 event may hold several records. */
  moreKeys: number;
  /** When the original message was first sent. ISO 8601. */
  firstSeen: string;
  /**
   * When the message became a dead letter. If SQS itself moved the message, the time when it was first sent, because a move by SQS
   * keeps that time. ISO 8601.
   */
  deadSince: string;
  ageSeconds: number;
  /** When SQS deletes the message permanently. ISO 8601. */
  expires: string;
  /** The number of attempts; null: unknown, because SQS itself moved the message. */
  attempts: number | null;
  requestId: string | null;
  /** What went wrong; null: unknown. */
  detail: string | null;
  /** The command that ends the letter after the advice was followed. */
  endedBy: 'redrive' | 'discard' | 'either';
  /** Advice for the operator. It is not stored in the message, so that a later release gives its own advice. */
  fix: string;
}

/**
 * Reads the attributes of a message if we put the message into the queue, and otherwise its body. `nowMs` is the time for which
 * the age is calculated.
 */
export const readDeadMessage = (
  message: ReceivedMessage,
  { nowMs, retentionMs }: { nowMs: number; retentionMs: number },
): DeadMessage => {
  const letter = letterIn(message);
  const firstSeenMs = letter?.firstSeenMs || message.sentMs;
  return {
    id: message.id,
    ...(letter === null || message.movedBySqs ? crashed(message, letter) : quarantined(letter, message)),
    firstSeen: new Date(firstSeenMs).toISOString(),
    deadSince: new Date(message.sentMs).toISOString(),
    ageSeconds: Math.max(0, Math.round((nowMs - firstSeenMs) / 1000)),
    expires: new Date(message.sentMs + retentionMs).toISOString(),
  };
};

type Told = Omit<DeadMessage, 'id' | 'firstSeen' | 'deadSince' | 'ageSeconds' | 'expires'>;

const quarantined = (letter: DeadLetter, message: ReceivedMessage): Told => ({
  reason: letter.reason,
  rule: letter.rule,
  destination: letter.destination,
  bucket: letter.bucket,
  key: letter.key,
  version: letter.version,
  // Bodies with several keys are rare, so only such bodies are parsed.
  moreKeys: message.body.includes('"several"') ? Math.max(0, hintsOf(message).length - 1) : 0,
  attempts: letter.attempts,
  requestId: letter.requestId,
  detail: letter.detail || null,
  ...adviceOn(letter),
});

const adviceOn = ({
  reason,
  detail,
}: Pick<DeadLetter, 'reason' | 'detail'>): Pick<DeadMessage, 'fix' | 'endedBy'> => {
  if (isPassedOver(detail)) return { fix: PASSED_OVER_FIX, endedBy: 'discard' };
  const { fix, endedBy = 'redrive' } = reasonEntry(reason);
  return { fix, endedBy };
};

const PASSED_OVER_FIX =
  'It cannot be put in order below the newer versions later, and a redrive does not bring it: copy it by hand if you need it, then discard the message.';

/**
 * Describes a message that SQS itself has moved to this queue. SQS adds no information, so only the body is known, and perhaps
 * the attributes of an earlier stay in this queue.
 */
const crashed = (message: ReceivedMessage, earlier: DeadLetter | null): Told => {
  const hints = hintsOf(message);
  const [first] = hints;
  return {
    reason: CRASHED,
    rule: first?.rule ?? earlier?.rule ?? null,
    destination: first?.destination ?? earlier?.destination ?? null,
    bucket: first?.bucket ?? null,
    key: first?.key ?? null,
    version: first?.versionId ?? null,
    moreKeys: Math.max(0, hints.length - 1),
    attempts: null,
    requestId: null,
    detail: earlier === null ? null : `Earlier it was in this queue for ${earlier.reason}: ${earlier.detail}`,
    ...adviceOn({ reason: CRASHED, detail: '' }),
  };
};

/**
 * Returns the queue to which a message returns. Only the queue of runs may deliver the hints by which a run deletes or repairs.
 * If SQS itself moved the message, our function has not read it, so it returns to the live queue. There, such a hint only causes
 * a look at its key.
 */
export const returnsTo = (message: ReceivedMessage): 'backfill' | 'live' =>
  !message.movedBySqs && hintsOf(message).some(isOfRun) ? 'backfill' : 'live';

/** Returns the keys that the message names. */
export const keysOf = (seen: DeadMessage, message: ReceivedMessage): string[] => {
  if (seen.moreKeys > 0) return hintsOf(message).map((hint) => hint.key);
  return seen.key === null ? [] : [seen.key];
};

const hintsOf = (message: ReceivedMessage) =>
  parseMessage(message.body).flatMap((parsed) => (parsed.kind === 'hint' ? [parsed.hint] : []));

/** Returns the letter in a message. A letter of a newer release has only the fields that every release can read. */
const letterIn = (message: ReceivedMessage): DeadLetter | null => {
  const newer = newerAttributes(message.attributes);
  if (newer === null) return fromAttributes(textAttributes(message));
  return { ...UNKNOWN_LETTER, reason: newer.reason, firstSeenMs: message.sentMs, detail: newer.message };
};

const UNKNOWN_LETTER = {
  rule: null,
  destination: null,
  bucket: null,
  key: null,
  version: null,
  attempts: 0,
  requestId: null,
};

const textAttributes = (message: ReceivedMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(message.attributes).flatMap(([name, value]) =>
      'text' in value ? [[name, value.text]] : [],
    ),
  );
