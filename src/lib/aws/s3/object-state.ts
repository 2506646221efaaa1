/** From GET and HEAD answers to the domain's object state. */
import type { GetObjectCommandOutput, HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../model/errors.ts';
import type { Checksum, ChecksumAlgorithm, ObjectLock, ObjectState } from '../../model/ports.ts';
import { partsInEtag } from '../../replica/proof.ts';
import { headerAttributes } from './object-headers.ts';

type Answer = GetObjectCommandOutput | HeadObjectCommandOutput;

/** Throws `service-error` where S3's answer lacks what every answer has: a 200 alone proves nothing. */
export const objectState = (answer: Answer): ObjectState => {
  if (answer.ETag === undefined || answer.ContentLength === undefined) {
    throw new ReplicationError('service-error', 'the answer of S3 has no ETag or no length');
  }
  if ((answer.MissingMeta ?? 0) > 0) {
    // Written through an interface that allowed other characters; a copy without these entries would not be one.
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
    // S3 says it only to those who may read the tags.
    tagCount: answer.TagCount ?? 0,
    lock: lockOf(answer),
  };
};

/** What the answer says of Object Lock, which S3 shows only to those who may read it. */
const lockOf = (answer: Answer): ObjectLock => {
  const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until, ObjectLockEventHold: hold } = answer;
  // The end of an event hold sets the date.
  if ((mode === undefined) !== (until === undefined) && hold !== 'ON') {
    // One without the other: a replica made from it would be locked otherwise than its source, or not at all.
    throw new ReplicationError('service-error', 'the answer of S3 has half a retention');
  }
  return {
    retention: mode === undefined || until === undefined ? null : { mode, untilMs: until.getTime() },
    legalHold: answer.ObjectLockLegalHoldStatus === 'ON',
  };
};

/** Of a version to be replicated: its replica would not be held. */
export const refuseEventHold = ({ ObjectLockEventHold: hold }: Answer): void => {
  if (hold !== 'ON') return;
  throw new ReplicationError('object-lock', 'the source version is under an event hold, which cannot travel');
};

/** Fields that every S3 answer about an object or part uses for checksums. */
export interface ChecksumFields {
  ETag?: string | undefined;
  ChecksumCRC32?: string | undefined;
  ChecksumCRC32C?: string | undefined;
  ChecksumCRC64NVME?: string | undefined;
  ChecksumSHA1?: string | undefined;
  ChecksumSHA256?: string | undefined;
  ChecksumType?: 'COMPOSITE' | 'FULL_OBJECT' | undefined;
}

/** The checksum an answer carries; null where there is none. */
export const storedChecksum = (answer: ChecksumFields): Checksum | null => {
  for (const algorithm of ALGORITHMS) {
    const value = answer[`Checksum${algorithm}`];
    if (value === undefined) continue;
    // S3 always says the type of a multipart object's checksum. A server that does not may mean either, and taking a
    // composite one for the whole object's would find differences where there are none.
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
