/** Copies inside S3. S3 reads the source with the permissions of the role that writes, and no byte passes through the Lambda function. */
import { CopyObjectCommand, UploadPartCopyCommand } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../../model/errors.ts';
import type {
  CopySource,
  Current,
  DestinationBucket,
  Precondition,
  UploadedPart,
  Written,
} from '../../../model/ports.ts';
import type { Destination } from '../../../model/rule.ts';
import { call, type Target } from '../client/call.ts';
import { withHeaders } from '../client/command-hooks.ts';
import { errorCode } from '../../errors.ts';
import { textHeaders } from '../object/object-headers.ts';
import { storedChecksum } from '../object/object-state.ts';
import { conditionFields, encryptionFields, refuseLock, replicaFields } from './write-fields.ts';
import { unproven, written } from './written.ts';

type CopyObjectRequest = Parameters<DestinationBucket['copyObject']>[0];
type CopyPartRequest = Parameters<DestinationBucket['copyPart']>[0];

/**
 * Copies one object. The server may report a missing key although the key at the destination has not changed. In that case, it
 * does not find the source, and the function throws `no-such-bucket`.
 */
export const copyInsideS3 = async (
  target: Target,
  destination: Destination,
  request: CopyObjectRequest,
  look: (key: string) => Promise<Current>,
): Promise<Written> => {
  try {
    return await copyUnderCondition(target, destination, request, look);
  } catch (error) {
    if (!isKeyMissing(error)) throw error;
    // AWS also returns this code if the key to overwrite is gone. In that case somebody else was faster.
    await assertUnchanged(request, look);
    throw sourceUnknown(target, error);
  }
};

const isKeyMissing = (error: unknown): error is ReplicationError =>
  error instanceof ReplicationError && errorCode(error.cause) === 'NoSuchKey';

/**
 * Returns the error for a server that does not find the key to copy. If the source has the key, the server cannot read from the
 * source bucket at all. Some servers other than AWS report this as a missing key.
 */
const sourceUnknown = (target: Target, { message, requestId, cause }: ReplicationError): ReplicationError =>
  new ReplicationError(
    'no-such-bucket',
    `the server of ${target.name} cannot copy from the source: ${message}`,
    {
      cause,
      requestId,
    },
  );

/**
 * Copies under the condition of the request. The first copy into each bucket is made under a condition that is never met. If that
 * copy succeeds, the server does not check conditions (`decisions/008-transfers-and-copies-inside-s3.md`). `look` sends a HEAD to
 * the destination.
 */
const copyUnderCondition = async (
  target: Target,
  destination: Destination,
  request: CopyObjectRequest,
  look: (key: string) => Promise<Current>,
): Promise<Written> => {
  const copy = (precondition: Precondition): Promise<Written> =>
    sendCopy(target, destination, { ...request, precondition });
  const asked: { written: Written | null } = { written: null };
  const isChecked = await target.clients.copyConditions.get(destination.bucket, async () => {
    await assertUnchanged(request, look);
    const overwritten = await copy(IMPOSSIBLE).catch(nullIfRaceLost);
    // `overwritten` is null if S3 refused the first copy, either because of its condition or because the source is gone. If the second copy
    // then succeeds, the source exists, so S3 refused the first copy because of its condition.
    asked.written = overwritten ?? (await copy(request.precondition));
    return overwritten === null;
  });
  if (asked.written !== null) return asked.written;
  if (!isChecked) {
    if (request.unchecked === 'refuse')
      throw new ReplicationError('invalid-request', 'this server ignores the conditions of CopyObject');
    await assertUnchanged(request, look);
  }
  return await copy(request.precondition);
};

/** A condition that is never met, because no object has this ETag. */
const IMPOSSIBLE: Precondition = { kind: 'unchanged', etag: `"${'0'.repeat(32)}"` };

const nullIfRaceLost = (error: unknown): null => {
  if (error instanceof ReplicationError && error.reason === 'lost-race') return null;
  throw error;
};

const assertUnchanged = async (
  { key, precondition }: CopyObjectRequest,
  look: (key: string) => Promise<Current>,
): Promise<void> => {
  const shown = await look(key);
  const etag = shown.kind === 'object' ? shown.state.etag : null;
  if (etag === (precondition.kind === 'absent' ? null : precondition.etag)) return;
  throw new ReplicationError('lost-race', 'somebody else wrote to the destination');
};

