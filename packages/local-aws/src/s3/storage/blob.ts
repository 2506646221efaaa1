/** Types for stored bytes and for the writers of bytes. */
import type { CrcAlgorithm } from './crc-combine.ts';
import type { DigestName } from './digests.ts';

/** Immutable bytes. A new blob has one reference, which its creator holds. */
export interface Blob {
  readonly sizeBytes: number;
  retain(): void;
  release(): void;
  /** Yields the bytes from `offset`. A yielded buffer stays valid while the next one is read; the request after that reuses it. */
  read(offset: number, lengthBytes: number): AsyncIterable<Buffer>;
  /** Set only if the bytes are generated on each read: their digests and their position, which are known without reading. */
  readonly generated?: GeneratedContent;
}

export interface GeneratedBlob extends Blob {
  readonly generated: GeneratedContent;
}

export interface GeneratedContent {
  /** Hexadecimal; see `Generator.etag`. */
  etag(offset: number, lengthBytes: number): string;
  crc(algorithm: CrcAlgorithm, offset: number, lengthBytes: number): Buffer;
  /** This range of bytes as a blob of its own. */
  piece(offset: number, lengthBytes: number): Blob;
  /** This blob and `next` as one, if `next` has the same seed and begins where this blob ends; null otherwise. */
  followedBy(next: Blob): Blob | null;
  readonly seed: number;
  readonly position: number;
}

/** Takes bytes in order. The caller awaits a returned promise before the next write, so that memory stays bounded. */
export interface BlobWriter {
  write(chunk: Buffer): Promise<void> | undefined;
  finish(): Promise<WrittenBlob>;
  /** Deletes the bytes written so far. Must not be called after `finish` has resolved. */
  abort(): Promise<void>;
}

export interface WrittenBlob {
  blob: Blob;
  /** The digests that were requested. */
  digests: ReadonlyMap<DigestName, Buffer>;
}

/** Takes the body of an upload. */
export interface BodySink extends BlobWriter {
  finish(): Promise<KeptBody>;
}

export interface KeptBody extends WrittenBlob {
  /** Hexadecimal: the MD5, or its substitute where the content is sparse. */
  etag: string;
}
