/**
 * Moves the bytes of one pinned source version to the destination. Memory stays bounded: bodies are streamed, and a
 * multipart object keeps its part boundaries, so that the replica has the same ETag and the same composite checksum.
 */
import type { Copied, CopyRequest } from './copy-request.ts';
import { ReplicationError } from './errors.ts';
import { copyMultipart } from './multipart.ts';
import { guardFor, partsInEtag } from './proof.ts';
import { provenCopy } from './proven-copy.ts';
import { inPairs } from './retry-pair.ts';

/** Bodies up to this are held in memory, so that a write can be tried again without reading again. */
export const SMALL_OBJECT_BYTES = 4 * 1024 * 1024;

/** Largest PutObject ("Uploading objects", S3 User Guide). */
const MAX_PUT_BYTES = 5 * 1024 ** 3;

/** What one environment moves at the very least: half of Lambda's default network (625 Mbit/s). */
const SAFE_BYTES_PER_SECOND = 40 * 1024 * 1024;

/**
 * Copies one version. Throws `lost-race` when the source version is gone or the precondition failed, `too-large` when no
 * invocation could do it, `out-of-time` when this one cannot, `bad-checksum` when no proof says the replica is right.
 */
export const copyVersion = async (request: CopyRequest): Promise<Copied> => {
  const { version, invocation } = request;
  assertTime(request);
  invocation.bytesUnderWay += version.sizeBytes;
  try {
    const multipart = partsInEtag(version.etag) !== null || version.sizeBytes > MAX_PUT_BYTES;
    return multipart ? await copyMultipart(request) : await copyWhole(request);
  } finally {
    invocation.bytesUnderWay -= version.sizeBytes;
  }
};

/** One GET piped into one PUT; tried again as a pair, because a stream cannot be sent twice. */
const copyWhole = async (request: CopyRequest): Promise<Copied> => {
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

/** Refuses what cannot end in time beside the copies already under way, before a byte is moved. */
const assertTime = ({ version, invocation, clock }: CopyRequest): void => {
  const neededMs = (bytes: number): number => (bytes / SAFE_BYTES_PER_SECOND) * 1_000;
  if (neededMs(version.sizeBytes) > invocation.fullTimeMs) {
    throw new ReplicationError('too-large', `${version.sizeBytes} bytes do not fit into one invocation`);
  }
  if (neededMs(version.sizeBytes + invocation.bytesUnderWay) > invocation.deadlineMs - clock.now()) {
    throw new ReplicationError('out-of-time', `${version.sizeBytes} bytes do not fit into what is left`);
  }
};
