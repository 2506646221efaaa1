/** Checks the storage class of a replica. Lifecycle rules may have changed the class since the replica was written. */
import type { Destination } from '../../model/rule.ts';

/**
 * Lifecycle rules move objects down this list and never up.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
 */
const WATERFALL = [
  'STANDARD',
  'STANDARD_IA',
  'INTELLIGENT_TIERING',
  'ONEZONE_IA',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
];

/**
 * Returns whether a replica that was written with the rule's class may have the class `found` now. If the rule names no class,
 * every class is right: the replica was written with the class that its source had at that time, and lifecycle rules may since
 * have moved both objects. If `found` is null, the class is STANDARD.
 */
export const isStorageClassRight = (
  { storageClass: wanted }: Pick<Destination, 'storageClass'>,
  found: string | null,
): boolean => {
  const now = found ?? 'STANDARD';
  if (wanted === null || wanted === now) return true;
  const [from, to] = [WATERFALL.indexOf(wanted), WATERFALL.indexOf(now)];
  return from !== -1 && to > from;
};
