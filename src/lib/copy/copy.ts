/**
 * Moves the bytes of one pinned source version to the destination. Memory stays bounded: bodies are streamed, and a
 * multipart object keeps its part boundaries, so that the replica has the same ETag and the same composite checksum.
 */
import type { Way } from './part-layout.ts';
import { copiedInside } from './inside-s3.ts';
import type { Copied, CopyRequest } from './request.ts';
import { ReplicationError } from '../model/errors.ts';
import { copyMultipart } from './multipart.ts';
import { guardFor, partsInEtag } from '../replica/proof.ts';
import { provenCopy } from './proven-copy.ts';
import { inPairs } from './in-pairs.ts';
import { copyByTransfer } from './transfer/by-transfer.ts';
import { SAFE_BYTES_PER_SECOND, safeMs } from './transfer/rate.ts';
import { isOfVersion } from './transfer/transfer.ts';
import { transferId } from './transfer/transfer.ts';

/** Largest PutObject and CopyObject ("Uploading objects", S3 User Guide); what is larger, many invocations share. */
const MAX_PUT_BYTES = 5 * 1024 ** 3;

/** Least size for which what one invocation cannot end is worth being gone on with by others. */
const WORTH_SHARING_BYTES = 1024 ** 3;

/**
 * Copies one version, or hands it to many invocations: `transferring`. Throws `lost-race` when the source version is gone or
 * the precondition failed, `too-large` when not even one part fits into an invocation, `out-of-time` when the object does not fit
 * into this one, `bad-checksum` when no proof says the replica is right.
 */
export const copyVersion = async (request: CopyRequest): Promise<Copied | 'transferring'> => {
  const { version, invocation, work, serverSide } = request;
  const way = serverSide.way(work.rule, work.destination);
  if (await isForMany(request)) return await copyByTransfer(request, way);
  // Bytes that S3 moves by itself take little of the time, and nothing of the network.
  const weightBytes = version.sizeBytes * (SAFE_BYTES_PER_SECOND.stream / SAFE_BYTES_PER_SECOND[way]);
  invocation.bytesUnderWay += weightBytes;
  try {
    return await (isInParts(request) ? copyMultipart(request, way) : copyWhole(request, way));
  } finally {
    invocation.bytesUnderWay -= weightBytes;
  }
};

const isInParts = ({ version }: CopyRequest): boolean =>
  partsInEtag(version.etag) !== null || version.sizeBytes > MAX_PUT_BYTES;

/** False: it ends in time, beside the copies already under way. */
const isForMany = async (request: CopyRequest): Promise<boolean> => {
  const { version, invocation, clock, transfers } = request;
  const { sizeBytes } = version;
  // S3 may refuse to copy it by itself, or be slow at it.
  const neededMs = safeMs(sizeBytes, 'stream');
  const fitsFresh = neededMs <= invocation.fullTimeMs;
  if (sizeBytes > MAX_PUT_BYTES || !fitsFresh) return true;
  const isWorthSharing = sizeBytes > WORTH_SHARING_BYTES;
  // Somebody had less time than we have, and others are at it. What is left of another version is no reason to cut this one.
  const known = isWorthSharing ? await transfers.store.load(idOf(request)) : null;
  if (known !== null && isOfVersion(known, version)) return true;
  const underWayMs = safeMs(invocation.bytesUnderWay, 'stream');
  if (neededMs + underWayMs <= invocation.deadlineMs - clock.now()) return false;
  if (isWorthSharing && isInParts(request)) return true;
  throw new ReplicationError('out-of-time', `${sizeBytes} bytes do not fit into what is left`);
};

const idOf = ({ work, replicaKey }: CopyRequest): string => transferId(work.destination.bucket, replicaKey);

/** One call for S3, or one GET piped into one PUT; tried again as a pair, because a stream cannot be sent twice. */
const copyWhole = async (request: CopyRequest, way: Way): Promise<Copied> => {
  const { work, destination, version } = request;
  if (way === 'server-side') {
    const written = await copiedInside(request, () =>
      destination.copyObject({
        from: { bucket: work.rule.source.bucket, key: request.sourceKey, pin: version },
        key: request.replicaKey,
        attributes: request.attributes,
        precondition: request.precondition,
        unchecked: work.rule.copy === 'auto' ? 'refuse' : 'look',
      }),
    );
    if (written !== 'refused') return await provenCopy(request, written, { kind: 'copied-by-s3' });
  }
  return await streamWhole(request);
};

const streamWhole = async (request: CopyRequest): Promise<Copied> => {
  const { source, destination, version } = request;
  const guard = guardFor(version);
  let opened = request.opened;
  const written = await inPairs(request, async () => {
    const body = opened ?? (await source.read(request.sourceKey, version, { kind: 'whole' })).body;
    if (!Buffer.isBuffer(body)) opened = null;
    try {
      return await destination.put({
        key: request.replicaKey,
        body,
        sizeBytes: version.sizeBytes,
        attributes: request.attributes,
        precondition: request.precondition,
        guard,
      });
    } catch (error) {
      // The bytes in memory may have been damaged on their way here: they are read again.
      if (error instanceof ReplicationError && error.reason === 'bad-checksum') opened = null;
      throw error;
    }
  });
  return await provenCopy(request, written, guard);
};
