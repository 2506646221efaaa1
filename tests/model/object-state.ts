/** States of objects, for tests that do not use a bucket. */
import { createHash } from 'node:crypto';
import type { ObjectState } from '../../src/lib/model/ports.ts';
import { NO_ATTRIBUTES, NO_LOCK } from './memory-buckets.ts';

export const md5Hex = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');

/**
 * Returns the state of an object with the content `a`, written whole. S3 stores no additional checksum for
 * it.
 */
export const objectState = (fields: Partial<ObjectState> = {}): ObjectState => ({
  versionId: 'v1',
  etag: `"${md5Hex(Buffer.from('a'))}"`,
  sizeBytes: 1,
  lastModifiedMs: 0,
  encryption: 'AES256',
  checksum: null,
  attributes: NO_ATTRIBUTES,
  tagCount: 0,
  lock: NO_LOCK,
  ...fields,
});

/** An ETag under KMS. It does not depend on the content. */
export const OPAQUE = { etag: '"0123"', encryption: 'aws:kms' };
