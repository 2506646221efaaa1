import { NO_ATTRIBUTES, NO_LOCK } from '../model/no-attributes.ts';
import type { ObjectState, VersionEntry } from '../model/ports.ts';
import { SSE_C } from './proof.ts';

/**
 * Returns the state that a listing shows of an object encrypted with a key of the customer (SSE-C). S3 shows more only to callers
 * with that key. The state has no metadata, and therefore no stamp, and no digest that can be compared.
 */
export const sealedState = ({ versionId, etag, sizeBytes, lastModifiedMs }: VersionEntry): ObjectState => ({
  versionId,
  etag,
  sizeBytes,
  lastModifiedMs,
  encryption: SSE_C,
  checksum: null,
  attributes: NO_ATTRIBUTES,
  tagCount: 0,
  lock: NO_LOCK,
});
