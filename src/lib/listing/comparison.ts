/**
 * Source and destination side by side, as the consumer of a range's pages. Both listings are in the same order, so what is held is
 * a page of each and what is known of one key, however large the buckets are and however many versions a key has. However much of
 * the destination lies between two of the source's versions, no step takes more than a page of it.
 */
import { compareVersions, type CompareVersions } from './compare-versions.ts';
import { mapKey, mapMarker, markerWithin, type KeyMapping } from './destination-key.ts';
import { compareKeys } from './key-order.ts';
import { createListingReader, type ListingReader } from './listing-reader.ts';
import type { ListedVersion, ListPage, Marker } from './page.ts';
import { type ExtraKey, openKey, type OpenKey, parseState, stateOf } from './comparison-state.ts';
import type { Checkpoint, Stretch } from './range-work.ts';
import type { Json } from './range.ts';
import { type CreateSieve, sieveOf, type Sieve } from './counted-entries.ts';

/**
 * - `missing`: the destination has no version of the key.
 * - `different`, `look`: as {@link CompareVersions} says of the first pair of versions for which it says one of them.
 * - `history-shorter`: what the destination has is the same, but it has fewer versions.
 * - `attributes`: all is the same, but {@link CompareVersions} wants attributes to be looked at.
 * - `extra`: the source has no version of the key.
 */
export interface Difference {
  kind: 'missing' | 'different' | 'look' | 'history-shorter' | 'attributes' | 'extra';
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
  /** What counts on either side. Default: objects, no delete markers. */
  sieves?: { source: CreateSieve; destination: CreateSieve };
  compare?: CompareVersions;
  /** Told of each of the source's versions that counts, when it was compared: after a crash again, where it was not committed. */
  onSource?: (version: ListedVersion) => void;
  /** At most {@link BATCH} differences at a time. After a crash those of a step are found again. */
  report(findings: Findings): Promise<void>;
}

const BATCH = 1_000;

