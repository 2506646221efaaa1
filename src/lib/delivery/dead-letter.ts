/**
 * The format of a quarantined message. The body can be sent to the live queue unchanged. The message attributes contain the
 * reason and its circumstances. SQS allows ten attributes, none of them empty.
 */
import { ALL_REASONS, type Reason } from '../model/reasons.ts';
import { attributeText } from './retry.ts';

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
  /** The failure and its fix, for a person. */
  detail: string;
}

const MAX_DETAIL_CHARACTERS = 2_000;

/** Returns the message attributes of a dead letter, by name. */
export const toAttributes = (letter: DeadLetter): Record<string, string> => {
  const attributes: Record<string, string | null> = {
    reason: letter.reason,
    rule: letter.rule,
    destination: letter.destination,
    bucket: letter.bucket,
    // The key is percent-encoded, because SQS refuses attributes with control characters.
    key: letter.key === null ? null : encodeURIComponent(letter.key.toWellFormed()),
    version: letter.version,
    'first-seen': new Date(letter.firstSeenMs).toISOString(),
    attempts: String(letter.attempts),
    'request-id': letter.requestId,
    detail: attributeText(letter.detail).slice(0, MAX_DETAIL_CHARACTERS),
  };
  return Object.fromEntries(
    Object.entries(attributes).filter((entry): entry is [string, string] => Boolean(entry[1])),
  );
};

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
    attempts: Number(attributes['attempts']) || 0,
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
