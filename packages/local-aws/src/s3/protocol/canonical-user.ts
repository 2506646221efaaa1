import { createHash } from 'node:crypto';

/** Returns the canonical user id of an account, 64 hexadecimal digits. */
export const canonicalUserId = (accountId: string): string => {
  const known = CANONICAL_IDS.get(accountId);
  if (known !== undefined) return known;
  const id = createHash('sha256').update(`canonical user of ${accountId}`).digest('hex');
  CANONICAL_IDS.set(accountId, id);
  return id;
};

/** A cache of canonical user ids. Without it, hashing the owner of each entry would take most of the time of a listing. */
const CANONICAL_IDS = new Map<string, string>();
