/** Types for stored bytes and for the writers of bytes. */
import type { CrcAlgorithm } from './crc-combine.ts';
import type { DigestName } from './digests.ts';

/** Immutable bytes with a reference count. The creator of a blob holds its first reference. */
export interface Blob {
  readonly sizeBytes: number;
  retain(): void;
  release(): void;
  /** Yields the bytes from `offset`. A yielded buffer stays valid during the next read, but is overwritten by the read after that. */
  read(offset: number, lengthBytes: number): AsyncIterable<Buffer>;
  /** Set only for generated content. It gives the digests and the position of the bytes without reading them. */
  readonly generated?: GeneratedContent;
}

export interface GeneratedBlob extends Blob {
  readonly generated: GeneratedContent;
}

export interface GeneratedContent {
  /** Returns the hexadecimal ETag of a range of the blob, see `Generator.etag`. */
  etag(offset: number, lengthBytes: number): string;
  crc(algorithm: CrcAlgorithm, offset: number, lengthBytes: number): Buffer;
  /** Returns a range of this blob as a separate blob. */
  piece(offset: number, lengthBytes: number): Blob;
  /** Merges this blob and `next` into one blob. Returns null unless `next` has the same seed and begins where this blob ends. */
  followedBy(next: Blob): Blob | null;
  readonly seed: number;
  readonly position: number;
}

/** Receives bytes in order. If `write` returns a promise, the caller awaits it before the next write, to limit the use of memory. */
export interface BlobWriter {
  write(chunk: Buffer): Promise<void> | undefined;
  finish(): Promise<WrittenBlob>;
  /** Deletes the bytes written so far. Must not be called after `finish` has resolved. */
  abort(): Promise<void>;
}

export interface WrittenBlob {
  blob: Blob;
  /** The values of the requested digests. */
  digests: ReadonlyMap<DigestName, Buffer>;
}

/** Receives the body of an upload. */
export interface BodySink extends BlobWriter {
  finish(): Promise<KeptBody>;
}

export interface KeptBody extends WrittenBlob {
  /** The hexadecimal MD5, or for sparse content the ETag that `Generator.etag` returns. */
  etag: string;
}
