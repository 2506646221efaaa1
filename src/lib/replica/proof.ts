/**
 * Proofs that a replica equals its source. Either S3 checks the bytes while it receives them, or the stored digests are compared
 * afterwards. No replica is reported as good without a proof.
 */
import { ReplicationError } from '../model/errors.ts';
import type { Checksum, Guard, ObjectState, Written } from '../model/ports.ts';

/** Why a replica is known to equal its source. */
export type Proof = (typeof PROOFS)[number];
export const PROOFS = ['checksum', 'etag', 'md5', 'computed', 'copied-by-s3'] as const;

/** How S3 got the bytes. Either S3 checked the bytes that it received, or S3 copied the bytes itself. */
export type Trust = Guard | { kind: 'copied-by-s3' };

/** Returns the strongest check that S3 can make on the bytes of this version. */
export const guardFor = (version: ObjectState): Guard => {
  if (version.checksum?.type === 'FULL_OBJECT') return { kind: 'checksum', checksum: version.checksum };
  const md5 = md5OfEtag(version);
  return md5 === null ? { kind: 'compute' } : { kind: 'md5', md5 };
};

/**
 * Returns the proof that the replica is good. The digests that S3 stored are compared first. If the digests are not comparable,
 * for example because KMS hides the ETag, `guard` is the proof: S3 checked the bytes on arrival, or copied them itself. Throws
 * `bad-checksum` if the digests differ, or if there is no proof.
 */
export const proofOf = (source: Comparable, written: Written, guard: Trust): Proof => {
  const proof = contentProof(written, source);
  if (proof === 'differs') {
    throw new ReplicationError('bad-checksum', 'the replica S3 stored differs from the source object');
  }
  if (proof === 'same')
    return compareChecksums(written.checksum, source.checksum) === 'same' ? 'checksum' : 'etag';
  switch (guard.kind) {
    case 'checksum':
      // A server that ignores checksums accepts any bytes, but its response does not contain the checksum.
      if (written.checksum?.value === guard.checksum.value) return 'checksum';
      break;
    case 'md5':
      return 'md5';
    case 'compute':
      return 'computed';
    case 'copied-by-s3':
      return 'copied-by-s3';
    case 'none':
      break;
  }
  throw new ReplicationError(
    'bad-checksum',
    'neither a checksum nor an ETag proves that the replica is right',
  );
};

type Comparable = Pick<Written, 'etag' | 'encryption' | 'checksum'>;

/** Compares the content by checksums and ETags. Returns `unknown` if neither can be compared. */
export const contentProof = (replica: Comparable, source: Comparable): 'same' | 'differs' | 'unknown' => {
  const byChecksum = compareChecksums(replica.checksum, source.checksum);
  const byEtag = compareEtags(replica, source);
  // A CRC may be equal by chance or on purpose, so two MD5s that differ overrule it.
  if (byChecksum === 'differs' || byEtag === 'differs') return 'differs';
  return byChecksum === 'same' || byEtag === 'same' ? 'same' : 'unknown';
};

/**
 * The digest by which two contents are the same, the strongest first.
 * - `sha`: a SHA checksum that S3 stored.
 * - `md5`: the ETag or a checksum that is an MD5 of the content or of its parts. Other bytes for a given MD5 cannot be made.
 * - `crc`: a checksum against faults. An attacker can make other bytes with the same value.
 */
export type Digest = 'sha' | 'md5' | 'crc';

/** Returns the strongest digest by which the contents are the same, or null if no digest shows that they are. */
export const sameDigest = (replica: Comparable, source: Comparable): Digest | null => {
  if (contentProof(replica, source) !== 'same') return null;
  const isByChecksum = compareChecksums(replica.checksum, source.checksum) === 'same';
  const algorithm = isByChecksum ? (source.checksum?.algorithm ?? '') : '';
  if (algorithm.startsWith('SHA')) return 'sha';
  return algorithm === 'MD5' || compareEtags(replica, source) === 'same' ? 'md5' : 'crc';
};

/**
 * Returns true if the author of the replica's bytes may have made them look like the source. This is possible if no digest agrees,
 * or only a CRC.
 */
export const isForgeable = (replica: Comparable, source: Comparable): boolean =>
  (sameDigest(replica, source) ?? 'crc') === 'crc';

const compareEtags = (replica: Comparable, source: Comparable): 'same' | 'differs' | 'unknown' => {
  if (!etagIsDigest(replica) || !etagIsDigest(source)) return 'unknown';
  if (replica.etag === source.etag) return 'same';
  // The same bytes have different ETags if the part boundaries differ, so only two plain MD5s can prove a difference.
  return partsInEtag(replica.etag) === partsInEtag(source.etag) && partsInEtag(source.etag) === null
    ? 'differs'
    : 'unknown';
};

/** Returns the N of a multipart ETag `"…-N"`, or null if the object was written in one piece. */
export const partsInEtag = (etag: string): number | null => {
  const match = /^"?[^"-]+-(\d{1,5})"?$/.exec(etag);
  return match?.[1] === undefined ? null : Number(match[1]);
};

/** Returns the MD5 in an ETag as base64, or null if the ETag is not the MD5 of the content. */
export const md5OfEtag = (object: Comparable): string | null => {
  const hex = /^"?([0-9a-f]{32})"?$/.exec(object.etag)?.[1];
  return hex === undefined || !etagIsDigest(object) ? null : Buffer.from(hex, 'hex').toString('base64');
};

/** Returns true if the object is encrypted with KMS. The ETag of such an object is not a digest of its content. */
export const isKms = (encryption: string | null): boolean => encryption?.startsWith('aws:kms') ?? false;

/**
 * This code's name for the encryption with a key of the customer. S3 returns its headers about this encryption only if the request
 * has that key.
 */
export const SSE_C = 'SSE-C';

/**
 * Returns true if the ETag is a digest. The ETag of an object encrypted with KMS or with a key of the customer is never one ("Object", S3
 * API reference).
 */
export const etagIsDigest = (object: Pick<Comparable, 'etag' | 'encryption'>): boolean =>
  !isKms(object.encryption) && object.encryption !== SSE_C && isMd5(object.etag);

/**
 * Returns true if the ETag looks like an MD5, of the content or of its parts. With KMS, the ETag is random instead. Two random ETags are
 * never equal. Therefore equal ETags of this form prove equal bytes, even if the encryption is not known.
 */
export const isMd5 = (etag: string): boolean => /^"?[0-9a-f]{32}(-\d{1,5})?"?$/.test(etag);

const compareChecksums = (one: Checksum | null, other: Checksum | null): 'same' | 'differs' | 'unknown' => {
  if (one === null || other === null) return 'unknown';
  if (one.algorithm !== other.algorithm || one.type !== other.type) return 'unknown';
  if (one.value === other.value) return 'same';
  // A composite checksum depends on the part boundaries, so two composite checksums may differ although the bytes are the same.
  return one.type === 'COMPOSITE' ? 'unknown' : 'differs';
};
