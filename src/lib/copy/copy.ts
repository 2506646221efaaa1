/**
 * Moves the bytes of one source version to the destination. Every read is pinned to that version. Bodies are streamed, so that
 * memory stays bounded. A multipart object keeps its part boundaries, so that the replica has the same ETag and the same
 * composite checksum.
 */
import { ReplicationError } from '../model/errors.ts';
import { copySourceOf } from '../model/task.ts';
import { isLocked } from '../replica/object-lock.ts';
import { guardFor, partsInEtag } from '../replica/proof.ts';
import { uploadChecked } from './checked-upload.ts';
import { inPairs } from './in-pairs.ts';
import { copiedInside } from './inside-s3.ts';
import { copyMultipart } from './multipart.ts';
import type { Way } from './part-layout.ts';
import { provenCopy } from './proven-copy.ts';
import type { Copied, CopyRequest, SharedCopyRequest } from './request.ts';
import { etagOfBytes } from './silent-service.ts';
import { copyByTransfer } from './transfer/by-transfer.ts';
import { SAFE_BYTES_PER_SECOND, safeMs } from './transfer/rate.ts';
import { isOfVersion, transferIdOf } from './transfer/transfer.ts';

/**
 * Maximum size of an object that PutObject or CopyObject can write ("Uploading objects", S3 User Guide). Many invocations share
 * the copy of a larger object.
 */
const MAX_PUT_BYTES = 5 * 1024 ** 3;

/** Minimum size of an object whose copy many invocations share if one invocation does not have enough time left. */
const WORTH_SHARING_BYTES = 1024 ** 3;

/**
 * Copies one version. Resolves to `transferring` if the copy was handed to many invocations. Throws `lost-race` if the source
 * version is gone or the precondition failed. Throws `too-large` if a single part does not fit into an invocation, and
 * `out-of-time` if the object does not fit into this invocation. Throws `bad-checksum` if nothing proves that the replica is
 * right.
 */
export const copyVersion = async (request: CopyRequest): Promise<Copied | 'transferring'> => {
  const { task, version, invocation, serverSide } = request;
  const way = serverSide.way(task.rule, task.destination);
  const { transfers } = request;
  if (transfers !== null && (await isForMany({ ...request, transfers })))
    return await copyByTransfer({ ...request, transfers }, way);
  // A copy inside S3 takes little time and does not use the function's network, so its bytes count less.
  const weightBytes = version.sizeBytes * (SAFE_BYTES_PER_SECOND.stream / SAFE_BYTES_PER_SECOND[way]);
  invocation.bytesUnderWay += weightBytes;
  try {
    return await (isInParts(request) ? copyMultipart(request, way) : copyWhole(request, way));
  } finally {
    invocation.bytesUnderWay -= weightBytes;
  }
};

/**
 * Resolves to true if many invocations must share the copy, and to false if this invocation finishes it in time, beside the
 * copies that are already running.
 */
const isForMany = async (request: SharedCopyRequest): Promise<boolean> => {
  const { task, version, invocation, clock, transfers } = request;
  const { sizeBytes } = version;
  // The rate of streaming is assumed even for a copy inside S3, because S3 may refuse the copy or be slow.
  const neededMs = safeMs(sizeBytes, 'stream');
  const fitsFresh = neededMs <= invocation.fullTimeMs;
  if (sizeBytes > MAX_PUT_BYTES || !fitsFresh) return true;
  const isWorthSharing = sizeBytes > WORTH_SHARING_BYTES;
  // An invocation with less time left may already have begun a transfer of this version. That transfer is then continued. A
  // transfer of another version does not count.
  const known = isWorthSharing ? await transfers.store.load(transferIdOf(task)) : null;
  if (known !== null && isOfVersion(known, version)) return true;
  const underWayMs = safeMs(invocation.bytesUnderWay, 'stream');
  if (neededMs + underWayMs <= invocation.deadlineMs - clock.now()) return false;
  if (isWorthSharing && isInParts(request)) return true;
  throw new ReplicationError('out-of-time', `${sizeBytes} bytes do not fit into the time left`);
};

const isInParts = ({ version }: CopyRequest): boolean =>
  partsInEtag(version.etag) !== null || version.sizeBytes > MAX_PUT_BYTES;

/** Copies the object in one piece: with one CopyObject request, or with one GET piped into one PUT. */
const copyWhole = async (request: CopyRequest, way: Way): Promise<Copied> => {
  const { task, destination, version } = request;
  if (way === 'server-side') {
    const written = await copiedInside(request, () =>
      destination.copyObject({
        from: copySourceOf(task, version),
        key: task.replicaKey,
        attributes: request.attributes,
        precondition: request.precondition,
        unchecked: task.rule.copy === 'auto' ? 'refuse' : 'look',
      }),
    );
    if (written !== 'refused')
      return await provenCopy(request, written, { kind: 'copied-by-s3' }, async () => false);
  }
  return await streamWhole(request);
};

/** Streams the object in one piece. GET and PUT are repeated as a pair, because a stream cannot be sent twice. */
const streamWhole = async (request: CopyRequest): Promise<Copied> => {
  const { task, source, destination, version } = request;
  const guard = guardFor(version);
  let opened = request.opened;
  const readAgain = () => source.read(task.key, version, { kind: 'whole' });
  const read = async () => {
    const body = opened ?? (await readAgain()).body;
    if (!Buffer.isBuffer(body)) opened = null;
    return { body, sizeBytes: version.sizeBytes, guard };
  };
  const to = {
    key: task.replicaKey,
    attributes: request.attributes,
    precondition: request.precondition,
  };
  const written = await inPairs(request, () =>
    uploadChecked(request, {
      isLocked: isLocked(request.attributes.lock),
      read,
      write: (payload) => destination.put({ ...to, ...payload }),
    }).catch((error: unknown) => {
      // The bytes in memory may have been damaged while they were read, so the next attempt reads them again.
      if (error instanceof ReplicationError && error.reason === 'bad-checksum') opened = null;
      throw error;
    }),
  );
  return await provenCopy(
    request,
    written,
    guard,
    async ({ etag }) => etag === (await etagOfBytes(await readAgain())),
  );
};
