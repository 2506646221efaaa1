/** What two listings say about one version on both sides. */
import type { ListedVersion } from './page.ts';

/**
 * - `same`: nothing in the listings speaks against it. Metadata and tags are in no listing.
 * - `different`: it cannot be the same.
 * - `look`: the listings cannot tell. HEAD can.
 */
export type Verdict = (typeof VERDICTS)[number];
export const VERDICTS = ['same', 'different', 'look'] as const;

export type CompareVersions = (source: ListedVersion, destination: ListedVersion) => Verdict;

/**
 * Equal ETag and size: presumed the same content. Another size is other content. Other ETags of equal size may be the same bytes
 * under another encryption (with KMS an ETag is no MD5: API_Object.html) or in other parts, so somebody must look.
 * A delete marker is the same as a delete marker. Storage class and time are not compared: both are the destination's own.
 */
export const compareVersions: CompareVersions = (source, destination) => {
  if (source.kind !== destination.kind) return 'different';
  if (source.kind === 'delete-marker') return 'same';
  if (source.sizeBytes !== destination.sizeBytes) return 'different';
  return source.etag === destination.etag ? 'same' : 'look';
};
