/** The differences between source and destination, key by key. */
import type { CompareVersions } from './compare-versions.ts';
import type { OpenKey } from './comparison-state.ts';
import type { ListedVersion } from './page.ts';

/**
 * - `missing`: the destination has no version of the key.
 * - `different`, `look`: {@link CompareVersions} returned this verdict for a pair of versions. The first pair with one of these
 *   two verdicts decides.
 * - `history-shorter`: the destination has fewer versions than the source, but those that it has are the same as at the source.
 * - `attributes`: the content of all versions is the same, but {@link CompareVersions} requests a check of the attributes.
 * - `extra`: the source has no version of the key, and the destination shows an object.
 */
export interface Difference {
  kind: 'missing' | 'different' | 'look' | 'history-shorter' | 'attributes' | 'extra';
  /** The source's key. For a key that only the destination has, the key that it would have at the source. */
  key: string;
  /** Total bytes of all versions listed at the source; for an extra key, at the destination. */
  sizeBytes: number;
  /** How many of the source's versions have no counterpart at the destination; 0 for an extra key. */
  missingVersions: number;
}

export interface ComparedKeys {
  differences: Difference[];
  /** How many keys are the same as far as listings show. */
  sameKeys: number;
}

/** Adds the next source version of an open key, and the counterpart of this version at the destination, if there is one. */
export const addPair = (
  open: OpenKey,
  source: ListedVersion,
  counterpart: ListedVersion | null,
  compare: CompareVersions,
): void => {
  open.sizeBytes += source.sizeBytes;
  if (counterpart === null) {
    open.missingVersions += 1;
    return;
  }
  open.pairs += 1;
  if (open.verdict === 'different' || open.verdict === 'look') return;
  const verdict = compare(source, counterpart);
  if (verdict !== 'same') open.verdict = verdict;
};

/** Returns the difference of a key after all of its versions were added, or null if both sides are the same. */
export const differenceOf = ({
  key,
  verdict,
  pairs,
  missingVersions,
  sizeBytes,
}: OpenKey): Difference | null => {
  const facts = { key, sizeBytes, missingVersions };
  if (pairs === 0) return { kind: 'missing', ...facts };
  if (verdict === 'different' || verdict === 'look') return { kind: verdict, ...facts };
  if (missingVersions > 0) return { kind: 'history-shorter', ...facts };
  return verdict === 'same' ? null : { kind: verdict, ...facts };
};
