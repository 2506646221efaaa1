/** Tells from one HEAD on each side whether the destination already holds a source version. */
import type { ObjectState } from '../model/ports.ts';
import { contentProof } from './proof.ts';
import { names, namesOneState, type Place, stampOn, withoutStamp } from './stamp.ts';

/** True: the replica, at its place, is what would be written for this source version. */
export const holds = (replica: ObjectState, source: ObjectState, place: Place): boolean => {
  if (replica.sizeBytes !== source.sizeBytes) return false;
  const stamp = stampOn(replica, place);
  if (stamp !== null && !names(stamp, source)) return false;
  const content = contentProof(replica, source);
  if (stamp === null) return content === 'same' && sameHeaders(replica, source);
  // If nothing can be compared, a stored checksum means that S3 checked the bytes against it on arrival.
  const checked = content === 'same' || (content === 'unknown' && replica.checksum !== null);
  // An ETag repeats when the same bytes are written with other metadata; a version id does not.
  return checked && (namesOneState(source) || sameHeaders(replica, source));
};

/** True: both answers of the source show the same state of the key. */
export const sameState = (one: ObjectState, other: ObjectState): boolean =>
  one.versionId === other.versionId &&
  one.etag === other.etag &&
  one.lastModifiedMs === other.lastModifiedMs &&
  // If versions have no id, the same bytes with other metadata may be written within the same second.
  sameHeaders(one, other);

/** Compares headers and user metadata without the stamp, and not the storage class, which lifecycle rules change. */
export const sameHeaders = (replica: ObjectState, source: ObjectState): boolean => {
  const { metadata: _one, storageClass: _class, ...replicaHeaders } = replica.attributes;
  const { metadata: _other, storageClass: _sourceClass, ...sourceHeaders } = source.attributes;
  return (
    canonicalJson(replicaHeaders) === canonicalJson(sourceHeaders) &&
    canonicalJson(withoutStamp(replica)) === canonicalJson(withoutStamp(source))
  );
};

const canonicalJson = (record: object): string => JSON.stringify(Object.entries(record).sort());
