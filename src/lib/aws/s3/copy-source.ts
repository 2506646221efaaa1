/** What S3 is told to read by itself: fields of CopyObject and UploadPartCopy. */
import type { CopySource } from '../../model/ports.ts';

/** One version and no other: named where the bucket has versions, and compared by its ETag always. */
export const copySourceFields = ({
  bucket,
  key,
  pin,
}: CopySource): { CopySource: string; CopySourceIfMatch: string } => ({
  CopySource: `${bucket}/${encodedKey(key)}${pin.versionId === null ? '' : `?versionId=${encoded(pin.versionId)}`}`,
  CopySourceIfMatch: pin.etag,
});

/** The SDK sends it as it is; "the value must be URL-encoded" ("CopyObject", S3 API reference), so that no `?` or `+` of a key counts. */
const encodedKey = (key: string): string => key.split('/').map(encoded).join('/');

/** As signatures want it: all but letters, digits and `-._~`. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
