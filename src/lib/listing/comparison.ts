/**
 * Compares source and destination side by side, as the consumer of a range's pages. Both listings have the same order. So memory
 * holds one page of each side and the facts about one key, however large the buckets are and however many versions a key has. A
 * step lists at most one page of the destination, however many entries the destination has between two versions of the source.
 */
import { compareVersions, type CompareVersions } from './compare-versions.ts';
import { comparisonJson, type ExtraKey, openKey, type OpenKey, parseState } from './comparison-state.ts';
import { type CreateEntryFilter, type EntryFilter, passIf } from './counted-entries.ts';
import { mapKey, mapMarker, markerWithin, type KeyMapping, unmapKey } from './destination-key.ts';
import { addPair, type ComparedKeys, type Difference, differenceOf } from './difference.ts';
import { compareKeys } from './key-order.ts';
import { createListingReader, type ListingReader } from './listing-reader.ts';
import type { ListedVersion, ListPage, Marker } from './page.ts';
import { MAX_PAGE_KEYS } from './range-work.ts';
import type { Json } from './range.ts';
import type { Checkpoint, Consume, Stretch } from './stretch.ts';

export interface ComparisonOptions {
  mapping: KeyMapping;
  /** Lists the same kind of entries as the source's listing: either versions or current objects. */
  listDestination: ListPage<ListedVersion>;
  /** Maximum number of entries in a page of the destination's listing. Default: 1,000. */
  pageSize?: number;
  /** Returns whether the rule wants this key. Default: all keys. */
  wants?: (sourceKey: string) => boolean;
  /** Create the filters that decide which entries count on each side. Default: objects count, delete markers do not. */
  filters?: { source: CreateEntryFilter; destination: CreateEntryFilter };
  compare?: CompareVersions;
  /**
   * Called with each counted source version after it was compared. Called again with the same version after a crash if the
   * comparison was not committed.
   */
  onSource?: (version: ListedVersion) => void;
  /**
   * Receives at most {@link MAX_DIFFERENCES} differences at a time. After a crash it receives the differences of an uncommitted
   * step again.
   */
  report(compared: ComparedKeys): Promise<void>;
}

const MAX_DIFFERENCES = 1_000;

/** Creates the consumer of one range: see `RangePorts.consumerOf`. */
export const createComparison = (options: ComparisonOptions): Consume<ListedVersion> => {
  let comparison: Comparison | null = null;
  return async (stretch, checkpoint) => {
    comparison ??= begin({ ...DEFAULTS, ...options }, stretch);
    return await compareStretch(comparison, stretch, checkpoint);
  };
};

const objectsOnly = (): EntryFilter => passIf(({ kind }) => kind === 'object');

const DEFAULTS = {
  pageSize: MAX_PAGE_KEYS,
  wants: () => true,
  filters: { source: objectsOnly, destination: objectsOnly },
  compare: compareVersions,
  onSource: () => undefined,
};

interface Comparison {
  readonly options: Required<ComparisonOptions>;
  readonly sourceFilter: EntryFilter;
  readonly destination: ListingReader;
  open: OpenKey | null;
  extra: ExtraKey | null;
  compared: ComparedKeys;
  /** The position behind the source's entry that was compared last, and the entry that was pending there. */
  source: { marker: Marker; pending: ListedVersion | null };
  /** Whether a page of the destination was listed since the last commit. */
  hasTurned: boolean;
  checkpoint: Checkpoint;
}

const begin = (
  options: Required<ComparisonOptions>,
  { after, carry }: Pick<Stretch<ListedVersion>, 'after' | 'carry'>,
): Comparison => {
  const { mapping, filters, listDestination, pageSize } = options;
  const earlier = parseState(carry);
  const at = earlier?.destination ?? { marker: mapMarker(mapping, after.key), pending: null };
  const filter = passBehind(at.marker, filters.destination(at.pending));
  const place = { prefix: mapping.destinationPrefix, after: markerWithin(at.marker), pageSize };
  return {
    options,
    sourceFilter: filters.source(earlier?.pending ?? null),
    destination: createListingReader(listDestination, filter, place),
    open: earlier?.open ?? null,
    extra: earlier?.extra ?? null,
    compared: { differences: [], sameKeys: 0 },
    source: { marker: after, pending: null },
    hasTurned: false,
    checkpoint: async () => undefined,
  };
};

/**
 * Skips all entries up to and including the key of `marker`. The listing contains such entries if its start marker had to be
 * shortened for S3. If `marker` has a version id, nothing is skipped.
 */
const passBehind = (marker: Marker, filter: EntryFilter): EntryFilter => ({
  pass: (entry) =>
    marker.versionId !== null || compareKeys(entry.key, marker.key) > 0 ? filter.pass(entry) : [],
  get pending() {
    return filter.pending;
  },
});

