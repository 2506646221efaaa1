/** Counts the bytes that a copy moves, and keeps the copy within its limits. */
import { Readable } from 'node:stream';
import type { Buckets, Clock, DestinationBucket, SourceBucket } from '../../lib/model/ports.ts';

/** Resolves when `amount` more may pass. */
export type Limit = (amount: number) => Promise<void>;

/** Maximum amount that may pass at once after a pause, in milliseconds of the rate. */
const BURST_MS = 100;

/** Returns a limit on an amount per second, which all callers share. */
export const limitOf = (perSecond: number | null, { now, sleep }: Clock): Limit | null => {
  if (perSecond === null) return null;
  let freeMs = 0;
  return async (amount) => {
    const nowMs = now();
    const beginMs = Math.max(nowMs - BURST_MS, freeMs);
    freeMs = beginMs + (amount / perSecond) * 1_000;
    if (beginMs > nowMs) await sleep(beginMs - nowMs);
  };
};

/** Minimum size of a body whose bytes are counted while they move. The bytes of a smaller body are counted when it has arrived. */
const COUNTED_APART_BYTES = 256 * 1024 * 1024;

/** `onBytes` is called with the bytes that have reached the destination. */
export const meteredBuckets = (
  { source, destination }: { source: SourceBucket; destination: DestinationBucket },
  { limit, onBytes }: { limit: Limit | null; onBytes: (bytes: number) => void },
): Buckets => {
  const read = limit === null ? source : limitedSource(source, limit);
  const written = meteredDestination(destination, { limit, onBytes });
  return { source: () => read, destination: () => written };
};

const limitedSource = (real: SourceBucket, limit: Limit): SourceBucket => ({
  ...real,
  async open(key, versionId) {
    const opened = await real.open(key, versionId);
    return opened === null ? null : { ...opened, body: through(opened.body, limit) };
  },
  async read(key, pin, slice) {
    const answer = await real.read(key, pin, slice);
    return { ...answer, body: through(answer.body, limit) };
  },
});

/** Passes the body on chunk by chunk. An error of the body becomes an error of the result. Destroying the result ends the body. */
const through = (body: Readable, onChunk: (bytes: number) => Promise<void> | void): Readable =>
  Readable.from(chunksOf(body, onChunk), { objectMode: false });

async function* chunksOf(
  body: Readable,
  onChunk: (bytes: number) => Promise<void> | void,
): AsyncGenerator<Buffer, void> {
  for await (const chunk of body as AsyncIterable<Buffer>) {
    await onChunk(chunk.length);
    yield chunk;
  }
}

const meteredDestination = (
  real: DestinationBucket,
  { limit, onBytes }: { limit: Limit | null; onBytes: (bytes: number) => void },
): DestinationBucket => {
  const counted = async <T>(bytes: number, work: Promise<T>): Promise<T> => {
    const done = await work;
    onBytes(bytes);
    return done;
  };
  return {
    ...real,
    put: (request) =>
      Buffer.isBuffer(request.body) || request.sizeBytes < COUNTED_APART_BYTES
        ? counted(request.sizeBytes, real.put(request))
        : real.put({ ...request, body: through(request.body, onBytes) }),
    uploadPart: (request) => counted(request.sizeBytes, real.uploadPart(request)),
    async copyObject(request) {
      await limit?.(request.from.pin.sizeBytes);
      return await counted(request.from.pin.sizeBytes, real.copyObject(request));
    },
    async copyPart(request) {
      const { bytes } = request;
      const size = bytes === null ? 0 : bytes.last - bytes.first + 1;
      await limit?.(size);
      return await counted(size, real.copyPart(request));
    },
  };
};
