/** Compares one pair of versions for a run by what the listings say. */
import { compareVersions, type Verdict } from '../../listing/compare-versions.ts';
import type { ListedVersion } from '../../listing/page.ts';
import type { Destination } from '../../model/rule.ts';
import type { RunSpec } from '../run.ts';
import { isStorageClassRight } from './storage-class.ts';

/** Attributes are compared only for the current version of a key; for other versions only the content is compared. */
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
