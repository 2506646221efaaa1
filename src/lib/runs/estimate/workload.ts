/** How much there is to list and to copy, told from listings alone. */
import { sizeIsWanted } from '../../model/filter.ts';
import type { ListedVersion } from '../../listing/page.ts';
import { partsInEtag } from '../../replica/proof.ts';
import type { ReplicationRule } from '../../model/rule.ts';
import type { RunSpec } from '../run.ts';

/** Numbers need not be whole: a sample is scaled up. */
export interface Workload {
  keys: number;
  versions: number;
  bytes: number;
  /** Of the versions, those that were uploaded in parts, and so are written in parts. */
  multiparts: number;
  /** Their parts. */
  parts: number;
  /** Full pages that list all there is, wanted or not. */
  pages: number;
}

export const NO_WORK: Workload = { keys: 0, versions: 0, bytes: 0, multiparts: 0, parts: 0, pages: 0 };

/** `one` and so many times `other`. */
export const addWork = (one: Workload, other: Workload, times = 1): Workload => ({
  keys: one.keys + other.keys * times,
  versions: one.versions + other.versions * times,
  bytes: one.bytes + other.bytes * times,
  multiparts: one.multiparts + other.multiparts * times,
  parts: one.parts + other.parts * times,
  pages: one.pages + other.pages * times,
});

const PAGE_SIZE = 1_000;

/** Counts the pages of one range, in order. What the rule decides by tags, or by who wrote the object, no listing tells. */
export const createWorkCounter = (
  rule: ReplicationRule,
  { since }: Pick<RunSpec, 'since'>,
): ((entries: Iterable<ListedVersion>) => Workload) => {
  const sinceMs = since === null ? -Infinity : Date.parse(since);
  let lastKey: string | null = null;
  return (entries) => {
    const work = { ...NO_WORK };
    for (const entry of entries) {
      work.pages += 1 / PAGE_SIZE;
      const isWanted =
        entry.kind === 'object' &&
        entry.lastModifiedMs >= sinceMs &&
        entry.key.endsWith(rule.source.suffix) &&
        sizeIsWanted(rule.filter, entry);
      if (!isWanted) continue;
      if (entry.key !== lastKey) work.keys += 1;
      lastKey = entry.key;
      work.versions += 1;
      work.bytes += entry.sizeBytes;
      const parts = partsInEtag(entry.etag);
      if (parts === null) continue;
      work.multiparts += 1;
      work.parts += parts;
    }
    return work;
  };
};
