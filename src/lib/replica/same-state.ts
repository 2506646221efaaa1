/** Decides from one HEAD on each side whether the destination already holds a source version. */
import type { ObjectState } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { contentProof } from './proof.ts';
import { names, namesOneState, type Place, replicaPlace, stampOn, withoutStamp } from './stamp.ts';
import { isClassOfSecond } from './storage-class.ts';

/** Returns true if a copy of this source version to `place` would write the same replica as the one that is already there. */
export const holds = (replica: ObjectState, source: ObjectState, place: Place): boolean => {
  if (replica.sizeBytes !== source.sizeBytes) return false;
  const stamp = stampOn(replica, place);
  if (stamp !== null && !names(stamp, source)) return false;
  const content = contentProof(replica, source);
  if (stamp === null) return content === 'same' && sameHeaders(replica, source);
  // If the content cannot be compared, a stored checksum is enough, because S3 compared the bytes with this checksum on arrival.
  const checked = content === 'same' || (content === 'unknown' && replica.checksum !== null);
  // If the same bytes are written again with other metadata, the ETag is the same, but the version id is not.
  return checked && (namesOneState(source) || sameHeaders(replica, source));
};

/**
 * Returns false if an object without a stamp is older than the source version. Such an object cannot be the replica of this
 * version: it is the replica of an earlier version with the same bytes, or was written by somebody else. The time of an object
 * with a stamp is not checked, because the stamp names the source version.
 */
export const isInTime = (replica: ObjectState, source: ObjectState, place: Place): boolean =>
  stampOn(replica, place) !== null ||
  replica.lastModifiedMs >= Math.floor(source.lastModifiedMs / 1_000) * 1_000;

/**
 * Returns false if the version was written again with another storage class within the same second, and no version id shows this
 * (see {@link isClassOfSecond}).
 */
export const holdsClass = (task: Task, replica: ObjectState, source: ObjectState, nowMs: number): boolean =>
  (namesOneState(source) && stampOn(replica, replicaPlace(task)) !== null) ||
  isClassOfSecond(task.destination, { replica, source, nowMs });

/** Returns true if two responses of the source show the same state of the key. */
export const sameState = (one: ObjectState, other: ObjectState): boolean =>
  one.versionId === other.versionId &&
  one.etag === other.etag &&
  one.lastModifiedMs === other.lastModifiedMs &&
  // Without version ids, the same bytes may have been written with other metadata or another storage class within the same second.
  one.attributes.storageClass === other.attributes.storageClass &&
  sameHeaders(one, other);

/**
 * Compares the headers and the user metadata, except the stamp. The storage class is not compared, because lifecycle rules change
 * it.
 */
export const sameHeaders = (replica: ObjectState, source: ObjectState): boolean => {
  const { metadata: _one, storageClass: _class, ...replicaHeaders } = replica.attributes;
  const { metadata: _other, storageClass: _sourceClass, ...sourceHeaders } = source.attributes;
  return (
    canonicalJson(replicaHeaders) === canonicalJson(sourceHeaders) &&
    canonicalJson(withoutStamp(replica)) === canonicalJson(withoutStamp(source))
  );
};

const canonicalJson = (record: object): string => JSON.stringify(Object.entries(record).sort());
