/** Ends multipart uploads: on completion, on abort and by a lifecycle rule. */
import { releaseContent } from '../storage/content.ts';
import type { Bucket } from './bucket.ts';
import type { Part, Upload } from './upload.ts';
import { unwatchKey } from './versions.ts';

/** Ends an upload and releases all parts except those that the object keeps. */
export const dropUpload = (bucket: Bucket, upload: Upload, kept: Set<Part>): void => {
  bucket.uploads.delete(upload.uploadId);
  unwatchKey(bucket, upload.key, upload.watch);
  for (const part of upload.parts.values()) if (!kept.has(part)) releaseContent(part.content);
};
