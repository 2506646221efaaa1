/**
 * The stamp: one entry of user metadata that names the source version a replica holds. S3 offers no other field that an
 * external writer may set.
 */
import { createHash } from 'node:crypto';
import type { ObjectState } from '../model/ports.ts';
import type { Task } from '../model/task.ts';

/** S3 shows it as the header `x-amz-meta-s3r`. The name is short because S3 allows 2 KB of user metadata in all. */
export const STAMP_NAME = 's3r';

/** Maximum size of user metadata: 2 KB, counted as the bytes of names and values in UTF-8 (PutObject, "User-defined metadata"). */
const MAX_METADATA_BYTES = 2_048;

/** The place of a stamped object. A stamp that was copied along to another key says nothing there. */
export interface Place {
  bucket: string;
  key: string;
}

export const sourcePlace = ({ rule, key }: Pick<Task, 'rule' | 'key'>): Place => ({
  bucket: rule.source.bucket,
  key,
});

export const replicaPlace = ({
  destination,
  replicaKey,
}: Pick<Task, 'destination' | 'replicaKey'>): Place => ({
  bucket: destination.bucket,
  key: replicaKey,
});

/** Identifies a state of the source: the version id does, or the ETag where there is no unique id. */
export type Identified = Pick<ObjectState, 'versionId' | 'etag'>;

export interface Stamp {
  /** `v/<version id>`, or `e/<ETag>` if the version id does not name one state of the object. */
  identity: string;
  /** Last-Modified of the source in milliseconds. It tells what came before and after if the source version is gone. */
  modifiedMs: number;
}

/** ETags stand in for ids in unversioned buckets, and for the null version, which is overwritten in place. */
export const identityOf = (source: Identified): string =>
  namesOneState(source) ? `v/${source.versionId}` : `e/${source.etag.replaceAll('"', '')}`;

/** True: the version id alone tells this state from every other state of the key. */
export const namesOneState = (source: Identified): boolean =>
  source.versionId !== null && source.versionId !== 'null';

/** The stamp that an object got in this place; null: it has none. */
export const stampOn = (object: ObjectState, place: Place): Stamp | null => {
  const [, identity, seconds, tag] =
    /^([ve]\/.+)\/([0-9a-z]+)@([0-9a-f]{8})$/.exec(object.attributes.metadata[STAMP_NAME] ?? '') ?? [];
  if (identity === undefined || seconds === undefined || tag !== placeTag(place)) return null;
  return { identity, modifiedMs: Number.parseInt(seconds, 36) * 1_000 };
};

/** True: the stamp is about this state. The same bytes bring back an ETag, but hardly ever the time. */
export const names = (stamp: Stamp, state: Identified & { lastModifiedMs: number }): boolean =>
  stamp.identity === identityOf(state) &&
  (namesOneState(state) || sameSecond(stamp.modifiedMs, state.lastModifiedMs));

/** Headers give times in whole seconds; listings need not be truncated in the same way. */
export const sameSecond = (oneMs: number, otherMs: number): boolean =>
  Math.floor(oneMs / 1_000) === Math.floor(otherMs / 1_000);

/** The source's user metadata with the stamp, or without it if the stamp would not fit. */
export const stampedMetadata = (source: ObjectState, place: Place): Record<string, string> => {
  const seconds = Math.floor(source.lastModifiedMs / 1_000).toString(36);
  const stamp = `${identityOf(source)}/${seconds}@${placeTag(place)}`;
  const stamped = { ...withoutStamp(source), [STAMP_NAME]: stamp };
  return metadataBytes(stamped) <= MAX_METADATA_BYTES ? stamped : withoutStamp(source);
};

/** User metadata without a stamp: a source object may itself be a replica and carry the stamp of another source. */
export const withoutStamp = (object: ObjectState): Record<string, string> => {
  const { [STAMP_NAME]: _stamp, ...metadata } = object.attributes.metadata;
  return metadata;
};

const placeTag = ({ bucket, key }: Place): string =>
  createHash('sha256').update(`${bucket}/${key}`).digest('hex').slice(0, 8);

const metadataBytes = (metadata: Record<string, string>): number =>
  // S3 does not count the prefix. A server that does would refuse the whole object, so the prefix is counted here.
  Object.entries(metadata).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(`x-amz-meta-${name}${value}`),
    0,
  );
