/** Chooses and checks the storage class of a replica. Lifecycle rules may have changed the class since the replica was written. */
import type { ObjectState } from '../model/ports.ts';
import type { Destination } from '../model/rule.ts';

type Classes = Pick<Destination, 'storageClass' | 'minimumStorageClass'>;

/**
 * Returns the class with which a replica is written. The uploader chose the source's class, and may have chosen one that loses objects. If
 * `given` is null, the class is STANDARD.
 */
export const replicaStorageClass = (
  { storageClass, minimumStorageClass }: Classes,
  given: string | null,
): string | null => {
  if (storageClass !== null) return storageClass;
  return isTooWeak(minimumStorageClass, given ?? 'STANDARD') ? minimumStorageClass : given;
};

/**
 * Returns false if the source object was written again with another storage class, but with the same bytes and within the same
 * second. Only the class shows such a write. The replicator can have missed it only if it wrote the replica at about the same
 * time. After a later write, the fresh look at the source shows the new class. Lifecycle rules change classes too, but never
 * before the end of the day (UTC) on which the object was written.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 */
export const isClassOfSecond = (
  destination: Classes,
  { replica, source, nowMs }: { replica: ObjectState; source: ObjectState; nowMs: number },
): boolean => {
  const wanted = replicaStorageClass(destination, source.attributes.storageClass) ?? 'STANDARD';
  if (wanted === (replica.attributes.storageClass ?? 'STANDARD')) return true;
  const isAtOnce = replica.lastModifiedMs < source.lastModifiedMs + ABOUT_A_SECOND_MS;
  return !isAtOnce || dayOf(source.lastModifiedMs) !== dayOf(nowMs);
};

/** One second, plus the maximum difference between the clocks of two buckets. */
const ABOUT_A_SECOND_MS = 6_000;

const dayOf = (ms: number): number => Math.floor(ms / 86_400_000);

const isTooWeak = (minimum: string | null, found: string): boolean =>
  minimum !== null && durability(found) < durability(minimum);

/**
 * How many failures a class survives. Objects in REDUCED_REDUNDANCY are lost now and then, objects in one zone are lost with the zone, and
 * every other class keeps objects in at least three zones.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html
 */
const durability = (storageClass: string): number =>
  storageClass === 'REDUCED_REDUNDANCY' ? 0 : ONE_ZONE.includes(storageClass) ? 1 : 2;

const ONE_ZONE = ['ONEZONE_IA', 'EXPRESS_ONEZONE'];

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
 * every class that is at least as durable as the rule's minimum is right: the replica was written with the class that its source
 * had at that time, and lifecycle rules may since have moved both objects. If `found` is null, the class is STANDARD.
 */
export const isStorageClassRight = (
  { storageClass: wanted, minimumStorageClass }: Classes,
  found: string | null,
): boolean => {
  const now = found ?? 'STANDARD';
  if (wanted === null) return !isTooWeak(minimumStorageClass, now);
  if (wanted === now) return true;
  const [from, to] = [WATERFALL.indexOf(wanted), WATERFALL.indexOf(now)];
  return from !== -1 && to > from;
};

/** Returns whether the rule restricts the storage class of replicas. */
export const asksForStorageClass = ({ storageClass, minimumStorageClass }: Classes): boolean =>
  storageClass !== null || minimumStorageClass !== null;
