import { type DeadLetter, fromAttributes } from '../delivery/dead-letter.ts';
import type { ReceivedMessage } from './queue.ts';
import { type Reason, reasonEntry } from '../model/reasons.ts';
import { CRASHED } from './reasons.ts';
import { isOfRun, parseMessage } from '../hint/hint.ts';

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
  /** ISO 8601. */
  firstSeen: string;
  ageSeconds: number;
  /** When SQS deletes the message permanently. ISO 8601. */
  expires: string;
  /** The number of attempts; null: unknown, because SQS itself moved the message. */
  attempts: number | null;
  requestId: string | null;
  /** What went wrong; null: unknown. */
  detail: string | null;
  /** Advice for the operator. */
  fix: string;
}

/** Selects messages that match all three lists. The entries of a list are alternatives. An empty list matches everything. */
export interface DeadMessageFilter {
  reasons: readonly string[];
  prefixes: readonly string[];
  rules: readonly string[];
}

/**
 * Reads the attributes of a message if we put the message into the queue, and otherwise its body. `nowMs` is the time for which
 * the age is calculated.
 */
export const readDeadMessage = (
  message: ReceivedMessage,
  { nowMs, retentionMs }: { nowMs: number; retentionMs: number },
): DeadMessage => {
  const letter = fromAttributes(textAttributes(message));
  const firstSeenMs = letter?.firstSeenMs || message.sentMs;
  return {
    id: message.id,
    ...(letter === null || message.movedBySqs ? crashed(message, letter) : quarantined(letter, message)),
    firstSeen: new Date(firstSeenMs).toISOString(),
    ageSeconds: Math.max(0, Math.round((nowMs - firstSeenMs) / 1000)),
    expires: new Date(message.sentMs + retentionMs).toISOString(),
  };
};

/** Returns whether the filter selects this message. If the body names several keys, one matching key is sufficient. */
export const filterWants = (
  filter: DeadMessageFilter,
  seen: DeadMessage,
  message: ReceivedMessage,
): boolean => {
  const oneOf = (values: readonly string[], test: (value: string) => boolean): boolean =>
    values.length === 0 || values.some(test);
  return (
    oneOf(filter.reasons, (reason) => reason === seen.reason) &&
    oneOf(filter.rules, (rule) => rule === seen.rule) &&
    oneOf(filter.prefixes, (prefix) => keysOf(seen, message).some((key) => key.startsWith(prefix)))
  );
};

/** Returns whether the filter selects all messages. */
export const filterIsEmpty = ({ reasons, prefixes, rules }: DeadMessageFilter): boolean =>
  reasons.length + prefixes.length + rules.length === 0;

type Told = Omit<DeadMessage, 'id' | 'firstSeen' | 'ageSeconds' | 'expires'>;

const quarantined = (letter: DeadLetter, message: ReceivedMessage): Told => ({
  reason: letter.reason,
  rule: letter.rule,
  destination: letter.destination,
  bucket: letter.bucket,
  key: letter.key,
  version: letter.version,
  // A body with several keys is rare, and others are not worth parsing.
  moreKeys: message.body.includes('"several"') ? Math.max(0, hintsOf(message).length - 1) : 0,
  attempts: letter.attempts,
  requestId: letter.requestId,
  detail: letter.detail || null,
  fix: reasonEntry(letter.reason).fix,
});

/**
 * SQS adds no information when it moves a message to this queue. Only the body is known, plus the attributes of an earlier
 * stay in this queue, if there was one.
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
    fix: reasonEntry(CRASHED).fix,
  };
};

/**
 * The queue to which a message returns. The hints by which a run deletes or repairs are accepted from the queue of runs only. What SQS
 * itself moved has not been read by our function, so it returns to the live queue, where such a hint is no more than a look at its key.
 */
export const returnsTo = (message: ReceivedMessage): 'backfill' | 'live' =>
  !message.movedBySqs && hintsOf(message).some(isOfRun) ? 'backfill' : 'live';

const keysOf = (seen: DeadMessage, message: ReceivedMessage): string[] => {
  if (seen.moreKeys > 0) return hintsOf(message).map((hint) => hint.key);
  return seen.key === null ? [] : [seen.key];
};

const hintsOf = (message: ReceivedMessage) =>
  parseMessage(message.body).flatMap((parsed) => (parsed.kind === 'hint' ? [parsed.hint] : []));

const textAttributes = (message: ReceivedMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(message.attributes).flatMap(([name, value]) =>
      'text' in value ? [[name, value.text]] : [],
    ),
  );
