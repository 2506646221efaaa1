/** The hint that a run sends for a key that differs. */
import { type Hint, REPAIR, REWRITE } from '../../hint/hint.ts';
import type { ListedVersion } from '../../listing/page.ts';
import type { DifferenceKind } from '../report/report-data.ts';
import type { RunSpec } from '../run.ts';
import type { Scope } from './scope.ts';

export interface ListingOfRun {
  run: string;
  /** The number of the listing within the run. */
  epoch: number;
  spec: RunSpec;
  scope: Scope;
}

export interface HintedKey {
  key: string;
  difference: DifferenceKind;
  /** Id of the source version that the hint names; null: the hint names no version. */
  versionId: string | null;
  /** The newest version of the key in the source's listing; null: unknown. */
  newest: ListedVersion | null;
  /** Whether the replica has other bytes although a digest or its stamp says that it has not. */
  isFaked: boolean;
}

export const differenceHint = (
  { run, epoch, spec, scope }: ListingOfRun,
  { key, difference, versionId, newest, isFaked }: HintedKey,
): Hint => ({
  bucket: scope.rule.source.bucket,
  key,
  versionId,
  sizeBytes: newest?.kind === 'object' ? newest.sizeBytes : null,
  kind: isFaked ? REWRITE : hintKind(difference),
  // A page may be compared again after a crash. The hints of the page then have the same identity as before, so they are
  // recognised as duplicates.
  identity: `${run}/${epoch}`,
  principalId: null,
  rule: spec.rule,
  destination: spec.destination,
  run,
});

/**
 * Returns the kind of the hint. If the replica holds the version that a repair hint names, only the attributes are checked. If
 * the content turns out to differ, it is copied too.
 */
const hintKind = (difference: DifferenceKind): string => {
  if (difference === 'extra') return difference;
  return difference === 'attributes' ? REPAIR : 'hint';
};
