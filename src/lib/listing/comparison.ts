/**
 * Source and destination side by side, as the consumer of a range's pages. Both listings are in the same order, so what is held is
 * a page of each and what is known of one key, however large the buckets are and however many versions a key has.
 */
import { compareVersions, type CompareVersions } from './compare-versions.ts';
import { mapKey, mapMarker, markerWithin, type KeyMapping } from './destination-key.ts';
import { compareKeys } from './key-order.ts';
import { createListingReader, type ListingReader } from './listing-reader.ts';
import type { ListedVersion, ListPage, Marker } from './page.ts';
import { openKey, type OpenKey, parseState, stateOf } from './comparison-state.ts';
import type { Stretch } from './range-work.ts';
import type { Json } from './range.ts';

/**
 * - `missing`: the destination has no version of the key.
 * - `different`, `look`: as {@link CompareVersions} says of the first pair of versions for which it does not say `same`.
 * - `history-shorter`: the newest versions are the same, but the destination has fewer.
 * - `extra`: the source has no version of the key.
 */
export interface Difference {
  kind: 'missing' | 'different' | 'look' | 'history-shorter' | 'extra';
  /** The source's key, also of what is only at the destination. */
  key: string;
  /** Bytes of what is listed at the source, all versions; of an extra key, at the destination. */
  sizeBytes: number;
  /** How many of the source's versions have no counterpart; 0 for an extra key. */
  missingVersions: number;
}

export interface Findings {
  differences: Difference[];
  /** Keys that are the same, as far as listings tell. */
  sameKeys: number;
}

export interface ComparisonOptions {
  mapping: KeyMapping;
  /** Of the same kind as the source's: both of versions, or both of current objects. */
  listDestination: ListPage<ListedVersion>;
  /** Default 1,000. */
  pageSize?: number;
  /** Does the rule want this key? Default: all. */
  wants?: (sourceKey: string) => boolean;
  /** Whether delete markers count as versions. Default: they are passed over, on both sides. */
  deleteMarkers?: 'compare' | 'ignore';
  compare?: CompareVersions;
  /** At most {@link BATCH} differences at a time. After a crash those of a stretch are found again. */
  report(findings: Findings): Promise<void>;
}

const BATCH = 1_000;

/** The consumer for the work on one range: see `RangePorts.consume`. */
export const createComparison = (
  options: ComparisonOptions,
): ((stretch: Stretch<ListedVersion>) => Promise<Json>) => {
  const { mapping, listDestination, pageSize = 1_000, report } = options;
  const { wants = () => true, deleteMarkers = 'ignore', compare = compareVersions } = options;
  const counts = ({ kind }: ListedVersion): boolean => kind === 'object' || deleteMarkers === 'compare';
  let reader: ListingReader<ListedVersion> | null = null;
  let open: OpenKey | null = null;
  let findings: Findings = { differences: [], sameKeys: 0 };

  const begin = async (after: Marker, carry: Json): Promise<ListingReader<ListedVersion>> => {
    const earlier = parseState(carry);
    open = earlier?.open ?? null;
    const prefix = mapping.destinationPrefix;
    const marker = earlier?.destination ?? mapMarker(mapping, after.key);
    const from = createListingReader(listDestination, { prefix, after: markerWithin(marker), pageSize });
    if (marker.versionId === null) while ((await nextUpTo(from, marker.key)) !== null) from.take();
    return from;
  };

  const note = async (difference: Difference | null): Promise<void> => {
    if (difference === null) findings.sameKeys += 1;
    else findings.differences.push(difference);
    if (findings.differences.length >= BATCH) await flush();
  };

  const flush = async (): Promise<void> => {
    const found = findings;
    findings = { differences: [], sameKeys: 0 };
    if (found.sameKeys > 0 || found.differences.length > 0) await report(found);
  };

  /** The next version at the destination that counts, up to this key. */
  const nextUpTo = async (
    from: ListingReader<ListedVersion>,
    last: string,
  ): Promise<ListedVersion | null> => {
    for (;;) {
      const peeked = from.peek();
      const version = peeked instanceof Promise ? await peeked : peeked;
      if (version === null || compareKeys(version.key, last) > 0) return null;
      if (counts(version)) return version;
      from.take();
    }
  };

  /** What the destination has of the open key besides is older than all of the source, and no matter. */
  const close = async (from: ListingReader<ListedVersion>): Promise<void> => {
    if (open === null) return;
    const key = mapKey(mapping, open.key);
    while ((await nextUpTo(from, key)) !== null) from.take();
    const closed = open;
    open = null;
    await note(differenceOf(closed));
  };

  /** Takes all keys before this one, which the source does not have; null: to the end. */
  const passExtras = async (from: ListingReader<ListedVersion>, before: string | null): Promise<void> => {
    const extra: Difference = { kind: 'extra', key: '', sizeBytes: 0, missingVersions: 0 };
    for (;;) {
      const peeked = from.peek();
      const version = peeked instanceof Promise ? await peeked : peeked;
      if (version === null || (before !== null && compareKeys(version.key, before) >= 0)) break;
      from.take();
      const key = mapping.sourcePrefix + version.key.slice(mapping.destinationPrefix.length);
      if (!counts(version) || !wants(key)) continue;
      if (extra.key !== key) {
        if (extra.key !== '') await note({ ...extra });
        extra.key = key;
        extra.sizeBytes = 0;
      }
      extra.sizeBytes += version.sizeBytes;
    }
    if (extra.key !== '') await note(extra);
  };

  const meet = async (from: ListingReader<ListedVersion>, source: ListedVersion): Promise<void> => {
    const key = mapKey(mapping, source.key);
    if (open?.key !== source.key) {
      await close(from);
      await passExtras(from, key);
      open = openKey(source.key);
    }
    const peeked = from.peek();
    const head = peeked instanceof Promise ? await peeked : peeked;
    const counterpart = head !== null && head.key === key && counts(head) ? head : await nextUpTo(from, key);
    pair(open, source, counterpart, compare);
    if (counterpart !== null) from.take();
  };

  return async ({ entries, after, through, carry }) => {
    const from = (reader ??= await begin(after, carry));
    for (const source of entries) if (counts(source) && wants(source.key)) await meet(from, source);
    // Behind all versions of a key, or at the end, nothing of it can follow.
    if (through === null || through.versionId === null) {
      await close(from);
      await passExtras(from, through === null ? null : mapKey(mapping, through.key) + FIRST_AFTER);
    }
    await flush();
    // Between two versions of a key the source's marker does not tell where the destination is.
    return through === null || through.versionId === null ? null : stateOf(open, from.position);
  };
};

/** Appended to a key: the least text behind it. */
const FIRST_AFTER = '\0';

const pair = (
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
  if (open.verdict === 'same') open.verdict = compare(source, counterpart);
};

const differenceOf = ({ key, verdict, pairs, missingVersions, sizeBytes }: OpenKey): Difference | null => {
  const facts = { key, sizeBytes, missingVersions };
  if (pairs === 0) return { kind: 'missing', ...facts };
  if (verdict !== 'same') return { kind: verdict, ...facts };
  return missingVersions > 0 ? { kind: 'history-shorter', ...facts } : null;
};