const compareStretch = async (
  comparison: Comparison,
  { entries, after, through }: Stretch<ListedVersion>,
  checkpoint: Checkpoint,
): Promise<Json> => {
  const { sourceFilter, options } = comparison;
  let previous = after;
  comparison.checkpoint = checkpoint;
  comparison.hasTurned = false;
  comparison.source = { marker: after, pending: sourceFilter.pending };
  for (const entry of entries) {
    for (const version of sourceFilter.pass(entry)) {
      if (options.wants(version.key)) await compareVersion(comparison, version);
      // If the filter passed a pending version together with `entry`, then `entry` is compared only after that version.
      comparison.source = { marker: version === entry ? entry : previous, pending: null };
    }
    previous = entry;
  }
  // If `through` is the end of the listing or a marker without a version, no further versions of the open key follow.
  const isBetweenKeys = through === null || through.versionId === null;
  if (isBetweenKeys) {
    await closeKey(comparison);
    await passExtras(
      comparison,
      through === null ? null : mapKey(options.mapping, through.key) + FIRST_AFTER,
    );
  }
  await flush(comparison);
  // Between two versions of a key, the source's marker does not show where to continue the destination's listing, so the carry
  // contains that position.
  return isBetweenKeys ? null : carryOf(comparison, sourceFilter.pending);
};

/** Appended to a key, this character gives the text that directly follows the key in the order of keys. */
const FIRST_AFTER = '\0';

const compareVersion = async (comparison: Comparison, version: ListedVersion): Promise<void> => {
  const { mapping, compare, onSource } = comparison.options;
  const key = mapKey(mapping, version.key);
  if (comparison.open?.key !== version.key) {
    await closeKey(comparison);
    await passExtras(comparison, key);
  }
  const head = comparison.destination.peek() ?? (await nextAtDestination(comparison));
  const counterpart = head?.key === key ? head : null;
  comparison.open ??= openKey(version.key);
  addPair(comparison.open, version, counterpart, compare);
  if (counterpart !== null) comparison.destination.take();
  onSource(version);
};

/**
 * Ends the comparison of the open key. If the destination has more versions of the key, they are older than all versions of the
 * source and do not count.
 */
const closeKey = async (comparison: Comparison): Promise<void> => {
  const { open, options, destination } = comparison;
  if (open === null) return;
  const key = mapKey(options.mapping, open.key);
  for (;;) {
    const head = destination.peek() ?? (await nextAtDestination(comparison));
    if (head === null || compareKeys(head.key, key) > 0) break;
    destination.take();
  }
  comparison.open = null;
  note(comparison, differenceOf(open));
  if (isFull(comparison)) await flush(comparison);
};

/**
 * Takes all keys of the destination before `before`, or all remaining keys if `before` is null. The source has none of these
 * keys.
 */
const passExtras = async (comparison: Comparison, before: string | null): Promise<void> => {
  const { destination } = comparison;
  const { mapping, wants } = comparison.options;
  for (;;) {
    const head = destination.peek() ?? (await nextAtDestination(comparison));
    if (head === null || (before !== null && compareKeys(head.key, before) >= 0)) break;
    destination.take();
    const key = unmapKey(mapping, head.key);
    if (!wants(key)) continue;
    if (comparison.extra?.key !== key) {
      noteExtra(comparison);
      if (isFull(comparison)) await flush(comparison);
    }
    // The newest version of a key is listed first.
    comparison.extra ??= { key, sizeBytes: 0, isShown: head.kind === 'object' && head.isLatest };
    comparison.extra.sizeBytes += head.sizeBytes;
  }
  noteExtra(comparison);
};

const noteExtra = (comparison: Comparison): void => {
  const { extra } = comparison;
  comparison.extra = null;
  if (extra === null || !extra.isShown) return;
  const { key, sizeBytes } = extra;
  note(comparison, { kind: 'extra', key, sizeBytes, missingVersions: 0 });
};

const note = ({ compared }: Comparison, difference: Difference | null): void => {
  if (difference === null) compared.sameKeys += 1;
  else compared.differences.push(difference);
};

const isFull = ({ compared }: Comparison): boolean => compared.differences.length >= MAX_DIFFERENCES;

const flush = async (comparison: Comparison): Promise<void> => {
  const { compared } = comparison;
  comparison.compared = { differences: [], sameKeys: 0 };
  if (compared.sameKeys > 0 || compared.differences.length > 0) await comparison.options.report(compared);
};

/**
 * Returns the next version at the destination, or null if there is none. Lists at most one page between two commits, so it may
 * have to commit the step so far before it lists another page.
 */
const nextAtDestination = async (comparison: Comparison): Promise<ListedVersion | null> => {
  const { destination } = comparison;
  for (;;) {
    const head = destination.peek();
    if (head !== null || destination.isLastPage()) return head;
    if (comparison.hasTurned) await commitStep(comparison);
    comparison.hasTurned = true;
    await destination.turn();
  }
};

const commitStep = async (comparison: Comparison): Promise<void> => {
  await flush(comparison);
  const { marker, pending } = comparison.source;
  const after = { key: marker.key, versionId: marker.versionId };
  await comparison.checkpoint({ after, carry: carryOf(comparison, pending) });
  comparison.hasTurned = false;
};

const carryOf = ({ open, extra, destination }: Comparison, pending: ListedVersion | null): Json =>
  comparisonJson({ open, extra, pending, destination: destination.position() });
