/** Hides object keys from those who read logs and reports, but may not read the buckets. */
import { createHash } from 'node:crypto';

/** How keys appear in log lines and report files. */
export type LoggedKeys = 'hashed' | 'plain';

/** The SHA-256 of a key, as `sha256sum` prints it. Anyone who guesses a key can check the guess. */
export const hashedKey = (key: string): string => createHash('sha256').update(key).digest('hex');

/** Replaces a key in a text by the hash of the key. */
export const withoutKey = (text: string, key: string | null): string =>
  key === null || key === '' ? text : text.replaceAll(key, hashedKey(key));

/** The members of log lines that are keys. A range of a run begins at a key. */
const KEY_MEMBERS = new Set(['key', 'from']);

/** Hashes keys while a log line is written as JSON. It is a replacer of `JSON.stringify`. */
export const hashKeysInJson = (member: string, value: unknown): unknown =>
  KEY_MEMBERS.has(member) && typeof value === 'string' && value !== '' ? hashedKey(value) : value;
