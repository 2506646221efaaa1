/**
 * Stores the bodies of uploads: small bodies in memory, each larger body in a file of its own in a single directory.
 *
 * A copied object or completed multipart upload shares the bytes that are already stored. Therefore each blob counts its references, and
 * its file is deleted with the last reference. File names never contain keys.
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
  /** Opens a writer for a body of `lengthBytes`. The writer computes the digests while it writes. */
  writer(lengthBytes: number, digests: ReadonlySet<DigestName>): BlobWriter;
  /** Ends the thread that writes large bodies, if it was started. */
  close(): Promise<void>;
}

/**
 * Minimum size, in bytes, of a body that is passed to a separate thread, which computes the digests and writes the file. The MD5 alone
 * takes over a second per GB. Passing a smaller body to the thread would take longer than computing its digests.
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