/** The consumer for the work on one range: see `RangePorts.consume`. */
export const createComparison = (
  options: ComparisonOptions,
): ((stretch: Stretch<ListedVersion>, checkpoint: Checkpoint) => Promise<Json>) => {
  const { mapping, listDestination, pageSize = 1_000, report } = options;
  const { wants = () => true, compare = compareVersions, sieves = OBJECTS_ALONE } = options;
  const { onSource = () => undefined } = options;
  let begun: { from: ListingReader; sieve: Sieve } | null = null;
  let open: OpenKey | null = null;
  let extra: ExtraKey | null = null;
  let findings: Findings = { differences: [], sameKeys: 0 };
  /** Behind what was taken of the source last, with what was pending there. */
  let source: { marker: Marker; pending: ListedVersion | null };
  /** Was a page of the destination asked for since the last commit? */
  let hasTurned = false;
  let commit: Checkpoint;

  const begin = (after: Marker, carry: Json): { from: ListingReader; sieve: Sieve } => {
    const earlier = parseState(carry);
    open = earlier?.open ?? null;
    extra = earlier?.extra ?? null;
    const prefix = mapping.destinationPrefix;
    const at = earlier?.destination ?? { marker: mapMarker(mapping, after.key), pending: null };
    const passed = sieves.destination(at.pending);
    // Of what a marker that was cut lists too much nothing counts.
    const sieve: Sieve = {
      pass: (entry) => (isBehind(entry, at.marker) ? passed.pass(entry) : []),
      get pending() {
        return passed.pending;
      },
    };
    return {
      from: createListingReader(listDestination, sieve, { prefix, after: markerWithin(at.marker), pageSize }),
      sieve: sieves.source(earlier?.pending ?? null),
    };
  };

  /** The next version at the destination; null: there is none. A page is asked for only when what came before is committed. */
  const next = async (from: ListingReader): Promise<ListedVersion | null> => {
    for (;;) {
      const head = from.peek();
      if (head !== null || from.isLastPage()) return head;
      if (hasTurned) await commitStep(from);
      hasTurned = true;
      await from.turn();
    }
  };

  const commitStep = async (from: ListingReader): Promise<void> => {
    await flush();
    const { marker, pending } = source;
    const state = stateOf({ open, extra, pending, destination: from.position() });
    await commit({ after: { key: marker.key, versionId: marker.versionId }, carry: state });
    hasTurned = false;
  };

  const note = (difference: Difference | null): void => {
    if (difference === null) findings.sameKeys += 1;
    else findings.differences.push(difference);
  };

  const noteExtra = (): void => {
    if (extra !== null) note({ kind: 'extra', ...extra, missingVersions: 0 });
    extra = null;
  };

  const flush = async (): Promise<void> => {
    const found = findings;
    findings = { differences: [], sameKeys: 0 };
    if (found.sameKeys > 0 || found.differences.length > 0) await report(found);
  };

  /** What the destination has of the open key besides is older than all of the source, and no matter. */
  const close = async (from: ListingReader): Promise<void> => {
    if (open === null) return;
    const key = mapKey(mapping, open.key);
    for (;;) {
      const head = from.peek() ?? (await next(from));
      if (head === null || compareKeys(head.key, key) > 0) break;
      from.take();
    }
    const closed = open;
    open = null;
    note(differenceOf(closed));
    if (findings.differences.length >= BATCH) await flush();
  };

  /** Takes all keys before this one, which the source does not have; null: to the end. */
  const passExtras = async (from: ListingReader, before: string | null): Promise<void> => {
    for (;;) {
      const head = from.peek() ?? (await next(from));
      if (head === null || (before !== null && compareKeys(head.key, before) >= 0)) break;
      from.take();
      const key = mapping.sourcePrefix + head.key.slice(mapping.destinationPrefix.length);
      if (!wants(key)) continue;
      if (extra?.key !== key) {
        noteExtra();
        if (findings.differences.length >= BATCH) await flush();
      }
      extra ??= { key, sizeBytes: 0 };
      extra.sizeBytes += head.sizeBytes;
    }
    noteExtra();
  };

  const meet = async (from: ListingReader, version: ListedVersion): Promise<void> => {
    const key = mapKey(mapping, version.key);
    if (open?.key !== version.key) {
      await close(from);
      await passExtras(from, key);
    }
    const head = from.peek() ?? (await next(from));
    const counterpart = head?.key === key ? head : null;
    open ??= openKey(version.key);
    pair(open, version, counterpart, compare);
    if (counterpart !== null) from.take();
    onSource(version);
  };

  return async ({ entries, after, through, carry }, checkpoint) => {
    commit = checkpoint;
    hasTurned = false;
    const { from, sieve } = (begun ??= begin(after, carry));
    let passed = after;
    source = { marker: after, pending: sieve.pending };
    for (const entry of entries) {
      for (const version of sieve.pass(entry)) {
        if (wants(version.key)) await meet(from, version);
        // One that was pending came through with the entry, which is still to come.
        source = { marker: version === entry ? entry : passed, pending: null };
      }
      passed = entry;
    }
    // Behind all versions of a key, or at the end, nothing of it can follow.
    const isBetweenKeys = through === null || through.versionId === null;
    if (isBetweenKeys) {
      await close(from);
      await passExtras(from, through === null ? null : mapKey(mapping, through.key) + FIRST_AFTER);
    }
    await flush();
    if (isBetweenKeys) return null;
    // Between two versions of a key the source's marker does not tell where the destination is.
    return stateOf({ open, extra, pending: sieve.pending, destination: from.position() });
  };
};

const OBJECTS_ALONE = {
  source: () => sieveOf(({ kind }) => kind === 'object'),
  destination: () => sieveOf(({ kind }) => kind === 'object'),
};

/** Appended to a key: the least text behind it. */
const FIRST_AFTER = '\0';

const isBehind = ({ key }: ListedVersion, marker: Marker): boolean =>
  marker.versionId !== null || compareKeys(key, marker.key) > 0;

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
  if (open.verdict === 'different' || open.verdict === 'look') return;
  const verdict = compare(source, counterpart);
  if (verdict !== 'same') open.verdict = verdict;
};

const differenceOf = ({ key, verdict, pairs, missingVersions, sizeBytes }: OpenKey): Difference | null => {
  const facts = { key, sizeBytes, missingVersions };
  if (pairs === 0) return { kind: 'missing', ...facts };
  if (verdict === 'different' || verdict === 'look') return { kind: verdict, ...facts };
  if (missingVersions > 0) return { kind: 'history-shorter', ...facts };
  return verdict === 'same' ? null : { kind: verdict, ...facts };
};
