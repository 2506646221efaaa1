/**
 * Which keys have a letter in the dead-letter queue. A backfill finds every key that failed before, and would put a second letter beside the
 * first. SQS cannot be asked for a message, so a record beside each letter says that it is there (decision 036).
 */
import { type Hint, isExtra, PASSED_OVER_KIND } from '../hint/hint.ts';
import { isRecord } from '../model/json.ts';
import type { DeadLetter } from './dead-letter.ts';

/** The key whose redriven letter would look at the same object for the same destination. */
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

/** Returns null if the letter does not name one key at one destination. */
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
 * Returns true if redriving a letter of this hint makes the destination agree with the source, whatever failed. A letter about one
 * version that was passed over does not, and neither does the deletion of a replica whose source object is gone.
 */
export const standsForKey = (hint: Hint): boolean => hint.kind !== PASSED_OVER_KIND && !isExtra(hint);

/** The payload with which an operator's command says that it is about to delete letters. */
export interface Forgetting {
  forget: readonly LetterKey[];
}

export interface Forgotten {
  forgotten: number;
}

/** Returns null if the event is no such payload. */
export const parseForgetting = (event: unknown): Forgetting | null => {
  if (!isRecord(event) || !Array.isArray(event['forget'])) return null;
  const forget: unknown[] = event['forget'];
  return forget.every(isLetterKey) ? { forget } : null;
};

/** Returns null if it is no answer of the function. */
export const parseForgotten = (answer: unknown): number | null => {
  const count: unknown = isRecord(answer) ? answer['forgotten'] : null;
  return typeof count === 'number' ? count : null;
};

const isLetterKey = (value: unknown): value is LetterKey =>
  isRecord(value) &&
  ['rule', 'destination', 'bucket', 'key'].every((name) => typeof value[name] === 'string');
