/**
 * The format of a quarantined message. The body can be sent to the live queue unchanged. The message attributes contain the
 * reason and its circumstances. SQS allows ten attributes, none of them empty.
 */
import { ALL_REASONS, type Reason } from '../model/reasons.ts';
import { attributeText, countOf } from './retry.ts';

/** Why a message is in the dead-letter queue. Fields with null are unknown. */
export interface DeadLetter {
  reason: Reason;
  rule: string | null;
  destination: string | null;
  bucket: string | null;
  key: string | null;
  version: string | null;
  /** When the original message was first sent, in milliseconds since the epoch. */
  firstSeenMs: number;
  /** How often the message was received before it was quarantined, including the receives before any earlier quarantine. */
  attempts: number;
  requestId: string | null;
  /** The failure, described for a person. The reason decides what the person should do. */
  detail: string;
}

const PASSED_OVER_WORDS = 'passed over: newer versions are replicated without this one';

/**
 * Returns the detail of a version that is never replicated, because it could not be put in order below the newer versions later.
 */
export const passedOverDetail = (why: string): string => `${PASSED_OVER_WORDS} (${why})`;

export const isPassedOver = (detail: string): boolean => detail.startsWith(PASSED_OVER_WORDS);

const MAX_DETAIL_CHARACTERS = 2_000;

/** Maximum characters of the other attributes. A percent-encoded key of S3 has at most 3,072. */
const MAX_TEXT_CHARACTERS = 4_096;

/**
 * Maximum bytes of the body of a dead letter. SQS allows 1 MiB for the body and the attributes together, and the attributes above have at
 * most 27 KB.
 */
export const MAX_BODY_BYTES = 1_048_576 - 32_768;

/**
 * Cuts a body that leaves no room for the attributes. Only a body that nobody can read is that long. The pieces, joined in order, are the
 * body.
 */
export const piecesOf = (body: string): string[] => {
  const pieces: string[] = [];
  for (let rest = Buffer.from(body); rest.length > 0;) {
    let end = Math.min(rest.length, MAX_BODY_BYTES);
    // A piece must not end within a character. The later bytes of a character begin with the bits 10.
    while (end < rest.length && (rest[end]! & 0xc0) === 0x80) end -= 1;
    pieces.push(rest.toString('utf8', 0, end));
    rest = rest.subarray(end);
  }
  return pieces;
};

/** Returns the message attributes of a dead letter, by name. */
export const toAttributes = (letter: DeadLetter): Record<string, string> => {
  const attributes: Record<string, string | null> = {
    reason: letter.reason,
    rule: shortText(letter.rule),
    destination: shortText(letter.destination),
    bucket: shortText(letter.bucket),
    // The key is percent-encoded, because SQS refuses attributes with control characters.
    key: shortText(letter.key === null ? null : encodeURIComponent(letter.key.toWellFormed())),
    version: shortText(letter.version),
    'first-seen': new Date(letter.firstSeenMs).toISOString(),
    attempts: String(letter.attempts),
    'request-id': shortText(letter.requestId),
    detail: attributeText(letter.detail).slice(0, MAX_DETAIL_CHARACTERS),
  };
  return Object.fromEntries(
    Object.entries(attributes).filter((entry): entry is [string, string] => Boolean(entry[1])),
  );
};

/**
 * Cuts a text, and replaces the characters that SQS refuses. The sender of a message chooses these texts, so the dead-letter queue
 * must accept any text.
 */
const shortText = (text: string | null): string | null =>
  text === null ? null : attributeText(text.slice(0, MAX_TEXT_CHARACTERS));

/** Reads the message attributes of a dead letter. Returns null if the attributes are not ours. */
export const fromAttributes = (attributes: Record<string, string>): DeadLetter | null => {
  const reason = ALL_REASONS.find((known) => known === attributes['reason']);
  if (reason === undefined) return null;
  return {
    reason,
    rule: attributes['rule'] ?? null,
    destination: attributes['destination'] ?? null,
    bucket: attributes['bucket'] ?? null,
    key: decodeKey(attributes['key']),
    version: attributes['version'] ?? null,
    firstSeenMs: Date.parse(attributes['first-seen'] ?? '') || 0,
    attempts: countOf(attributes['attempts']),
    requestId: attributes['request-id'] ?? null,
    detail: attributes['detail'] ?? '',
  };
};

const decodeKey = (encoded: string | undefined): string | null => {
  if (encoded === undefined) return null;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
};
