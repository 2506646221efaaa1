/**
 * Removes the aws-chunked framing from a body and returns the trailer.
 *
 * Source: Amazon S3 API Reference, "Signature calculations … transferring payload in multiple chunks"
 * (sigv4-streaming.html, sigv4-streaming-trailers.html).
 */
import { S3Error } from '../errors.ts';
import type { ChunkVerifier } from './request.ts';

const MIN_CHUNK_BYTES = 8192;
const MAX_LINE_BYTES = 16 * 1024;

interface DecodedBody {
  /** The payload without its framing. Reading it throws if the framing is incomplete. */
  payload: AsyncIterable<Buffer>;
  /** The trailing headers, with names in lower case. The map is complete when the payload has ended. */
  trailer: Map<string, string>;
}

/**
 * Decodes `size[;chunk-signature=…]CRLF bytes CRLF … 0 CRLF [trailer CRLF] CRLF`.
 * Throws InvalidChunkSizeError if a chunk other than the last is under 8 KiB, and IncompleteBody if the framing is incomplete.
 */
export const decodeAwsChunked = (
  body: AsyncIterable<Buffer>,
  verifier: ChunkVerifier | null = null,
): DecodedBody => {
  const trailer = new Map<string, string>();
  return { payload: decode(body, trailer, verifier), trailer };
};

async function* decode(
  body: AsyncIterable<Buffer>,
  trailer: Map<string, string>,
  verifier: ChunkVerifier | null,
): AsyncIterable<Buffer> {
  const input = createByteCursor(body);
  let previousBytes = MIN_CHUNK_BYTES;
  for (;;) {
    const { sizeBytes, signature } = parseChunkHeader(await input.line());
    if (sizeBytes === 0) {
      verifier?.endChunk(signature);
      break;
    }
    if (previousBytes < MIN_CHUNK_BYTES) throw new S3Error('InvalidChunkSizeError');
    previousBytes = sizeBytes;
    for await (const bytes of input.bytes(sizeBytes)) {
      verifier?.update(bytes);
      yield bytes;
    }
    verifier?.endChunk(signature);
    if ((await input.line()) !== '') throw new S3Error('IncompleteBody');
  }
  await readTrailer(input, trailer);
  verifyTrailer(trailer, verifier);
}

const parseChunkHeader = (line: string): { sizeBytes: number; signature: string | undefined } => {
  const [, size, extension] = /^([0-9a-fA-F]{1,12})(?:;(.*))?$/.exec(line) ?? [];
  if (size === undefined) throw new S3Error('IncompleteBody');
  const signature = /^chunk-signature=([0-9a-f]{64})$/.exec(extension ?? '')?.[1];
  return { sizeBytes: Number.parseInt(size, 16), signature };
};

const TRAILER_SIGNATURE = 'x-amz-trailer-signature';

/** Verifies the signature of the trailer. The signature covers all other trailing headers, in the order in which they were sent. */
const verifyTrailer = (trailer: Map<string, string>, verifier: ChunkVerifier | null): void => {
  const signature = trailer.get(TRAILER_SIGNATURE);
  trailer.delete(TRAILER_SIGNATURE);
  const canonical = [...trailer].map(([name, value]) => `${name}:${value}\n`).join('');
  verifier?.endTrailer(canonical, signature);
};

const readTrailer = async (input: ByteCursor, trailer: Map<string, string>): Promise<void> => {
  for (;;) {
    const line = await input.lineOrEnd();
    if (line === null || line === '') break;
    const colon = line.indexOf(':');
    if (colon <= 0) throw new S3Error('MalformedTrailerError');
    trailer.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  await input.drain();
};

type ByteCursor = ReturnType<typeof createByteCursor>;

/** Returns functions that read lines, and exact numbers of bytes, from the chunks of a body. */
const createByteCursor = (body: AsyncIterable<Buffer>) => {
  const source = body[Symbol.asyncIterator]();
  let current: Buffer = Buffer.alloc(0);

  const refill = async (): Promise<boolean> => {
    const next = await source.next();
    if (next.done === true) return false;
    current = next.value;
    return true;
  };

  const lineOrEnd = async (): Promise<string | null> => {
    let pending: Buffer = Buffer.alloc(0);
    for (;;) {
      const newline = current.indexOf(10);
      if (newline !== -1) {
        const line = Buffer.concat([pending, current.subarray(0, newline)]).toString('latin1');
        current = current.subarray(newline + 1);
        return line.endsWith('\r') ? line.slice(0, -1) : line;
      }
      pending = pending.length === 0 ? current : Buffer.concat([pending, current]);
      if (pending.length > MAX_LINE_BYTES) throw new S3Error('IncompleteBody');
      if (!(await refill())) {
        current = Buffer.alloc(0);
        return pending.length === 0 ? null : pending.toString('latin1');
      }
    }
  };

  async function* bytes(count: number): AsyncIterable<Buffer> {
    let missing = count;
    while (missing > 0) {
      if (current.length === 0 && !(await refill())) throw new S3Error('IncompleteBody');
      const taken = current.subarray(0, missing);
      current = current.subarray(taken.length);
      missing -= taken.length;
      if (taken.length > 0) yield taken;
    }
  }

  return {
    lineOrEnd,
    line: async (): Promise<string> => {
      const line = await lineOrEnd();
      if (line === null) throw new S3Error('IncompleteBody');
      return line;
    },
    bytes,
    drain: async (): Promise<void> => {
      while (await refill()) current = Buffer.alloc(0);
    },
  };
};
