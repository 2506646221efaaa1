/** The entries that count in the listings of a run. */
import { type CreateEntryFilter, passIf, passMergedMarkers } from '../../listing/counted-entries.ts';
import type { ListedVersion } from '../../listing/page.ts';
import { listedIsWanted } from '../../model/filter.ts';
import type { ReplicationRule } from '../../model/rule.ts';
import type { RunSpec } from '../run.ts';

/**
 * Passes objects that the rule wants by key and size. If the run compares all versions and the rule replicates deletes, it also
 * passes delete markers. `keyOf` returns the source's key for a listed key. If `passesShown` is true, the latest version of
 * every key passes if it is an object, even if the rule does not want it. This is for the destination, where replicas that the rule no
 * longer wants are counted separately.
 */
export const runFilter = (
  rule: Pick<ReplicationRule, 'deletes' | 'exclude' | 'filter'>,
  { versions }: Pick<RunSpec, 'versions'>,
  { keyOf, passesShown }: { keyOf: (key: string) => string; passesShown: boolean },
): CreateEntryFilter => {
  const counts = ({ key, sizeBytes, isLatest }: ListedVersion): boolean =>
    (passesShown && isLatest) || listedIsWanted(rule, { key: keyOf(key), sizeBytes });
  if (versions !== 'all' || rule.deletes !== 'replicate')
    return () => passIf((entry) => entry.kind === 'object' && counts(entry));
  return (pending) => {
    const merged = passMergedMarkers(pending);
    return {
      pass: (entry) => (entry.kind === 'delete-marker' || counts(entry) ? merged.pass(entry) : []),
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
