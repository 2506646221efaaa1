/** Ends multipart uploads. An upload ends when it is completed or aborted, or when a lifecycle rule aborts it. */
import { releaseContent } from '../storage/content.ts';
import type { Bucket } from './bucket.ts';
import type { Part, Upload } from './upload.ts';
import { unwatchKey } from './versions.ts';

/** Ends an upload and releases its parts, except the `kept` ones that are now parts of the completed object. */
export const dropUpload = (bucket: Bucket, upload: Upload, kept: Set<Part>): void => {
  bucket.uploads.delete(upload.uploadId);
  unwatchKey(bucket, upload.key, upload.watch);
  for (const part of upload.parts.values()) if (!kept.has(part)) releaseContent(part.content);
};
