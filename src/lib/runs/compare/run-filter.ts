/** Which entries of either listing count in a run. */
import { type CreateEntryFilter, passIf, passMergedMarkers } from '../../listing/counted-entries.ts';
import type { ListedVersion } from '../../listing/page.ts';
import { sizeIsWanted } from '../../model/filter.ts';
import type { ReplicationRule } from '../../model/rule.ts';
import type { RunSpec } from '../run.ts';

/** Objects of a size that the rule wants; and delete markers, where the run is about histories and the rule replicates deletes. */
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

/** The same filter, which also hands each entry that passes to `note`. */
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
