/** The entries that count in the listings of a run. */
import { type CreateEntryFilter, passIf, passMergedMarkers } from '../../listing/counted-entries.ts';
import type { ListedVersion } from '../../listing/page.ts';
import { sizeIsWanted } from '../../model/filter.ts';
import type { ReplicationRule } from '../../model/rule.ts';
import type { RunSpec } from '../run.ts';

/**
 * Passes objects of a size that the rule wants. If the run compares all versions and the rule replicates deletes, it also passes
 * delete markers.
 */
export const runFilter = (
  { filter, deletes }: Pick<ReplicationRule, 'filter' | 'deletes'>,
  { versions }: Pick<RunSpec, 'versions'>,
): CreateEntryFilter => {
  if (versions !== 'all' || deletes !== 'replicate')
    return () => passIf((entry) => entry.kind === 'object' && sizeIsWanted(filter, entry));
  return (pending) => {
    const merged = passMergedMarkers(pending);
    return {
      pass: (entry) =>
        entry.kind === 'delete-marker' || sizeIsWanted(filter, entry) ? merged.pass(entry) : [],
      get pending() {
        return merged.pending;
      },
    };
  };
};

/** Returns the same filter, but each entry that it passes is also given to `note`. */
export const noting =
  (createFilter: CreateEntryFilter, note: (entry: ListedVersion) => void): CreateEntryFilter =>
  (from) => {
    const filter = createFilter(from);
    return {
      pass(entry) {
        const passed = filter.pass(entry);
        for (const each of passed) note(each);
        return passed;
      },
      get pending() {
        return filter.pending;
      },
    };
  };
