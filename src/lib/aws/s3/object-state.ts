/** The domain's object state, read from answers to GET and HEAD. */
import { ReplicationError } from '../../model/errors.ts';
import type { Checksum, ChecksumAlgorithm, ObjectLock, ObjectState } from '../../model/ports.ts';
import { partsInEtag } from '../../replica/proof.ts';
import { headerAttributes, type ObjectAnswer } from './object-headers.ts';

/** Throws `service-error` when S3's answer lacks a field that every answer has: a 200 alone proves nothing. */
export const objectState = (answer: ObjectAnswer): ObjectState => {
  if (answer.ETag === undefined || answer.ContentLength === undefined) {
    throw new ReplicationError('service-error', 'the answer of S3 has no ETag or no length');
  }
  if ((answer.MissingMeta ?? 0) > 0) {
    // The entries were written through an interface that allows other characters. A copy without them would not be complete.
    throw new ReplicationError('invalid-request', `S3 cannot return ${answer.MissingMeta} metadata entries`);
  }
  return {
    versionId: answer.VersionId ?? null,
    etag: answer.ETag,
    sizeBytes: answer.ContentLength,
    lastModifiedMs: answer.LastModified?.getTime() ?? 0,
    encryption: answer.ServerSideEncryption ?? null,
    checksum: storedChecksum(answer),
    attributes: { ...headerAttributes(answer), metadata: answer.Metadata ?? {} },
    // S3 sends the count only to callers that may read the tags.
    tagCount: answer.TagCount ?? 0,
    lock: lockOf(answer),
  };
};

/** The Object Lock settings, which S3 shows only to callers that may read them. */
const lockOf = (answer: ObjectAnswer): ObjectLock => {
  const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until, ObjectLockEventHold: hold } = answer;
  // Under an event hold there may be a mode without a date: the date is set when the hold ends.
  if ((mode === undefined) !== (until === undefined) && hold !== 'ON') {
    // A replica with only half of the retention would be locked differently from its source, or not at all.
    throw new ReplicationError('service-error', 'the answer of S3 has half a retention');
  }
  return {
    retention: mode === undefined || until === undefined ? null : { mode, untilMs: until.getTime() },
    legalHold: answer.ObjectLockLegalHoldStatus === 'ON',
  };
};

/** Refuses a source version under an event hold, because its replica would not be held. */
export const refuseEventHold = ({ ObjectLockEventHold: hold }: ObjectAnswer): void => {
  if (hold !== 'ON') return;
  throw new ReplicationError('object-lock', 'the source version is under an event hold, which cannot travel');
};

/** The checksum fields of all S3 answers about an object or a part. */
export interface ChecksumFields {
  ETag?: string | undefined;
  ChecksumCRC32?: string | undefined;
  ChecksumCRC32C?: string | undefined;
  ChecksumCRC64NVME?: string | undefined;
  ChecksumSHA1?: string | undefined;
  ChecksumSHA256?: string | undefined;
  ChecksumType?: 'COMPOSITE' | 'FULL_OBJECT' | undefined;
}

/** The checksum in an answer; null when there is none. */
export const storedChecksum = (answer: ChecksumFields): Checksum | null => {
  for (const algorithm of ALGORITHMS) {
    const value = answer[`Checksum${algorithm}`];
    if (value === undefined) continue;
    // S3 always sends the type of a multipart object's checksum. On a server that does not, the checksum may be of either type. If a
    // composite checksum counted as that of the whole object, equal objects would seem to differ.
    const untyped = answer.ChecksumType === undefined && partsInEtag(answer.ETag ?? '') !== null;
    const composite = answer.ChecksumType === 'COMPOSITE' || untyped || /-\d+$/.test(value);
    return { algorithm, type: composite ? 'COMPOSITE' : 'FULL_OBJECT', value };
  }
  return null;
};

/** The same checksum as a field of a request. */
export const checksumField = (checksum: Checksum): ChecksumFields => ({
  [`Checksum${checksum.algorithm}`]: checksum.value,
});

const ALGORITHMS: readonly ChecksumAlgorithm[] = ['CRC64NVME', 'CRC32', 'CRC32C', 'SHA1', 'SHA256'];
