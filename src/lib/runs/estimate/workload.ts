/** The amount of work for listing and copying, counted only from listings. */
import { listedIsWanted } from '../../model/filter.ts';
import type { ListedVersion } from '../../listing/page.ts';
import { MAX_PAGE_KEYS } from '../../listing/range-work.ts';
import { HELD_BYTES } from '../../replica/object-lock.ts';
import { partsInEtag } from '../../replica/proof.ts';
import type { ReplicationRule } from '../../model/rule.ts';
import type { RunSpec } from '../run.ts';

/** The amounts of work. They may be fractions, because samples are scaled up. */
export interface Workload {
  keys: number;
  versions: number;
  bytes: number;
  /** The number of versions that were uploaded in parts, and whose replicas are therefore written in parts. */
  multiparts: number;
  /** The total number of parts of these versions. */
  parts: number;
  /** The bytes of versions whose parts are too large to be held in memory. Under Object Lock such parts may be read twice. */
  bytesInLargeParts: number;
  /** The number of full pages needed to list all entries, including those that the rule does not want. */
  pages: number;
}

export const NO_WORK: Workload = {
  keys: 0,
  versions: 0,
  bytes: 0,
  multiparts: 0,
  parts: 0,
  bytesInLargeParts: 0,
  pages: 0,
};

/** Returns `one` plus `other` multiplied by `times`. */
export const addWork = (one: Workload, other: Workload, times = 1): Workload => ({
  keys: one.keys + other.keys * times,
  versions: one.versions + other.versions * times,
  bytes: one.bytes + other.bytes * times,
  multiparts: one.multiparts + other.multiparts * times,
  parts: one.parts + other.parts * times,
  bytesInLargeParts: one.bytesInLargeParts + other.bytesInLargeParts * times,
  pages: one.pages + other.pages * times,
});

/**
 * Creates a counter for the pages of one range. The counter must receive the pages in order. Listings do not show tags or
 * writers, so the rule's conditions on tags and writers are ignored.
 */
export const createWorkCounter = (
  rule: ReplicationRule,
  { since }: Pick<RunSpec, 'since'>,
): ((entries: Iterable<ListedVersion>) => Workload) => {
  const sinceMs = since === null ? -Infinity : Date.parse(since);
  let lastKey: string | null = null;
  return (entries) => {
    const work = { ...NO_WORK };
    for (const entry of entries) {
      work.pages += 1 / MAX_PAGE_KEYS;
      const isWanted =
        entry.kind === 'object' &&
        entry.lastModifiedMs >= sinceMs &&
        entry.key.endsWith(rule.source.suffix) &&
        listedIsWanted(rule, entry);
      if (!isWanted) continue;
      if (entry.key !== lastKey) work.keys += 1;
      lastKey = entry.key;
      work.versions += 1;
      work.bytes += entry.sizeBytes;
      const parts = partsInEtag(entry.etag);
      if (parts === null) continue;
      work.multiparts += 1;
      work.parts += parts;
      if (entry.sizeBytes / parts > HELD_BYTES) work.bytesInLargeParts += entry.sizeBytes;
    }
    return work;
  };
};
