/** Checks the storage class of a replica, which lifecycle rules may have changed since it was written. */
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
 * Can a replica that was written with the rule's class have this class now? If the rule names no class, every class is right: lifecycle
 * rules move objects on either side, and the replica was written with the class its source had at that time. `found` null: STANDARD.
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
