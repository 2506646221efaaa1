/** The hint that a run sends for a key that differs. */
import { type Hint, REPAIR } from '../../hint/hint.ts';
import type { ListedVersion } from '../../listing/page.ts';
import type { DifferenceKind } from '../report/report-data.ts';
import type { RunSpec } from '../run.ts';
import type { Scope } from './scope.ts';

export interface ListingOfRun {
  /** Id of the run. */
  run: string;
  /** The number of the listing within the run. */
  epoch: number;
  spec: RunSpec;
  scope: Scope;
}

export interface HintedKey {
  key: string;
  difference: DifferenceKind;
  /** Id of the source version that the hint is about; null: whatever the source holds. */
  versionId: string | null;
  /** The newest version that the source listed. */
  newest: ListedVersion | null;
}

export const differenceHint = (
  { run, epoch, spec, scope }: ListingOfRun,
  { key, difference, versionId, newest }: HintedKey,
): Hint => ({
  bucket: scope.rule.source.bucket,
  key,
  versionId,
  sizeBytes: newest?.kind === 'object' ? newest.sizeBytes : null,
  kind: hintKind(difference),
  // One listing hints at each key once, however often a page of it is repeated.
  identity: `${run}/${epoch}`,
  principalId: null,
  rule: spec.rule,
  destination: spec.destination,
  run,
});

/** A repair checks only the attributes of a replica that holds its version; it copies the content too if that turns out to be needed. */
const hintKind = (difference: DifferenceKind): string => {
  if (difference === 'extra') return difference;
  return difference === 'attributes' ? REPAIR : 'hint';
};
