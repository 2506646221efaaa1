/** Remembers the recently listed versions of both sides. The report, the hints and the judge need them. */
import { type KeyMapping, mapKey, unmapKey } from '../../listing/destination-key.ts';
import type { ListedVersion } from '../../listing/page.ts';
import type { ListedSide, ReportRow } from '../report/report-data.ts';

export interface ListedSides {
  sourceSeen(version: ListedVersion): void;
  replicaSeen(version: ListedVersion): void;
  /** Remembers the first pair of versions of a key. A later pair that differs replaces it. */
  paired(source: ListedVersion, replica: ListedVersion, differs: boolean): void;
  /** Returns the newest version of the key that was listed at the source, or null if none is remembered. */
  source(key: string): ListedVersion | null;
  replica(key: string): ListedVersion | null;
  /** Returns when either side last changed, as far as is known. Milliseconds since the epoch; 0: unknown. */
  changedMs(key: string): number;
  row(key: string, difference: ReportRow['difference']): Omit<ReportRow, 'reason'>;
  /** Discards the oldest entries if there are too many. */
  forget(): void;
}

/** Maximum number of entries kept for each side. */
const KEPT = 5_000;

export const createListedSides = (mapping: KeyMapping): ListedSides => {
  const sources = new Map<string, ListedVersion>();
  const replicas = new Map<string, ListedVersion>();
  const pairs = new Map<string, { source: ListedVersion; replica: ListedVersion }>();
  const replica = (key: string): ListedVersion | null =>
    pairs.get(key)?.replica ?? replicas.get(mapKey(mapping, key)) ?? null;
  return {
    sourceSeen(version) {
      if (!sources.has(version.key)) sources.set(version.key, version);
    },
    replicaSeen(version) {
      if (!replicas.has(version.key)) replicas.set(version.key, version);
    },
    paired(source, other, differs) {
      const key = unmapKey(mapping, other.key);
      if (differs || !pairs.has(key)) pairs.set(key, { source, replica: other });
    },
    source: (key) => sources.get(key) ?? null,
    replica,
    changedMs: (key) => Math.max(sources.get(key)?.lastModifiedMs ?? 0, replica(key)?.lastModifiedMs ?? 0),
    row: (key, difference) => ({
      key,
      difference,
      source: difference === 'extra' ? null : sideOf(pairs.get(key)?.source ?? sources.get(key)),
      replica: difference === 'missing' ? null : sideOf(replica(key)),
    }),
    forget() {
      for (const map of [sources, replicas, pairs]) {
        for (const key of map.keys()) {
          if (map.size <= KEPT) break;
          map.delete(key);
        }
      }
    },
  };
};

const sideOf = (entry: ListedVersion | null | undefined): ListedSide | null =>
  entry === null || entry === undefined
    ? null
    : { versionId: entry.versionId, sizeBytes: entry.sizeBytes, etag: entry.etag };
