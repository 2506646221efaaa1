/**
 * Stores bodies: small ones in memory, each larger one in a file of its own under one directory.
 *
 * Blobs count their references, because completing a multipart upload and copying an object point at bytes that are
 * already stored. The file is deleted with its last reference. A file's name never contains a key.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DigestName } from './digests.ts';
import { createBlobWriter } from './blob-writer.ts';
import { createFileThread } from './file-thread.ts';
import { createThreadWriter } from './thread-writer.ts';
import { createWriteBuffers } from './write-buffers.ts';
import { createYoungCollection } from './young-collection.ts';
import type { BlobWriter } from './blob.ts';

export interface BlobStore {
  /** Opens a writer for a body of `lengthBytes`, or of fewer bytes if the writer is aborted. Computes the digests while it writes. */
  writer(lengthBytes: number, digests: ReadonlySet<DigestName>): BlobWriter;
  /** Ends the thread that writes large bodies, if it was started. */
  close(): Promise<void>;
}

/**
 * Minimum size of a body that another thread digests and writes. MD5 alone takes over a second per GB; for a smaller body it takes
 * less time than the round trip to the thread.
 */
const THREAD_BYTES = 1024 * 1024;

export const createBlobStore = (directory: string): BlobStore => {
  mkdirSync(directory, { recursive: true });
  const buffers = createWriteBuffers();
  const thread = createFileThread();
  const countForCollection = createYoungCollection();
  let files = 0;
  return {
    writer: (lengthBytes, digests) => {
      files += 1;
      const path = join(directory, `${process.pid}-${files}`);
      const writer =
        lengthBytes < THREAD_BYTES
          ? createBlobWriter(path, buffers, digests)
          : createThreadWriter(path, buffers, thread.create(path, digests));
      return {
        ...writer,
        write: (chunk) => {
          countForCollection(chunk.length);
          return writer.write(chunk);
        },
      };
    },
    close: () => thread.close(),
  };
};
