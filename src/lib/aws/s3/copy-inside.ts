/** Copies that S3 makes by itself, with the rights of the role that writes: no byte comes here. */
import { CopyObjectCommand, UploadPartCopyCommand } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../model/errors.ts';
import type { Current, DestinationBucket, Precondition, UploadedPart, Written } from '../../model/ports.ts';
import type { Destination } from '../../model/rule.ts';
import { call, type Target } from './call.ts';
import { withHeaders } from './command-hooks.ts';
import { copySourceFields } from './copy-source.ts';
import { textHeaders } from './object-headers.ts';
import { storedChecksum } from './object-state.ts';
import { conditionFields, encryptionFields, refuseLock, replicaFields } from './write-fields.ts';
import { unproven, written } from './written.ts';

type CopyObjectRequest = Parameters<DestinationBucket['copyObject']>[0];
type CopyPartRequest = Parameters<DestinationBucket['copyPart']>[0];

/**
 * The first copy into each bucket is made under a condition that cannot hold: where it is made all the same, the server does not check
 * any (`decisions/008-transfers-and-copies-inside-s3.md`). `look`: HEAD of the destination.
 */
export const copyObject = async (
  target: Target,
  destination: Destination,
  request: CopyObjectRequest,
  look: (key: string) => Promise<Current>,
): Promise<Written> => {
  const copy = (precondition: Precondition): Promise<Written> =>
    sendCopy(target, destination, { ...request, precondition });
  const asked: { written: Written | null } = { written: null };
  const isChecked = await target.clients.copyConditions.areChecked(destination.bucket, async () => {
    await assertStillSo(request, look);
    const overwritten = await copy(NEVER_SO).catch(unlessRefused);
    // The source is there, so that it was the condition which was refused.
    asked.written = overwritten ?? (await copy(request.precondition));
    return overwritten === null;
  });
  if (asked.written !== null) return asked.written;
  if (!isChecked) {
    if (request.unchecked === 'refuse')
      throw new ReplicationError('invalid-request', 'this server ignores the conditions of CopyObject');
    await assertStillSo(request, look);
  }
  return await copy(request.precondition);
};

/** No object has this ETag. */
const NEVER_SO: Precondition = { kind: 'unchanged', etag: `"${'0'.repeat(32)}"` };

const unlessRefused = (error: unknown): null => {
  if (error instanceof ReplicationError && error.reason === 'lost-race') return null;
  throw error;
};

const assertStillSo = async (
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
    ...copySourceFields(from),
    // All of it is given here, as with a body: some of it never travels by itself, and some of it is another's.
    MetadataDirective: 'REPLACE',
    TaggingDirective: 'REPLACE',
    // They would take rights of their own to read and to write; no replica has them (`docs/fidelity.md`).
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

export const copyPart = async (
  target: Target,
  bucket: string,
  { from, key, uploadId, partNumber, bytes }: CopyPartRequest,
): Promise<UploadedPart> => {
  const sizeBytes = bytes === null ? from.pin.sizeBytes : bytes.last - bytes.first + 1;
  // S3 takes a range only of sources over 5 MB ("UploadPartCopy", S3 API reference); these can have no second part.
  const range = bytes === null || sizeBytes === from.pin.sizeBytes ? null : bytes;
  const command = new UploadPartCopyCommand({
    Bucket: bucket,
    Key: key,
    UploadId: uploadId,
    PartNumber: partNumber,
    ...copySourceFields(from),
    ...(range === null ? {} : { CopySourceRange: `bytes=${range.first}-${range.last}` }),
  });
  const { CopyPartResult: result } = await call(
    target,
    'UploadPartCopy',
    (client, options) => client.send(command, options),
    { patienceMs: patienceMs(sizeBytes) },
  );
  // A 200 may hold an error in its body.
  if (result?.ETag === undefined) throw unproven('UploadPartCopy');
  return { partNumber, etag: result.ETag, checksum: storedChecksum(result) };
};

/** The source's own, so that the values can be compared. A copy is one piece: it has no composite checksum. */
const sameChecksum = (checksum: CopyObjectRequest['from']['pin']['checksum']) =>
  checksum?.type === 'FULL_OBJECT' ? { ChecksumAlgorithm: checksum.algorithm } : {};

/**
 * S3 answers a copy when it is done, or begins to answer and goes on for as long. Slower than this between far regions is
 * taken for a dead connection; 5 GiB then get eleven minutes, which an invocation has.
 */
const patienceMs = (bytes: number): number =>
  Math.ceil(LEAST_PATIENCE_MS + (bytes / LEAST_BYTES_PER_SECOND) * 1_000);

const LEAST_PATIENCE_MS = 60_000;
const LEAST_BYTES_PER_SECOND = 8 * 1024 * 1024;
