/**
 * The records of keys that have a letter in the dead-letter queue. A backfill finds every key that failed before, and would add a second
 * letter to the first. SQS cannot search for a message, so each letter has a record (decision 036).
 */
import { type Hint, isExtra, PASSED_OVER_KIND } from '../hint/hint.ts';
import { isRecord } from '../model/json.ts';
import type { DeadLetter } from './dead-letter.ts';

/** Identifies a letter. A redrive of two letters with the same LetterKey would do the same work. */
export interface LetterKey {
  rule: string;
  destination: string;
  bucket: string;
  key: string;
}

/** Each method throws ReplicationError. */
export interface KnownLetters {
  /** Remembers that SQS has accepted a letter. */
  keep(of: LetterKey): Promise<void>;
  has(of: LetterKey): Promise<boolean>;
  /** Forgets letters that left the queue, or are about to leave it. */
  forget(of: readonly LetterKey[]): Promise<void>;
}

/** Returns the LetterKey of a letter, or null if the letter does not name one key at one destination. */
export const letterKey = ({
  rule,
  destination,
  bucket,
  key,
}: Pick<DeadLetter, 'rule' | 'destination' | 'bucket' | 'key'>): LetterKey | null =>
  rule === null || destination === null || bucket === null || key === null
    ? null
    : { rule, destination, bucket, key };

/**
 * Returns true if a redrive of this hint's letter brings the whole key up to date at the destination. This is not the case for a
 * letter about one version that was passed over, or about the deletion of a replica whose source object is gone.
 */
export const standsForKey = (hint: Hint): boolean => hint.kind !== PASSED_OVER_KIND && !isExtra(hint);

/** The payload with which an operator's command says that it is about to delete letters. */
export interface Forgetting {
  forget: readonly LetterKey[];
}

export interface Forgotten {
  forgotten: number;
}

/** Reads the payload. Returns null if the event is not such a payload. */
export const parseForgetting = (event: unknown): Forgetting | null => {
  if (!isRecord(event) || !Array.isArray(event['forget'])) return null;
  const forget: unknown[] = event['forget'];
  return forget.every(isLetterKey) ? { forget } : null;
};

/** Reads the answer. Returns null if the value is not an answer of the function. */
export const parseForgotten = (answer: unknown): number | null => {
  const count: unknown = isRecord(answer) ? answer['forgotten'] : null;
  return typeof count === 'number' ? count : null;
};

const isLetterKey = (value: unknown): value is LetterKey =>
  isRecord(value) &&
  ['rule', 'destination', 'bucket', 'key'].every((name) => typeof value[name] === 'string');
