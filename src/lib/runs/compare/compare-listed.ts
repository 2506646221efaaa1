/** Compares one pair of versions by what the listings show, as the options of the run require. */
import { compareVersions, type Verdict } from '../../listing/compare-versions.ts';
import type { ListedVersion } from '../../listing/page.ts';
import type { Destination } from '../../model/rule.ts';
import type { RunSpec } from '../run.ts';
import { isStorageClassRight } from '../../replica/storage-class.ts';

/** Attributes are compared only for the current version of a key. For all other versions only the content is compared. */
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
