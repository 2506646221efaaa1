/** Immutable bytes, and how they are written and read. */
import type { CrcAlgorithm } from './crc-combine.ts';
import type { DigestName } from './digests.ts';

/** Bytes that do not change. Starts with one reference, its maker's. */
export interface Blob {
  readonly sizeBytes: number;
  retain(): void;
  release(): void;
  /** Yields the bytes from `offset`. A yielded buffer is only valid until the next one but one is asked for. */
  read(offset: number, lengthBytes: number): AsyncIterable<Buffer>;
  /** Of bytes that are made up as they are read: what is known of them without reading. */
  readonly generated?: GeneratedContent;
}

export interface GeneratedBlob extends Blob {
  readonly generated: GeneratedContent;
}

export interface GeneratedContent {
  /** Hexadecimal, see the generator. */
  etag(offset: number, lengthBytes: number): string;
  crc(algorithm: CrcAlgorithm, offset: number, lengthBytes: number): Buffer;
  /** These bytes alone, as a blob of their own. */
  piece(offset: number, lengthBytes: number): Blob;
  /** Both as one, when the next one is of the same content and begins where this one ends. */
  followedBy(next: Blob): Blob | null;
  readonly seed: number;
  readonly position: number;
}

/** Takes bytes in order. Await a returned promise before the next write, so that memory stays bounded. */
export interface BlobWriter {
  write(chunk: Buffer): Promise<void> | undefined;
  finish(): Promise<WrittenBlob>;
  /** Deletes the bytes written so far. Must not be called after `finish`. */
  abort(): Promise<void>;
}

export interface WrittenBlob {
  blob: Blob;
  /** Those asked for. */
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