const sendCopy = async (
  target: Target,
  destination: Destination,
  { from, key, attributes, precondition }: Omit<CopyObjectRequest, 'unchecked'>,
): Promise<Written> => {
  const command = new CopyObjectCommand({
    Bucket: destination.bucket,
    Key: key,
    ...(await copySourceFields(target, from)),
    // The request carries all metadata and tags, like the request of an upload. S3 never copies some of the metadata, and some of the
    // replica's metadata differs from the source.
    MetadataDirective: 'REPLACE',
    TaggingDirective: 'REPLACE',
    // Reading and writing annotations would need additional permissions. No replica has them (`docs/fidelity.md`).
    AnnotationDirective: 'EXCLUDE',
    ...replicaFields(attributes),
    ...encryptionFields(destination),
    ...conditionFields(precondition),
    ...sameChecksum(from.pin.checksum),
  });
  withHeaders(command, textHeaders(attributes));
  const answer = await call(target, 'CopyObject', (client, options) => client.send(command, options), {
    patienceMs: patienceMs(from.pin.sizeBytes),
    onError: refuseLock(attributes.lock),
  });
  return written({ ...answer, ...answer.CopyObjectResult });
};

export const copyPartInsideS3 = async (
  target: Target,
  bucket: string,
  { from, key, uploadId, partNumber, bytes }: CopyPartRequest,
): Promise<UploadedPart> => {
  const sizeBytes = bytes === null ? from.pin.sizeBytes : bytes.last - bytes.first + 1;
  // S3 accepts a range only for sources over 5 MB ("UploadPartCopy", S3 API reference). A smaller source is always copied whole, because it
  // cannot have a second part.
  const range = bytes === null || sizeBytes === from.pin.sizeBytes ? null : bytes;
  const command = new UploadPartCopyCommand({
    Bucket: bucket,
    Key: key,
    UploadId: uploadId,
    PartNumber: partNumber,
    ...(await copySourceFields(target, from)),
    ...(range === null ? {} : { CopySourceRange: `bytes=${range.first}-${range.last}` }),
  });
  const { CopyPartResult: result } = await call(
    target,
    'UploadPartCopy',
    (client, options) => client.send(command, options),
    { patienceMs: patienceMs(sizeBytes) },
  ).catch((error: unknown) => {
    throw isKeyMissing(error) ? sourceUnknown(target, error) : error;
  });
  // Even a response with status 200 may contain an error in its body.
  if (result?.ETag === undefined) throw unproven('UploadPartCopy');
  return { partNumber, etag: result.ETag, checksum: storedChecksum(result) };
};

/** Names exactly one version as the source. If the bucket has versions, the id names the version. S3 always compares the ETag as well. */
const copySourceFields = async (
  { clients }: Target,
  { bucket, account, key, pin }: CopySource,
): Promise<{
  CopySource: string;
  CopySourceIfMatch: string;
  ExpectedSourceBucketOwner: string | undefined;
}> => ({
  ExpectedSourceBucketOwner: (await clients.accountOf(account)) ?? undefined,
  CopySource: `${bucket}/${encodedKey(key)}${pin.versionId === null ? '' : `?versionId=${encoded(pin.versionId)}`}`,
  CopySourceIfMatch: pin.etag,
});

/**
 * Encodes a key for CopySource, which "must be URL-encoded" ("CopyObject", S3 API reference). The SDK does not encode this field. Without
 * the encoding, a `?` or `+` in the key would have a special meaning.
 */
const encodedKey = (key: string): string => key.split('/').map(encoded).join('/');

/** Encodes a text as AWS signatures do: every character except letters, digits and `-._~`. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/**
 * Asks S3 for a checksum with the algorithm of the source, so that both checksums can be compared. If the source has a composite checksum,
 * asks for none, because this copy is not in parts and cannot have a composite checksum.
 */
const sameChecksum = (checksum: CopyObjectRequest['from']['pin']['checksum']) =>
  checksum?.type === 'FULL_OBJECT' ? { ChecksumAlgorithm: checksum.algorithm } : {};

/**
 * How long S3 may take for a copy. S3 either responds when the copy is done, or begins its response at once and completes it when the copy
 * is done. A copy that is slower than copies between distant regions counts as a dead connection. With the values below, 5 GiB get eleven
 * minutes, which is less than the time of an invocation.
 */
const patienceMs = (bytes: number): number =>
  Math.ceil(LEAST_PATIENCE_MS + (bytes / LEAST_BYTES_PER_SECOND) * 1_000);

const LEAST_PATIENCE_MS = 60_000;
const LEAST_BYTES_PER_SECOND = 8 * 1024 * 1024;
