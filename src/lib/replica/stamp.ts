/**
 * The stamp: one entry of user metadata that names the source version that a replica holds. S3 has no other field that an
 * external writer can set for this purpose.
 */
import { createHash } from 'node:crypto';
import type { ObjectState } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { digestsOf, isSignature, signedText, type Signer } from './stamp-signature.ts';

/**
 * The name of the metadata entry, which S3 shows as the header `x-amz-meta-s3r`. The name is short because S3 allows only 2 KB of
 * user metadata per object.
 */
export const STAMP_NAME = 's3r';

/**
 * Maximum size of user metadata. S3 allows 2 KB, counted as the bytes of names and values in UTF-8 (PutObject, "User-defined
 * metadata").
 */
const MAX_METADATA_BYTES = 2_048;

/**
 * The place of a stamped object. A stamp is valid only at the place for which it was made. If somebody copies the object with its
 * stamp to another key, the stamp is ignored there.
 */
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

/** Identifies a state of the source: by the version id, or by the ETag if the version id is not unique. */
export type Identified = Pick<ObjectState, 'versionId' | 'etag'>;

/** The source state that a stamp names. */
export interface StampedState {
  /** `v/<version id>`, or `e/<ETag>` if the version id does not name one state of the object. */
  identity: string;
  /**
   * Last-Modified of the source in milliseconds since the epoch. If the source version is gone, this time still shows which
   * versions are older.
   */
  modifiedMs: number;
}

/** A stamp is a claim of the writer of the object. Only {@link isProven} shows whether the claim is true. */
export interface Stamp extends StampedState {
  /** Identifies the source bucket and key from which the replica was copied (see `isFrom`). */
  from: string;
  /** The text of the stamp without the signature. */
  claim: string;
  /** The id of the key and the signature; null: the stamp is not signed. */
  signature: string | null;
}

/**
 * Returns the identity of a source state. In an unversioned bucket there is no version id, so the ETag is used. The ETag is also
 * used for the null version, because a null version is overwritten in place.
 */
export const identityOf = (source: Identified): string =>
  namesOneState(source) ? `v/${source.versionId}` : `e/${source.etag.replaceAll('"', '')}`;

/** Returns true if the version id alone distinguishes this state from every other state of the key. */
export const namesOneState = (source: Identified): boolean =>
  source.versionId !== null && source.versionId !== 'null';

/** Returns the object's stamp if that stamp was made for this place, and null otherwise. */
export const stampOn = (object: ObjectState, place: Place): Stamp | null => {
  const [, claim, identity, seconds, tag, from, signature = null] =
    /^(([ve]\/.+)\/([0-9a-z]+)@([0-9a-f]{8})([0-9a-f]{8}))(?:\.([0-9a-f]{8}[\w-]{86}))?$/.exec(
      object.attributes.metadata[STAMP_NAME] ?? '',
    ) ?? [];
  if (claim === undefined || identity === undefined || seconds === undefined || from === undefined)
    return null;
  if (tag !== placeTag(place)) return null;
  const modifiedMs = Number.parseInt(seconds, 36) * 1_000;
  return isPossible(modifiedMs, object) ? { identity, modifiedMs, from, claim, signature } : null;
};

/**
 * Returns true if one of the deployments with these public keys has signed the object's stamp, for these bytes at this place. An
 * object without any digest is never proven.
 */
export const isProven = (object: ObjectState, place: Place, publicKeys: readonly string[]): boolean => {
  const stamp = stampOn(object, place);
  if (stamp === null || stamp.signature === null) return false;
  const { claim, signature } = stamp;
  const { sizeBytes } = object;
  return digestsOf(object).some((digest) =>
    isSignature(signature, signedText({ ...place, claim, sizeBytes, digest }), publicKeys),
  );
};

/** How far the clocks of two buckets may be apart. Both are in S3, which gives whole seconds. */
const CLOCKS_APART_MS = 5_000;

