/** What the listings say of one pair of versions, for one run. */
import { compareVersions, type Verdict } from '../../listing/compare-versions.ts';
import type { ListedVersion } from '../../listing/page.ts';
import type { Destination } from '../../model/rule.ts';
import type { RunSpec } from '../run.ts';
import { isStorageClassRight } from './storage-class.ts';

/** Attributes are those of what the key shows now: of other versions nothing but the content is compared. */
export const compareListed = (
  destination: Destination,
  attributes: RunSpec['attributes'],
  source: ListedVersion,
  replica: ListedVersion,
): Verdict => {
  const verdict = compareVersions(source, replica);
  if (verdict !== 'same' || source.kind !== 'object' || !source.isLatest) return verdict;
  return attributes === 'all' || !isStorageClassRight(destination, replica.storageClass)
    ? 'attributes'
    : 'same';
};
