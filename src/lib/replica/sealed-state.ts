import { NO_ATTRIBUTES, NO_LOCK } from '../model/no-attributes.ts';
import type { ObjectState, VersionEntry } from '../model/ports.ts';
import { SSE_C } from './proof.ts';

/**
 * Returns what a listing shows of an object that S3 shows only with the key of the customer that encrypted it (SSE-C). The state has no
 * metadata, and so no stamp, and no digest that can be compared.
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