/**
 * Returns false if the source version that the stamp names would be younger than its replica. The time of the replica comes from
 * S3, so somebody else wrote such a stamp. The stamp would make every later source version look old, and keep it from being
 * replicated.
 */
const isPossible = (modifiedMs: number, { lastModifiedMs }: ObjectState): boolean =>
  modifiedMs <= lastModifiedMs + CLOCKS_APART_MS;

export const isSameStamp = (one: Stamp, other: Stamp): boolean =>
  one.identity === other.identity && one.modifiedMs === other.modifiedMs;

/**
 * Returns true if the stamp names this state. The same bytes have the same ETag when they are written again, but hardly ever the
 * same time, so the time is compared too.
 */
export const names = (stamp: StampedState, state: Identified & { lastModifiedMs: number }): boolean =>
  stamp.identity === identityOf(state) &&
  (namesOneState(state) || sameSecond(stamp.modifiedMs, state.lastModifiedMs));

/**
 * Compares two times by their seconds. Headers give times in whole seconds, but the times in listings can have fractions of a
 * second.
 */
export const sameSecond = (oneMs: number, otherMs: number): boolean =>
  Math.floor(oneMs / 1_000) === Math.floor(otherMs / 1_000);

/** The place of a replica, and the source bucket and key from which it was copied. */
export interface Route {
  at: Place;
  from: Place;
}

export const replicaRoute = (task: Task): Route => ({ at: replicaPlace(task), from: sourcePlace(task) });

/** How a stamp is signed. */
export interface Seal {
  signer: Signer;
  /** Whether KMS will hide the ETag of the replica, so that another digest has to be signed. */
  hidesEtag: boolean;
}

/**
 * Returns the source's user metadata with the stamp. Without enough room the signature is left out first, and then the stamp. A
 * version without any digest gets no signature.
 */
export const stampedMetadata = (
  source: ObjectState,
  { at, from }: Route,
  seal: Seal | null = null,
): Record<string, string> => {
  const seconds = Math.floor(source.lastModifiedMs / 1_000).toString(36);
  const claim = `${identityOf(source)}/${seconds}@${placeTag(at)}${placeTag(from)}`;
  const metadata = withoutStamp(source);
  for (const stamp of [signed(claim, source, at, seal), claim]) {
    const stamped = { ...metadata, [STAMP_NAME]: stamp };
    if (metadataBytes(stamped) <= MAX_METADATA_BYTES) return stamped;
  }
  return metadata;
};

const signed = (claim: string, source: ObjectState, at: Place, seal: Seal | null): string => {
  if (seal === null) return claim;
  const encryption = seal.hidesEtag ? 'aws:kms' : source.encryption;
  const [digest] = digestsOf({ ...source, encryption });
  if (digest === undefined) return claim;
  const text = signedText({ ...at, claim, sizeBytes: source.sizeBytes, digest });
  return `${claim}.${seal.signer.sign(text)}`;
};

/** Returns false if the user metadata of this source version leaves no room for a stamp. */
export const canCarryStamp = (source: ObjectState, route: Route): boolean =>
  STAMP_NAME in stampedMetadata(source, route);

/** Returns true if a rule that copies from this bucket and key wrote the stamp. */
export const isFrom = (stamp: Stamp, place: Place): boolean => stamp.from === placeTag(place);

/** Returns the user metadata without a stamp. A source object may itself be a replica, with the stamp of another source. */
export const withoutStamp = (object: ObjectState): Record<string, string> => {
  const { [STAMP_NAME]: _stamp, ...metadata } = object.attributes.metadata;
  return metadata;
};

const placeTag = ({ bucket, key }: Place): string =>
  createHash('sha256').update(`${bucket}/${key}`).digest('hex').slice(0, 8);

const metadataBytes = (metadata: Record<string, string>): number =>
  // S3 does not count the prefix `x-amz-meta-`. A server that counts the prefix would refuse the whole object, so the prefix is
  // counted here.
  Object.entries(metadata).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(`x-amz-meta-${name}${value}`),
    0,
  );
