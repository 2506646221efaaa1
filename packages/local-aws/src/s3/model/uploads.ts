/** The end of a multipart upload, whoever brings it about. */
import { releaseContent } from '../storage/content.ts';
import type { Bucket } from './bucket.ts';
import type { Part, Upload } from './upload.ts';
import { unwatchKey } from './versions.ts';

/** Ends an upload and frees all parts but those kept for the object. */
export const dropUpload = (bucket: Bucket, upload: Upload, kept: Set<Part>): void => {
  bucket.uploads.delete(upload.uploadId);
  unwatchKey(bucket, upload.key, upload.watch);
  for (const part of upload.parts.values()) if (!kept.has(part)) releaseContent(part.content);
};
