/**
 * Does the destination already hold a source version? Answered from one HEAD on each side.
 */
import type { ObjectState } from '../model/ports.ts';
import { contentProof } from './proof.ts';
import { names, namesOneState, type Place, stampOn, withoutStamp } from './stamp.ts';

/** Is the replica, at its place, the one that would be written for this source version? */
export const holds = (replica: ObjectState, source: ObjectState, place: Place): boolean => {
  if (replica.sizeBytes !== source.sizeBytes) return false;
  const stamp = stampOn(replica, place);
  if (stamp !== null && !names(stamp, source)) return false;
  const content = contentProof(replica, source);
  if (stamp === null) return content === 'same' && sameHeaders(replica, source);
  // Nothing to compare: S3 checked the bytes against this checksum when they came. Without one nobody did.
  const checked = content === 'same' || (content === 'unknown' && replica.checksum !== null);
  // An ETag repeats when the same bytes are written with other metadata; a version id does not.
  return checked && (namesOneState(source) || sameHeaders(replica, source));
};

/** Are these two looks at the source the same state of the key? */
export const sameState = (one: ObjectState, other: ObjectState): boolean =>
  one.versionId === other.versionId &&
  one.etag === other.etag &&
  one.lastModifiedMs === other.lastModifiedMs &&
  // Where versions have no id, the same bytes with other metadata may be written within the same second.
  sameHeaders(one, other);

/** Headers and user metadata, the stamp aside; not the storage class, which lifecycle rules change. */
export const sameHeaders = (replica: ObjectState, source: ObjectState): boolean => {
  const { metadata: _one, storageClass: _class, ...replicaHeaders } = replica.attributes;
  const { metadata: _other, storageClass: _sourceClass, ...sourceHeaders } = source.attributes;
  return (
    canonical(replicaHeaders) === canonical(sourceHeaders) &&
    canonical(withoutStamp(replica)) === canonical(withoutStamp(source))
  );
};

const canonical = (record: object): string => JSON.stringify(Object.entries(record).sort());
