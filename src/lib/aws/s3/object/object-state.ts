/** Reads the domain's object state from the output of GetObject and HeadObject. */
import { ReplicationError } from '../../../model/errors.ts';
import type { Checksum, ChecksumAlgorithm, ObjectLock, ObjectState } from '../../../model/ports.ts';
import { partsInEtag } from '../../../replica/proof.ts';
import { headerAttributes, type ObjectAnswer } from './object-headers.ts';

/**
 * Reads the state of an object. Throws `service-error` when S3's response lacks a field that every complete response has. The
 * status 200 alone proves nothing.
 */
export const objectState = (answer: ObjectAnswer): ObjectState => {
  if (answer.ETag === undefined || answer.ContentLength === undefined) {
    throw new ReplicationError('service-error', 'the answer of S3 has no ETag or no length');
  }
  return {
    versionId: answer.VersionId ?? null,
    etag: answer.ETag,
    sizeBytes: answer.ContentLength,
    lastModifiedMs: answer.LastModified?.getTime() ?? 0,
    encryption: answer.ServerSideEncryption ?? null,
    checksum: storedChecksum(answer),
    attributes: { ...headerAttributes(answer), metadata: answer.Metadata ?? {} },
    // S3 sends the count only to callers that have permission to read the tags.
    tagCount: answer.TagCount ?? 0,
    lock: lockOf(answer),
  };
};

/** Reads the Object Lock settings. S3 sends them only to callers that have permission to read them. */
const lockOf = (answer: ObjectAnswer): ObjectLock => {
  const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until, ObjectLockEventHold: hold } = answer;
  // Under an event hold there may be a mode without a date, because the date is set when the hold ends.
  if ((mode === undefined) !== (until === undefined) && hold !== 'ON') {
    // A replica with only half of the retention would be locked differently from its source, or not at all.
    throw new ReplicationError('service-error', 'the answer of S3 has half a retention');
  }
  return {
    retention: mode === undefined || until === undefined ? null : { mode, untilMs: until.getTime() },
    legalHold: answer.ObjectLockLegalHoldStatus === 'ON',
  };
};

/**
 * Refuses a source version whose replica would not be complete. An event hold cannot be replicated. Metadata entries with characters that
 * HTTP headers do not allow can be written through other interfaces, but S3 leaves them out of its responses. Objects at the destination
 * are not refused, because a newer replica can replace them in both cases.
 */
export const refuseIncomplete = ({ ObjectLockEventHold: hold, MissingMeta }: ObjectAnswer): void => {
  if (hold === 'ON')
    throw new ReplicationError(
      'object-lock',
      'the source version is under an event hold, which cannot travel',
    );
  if ((MissingMeta ?? 0) > 0)
    throw new ReplicationError('invalid-request', `S3 cannot return ${MissingMeta} metadata entries`);
};

/** The checksum fields that S3's responses about objects and parts share. */
export type ChecksumFields = Partial<Record<`Checksum${ChecksumAlgorithm}`, string | undefined>> & {
  ETag?: string | undefined;
  ChecksumType?: 'COMPOSITE' | 'FULL_OBJECT' | undefined;
};

/** Returns the checksum in a response. Returns null if there is none. */
export const storedChecksum = (answer: ChecksumFields): Checksum | null => {
  for (const algorithm of ALGORITHMS) {
    const value = answer[`Checksum${algorithm}`];
    if (value === undefined) continue;
    // S3 always sends the type of a multipart object's checksum. Some servers do not, and then the checksum may be of either type. Such a
    // checksum counts as composite. If it counted as the checksum of the whole object but was composite, equal objects would seem to
    // differ.
    const untyped = answer.ChecksumType === undefined && partsInEtag(answer.ETag ?? '') !== null;
    const composite = answer.ChecksumType === 'COMPOSITE' || untyped || /-\d+$/.test(value);
    return { algorithm, type: composite ? 'COMPOSITE' : 'FULL_OBJECT', value };
  }
  return null;
};

/** Returns the checksum as a field of a request. */
export const checksumField = (checksum: Checksum): ChecksumFields => ({
  [`Checksum${checksum.algorithm}`]: checksum.value,
});

const ALGORITHMS: readonly ChecksumAlgorithm[] = [
  'CRC64NVME',
  'CRC32',
  'CRC32C',
  'SHA1',
  'SHA256',
  'SHA512',
  'MD5',
  'XXHASH64',
  'XXHASH3',
  'XXHASH128',
];
