/** What two listings say about one version on both sides. */
import type { ListedVersion } from './page.ts';

/**
 * - `same`: nothing in the listings speaks against it. Metadata, tags, locks and grants are in no listing.
 * - `attributes`: the same, but what listings do not show is to be looked at.
 * - `different`: it cannot be the same.
 * - `look`: the listings cannot tell. HEAD can.
 */
export type Verdict = (typeof VERDICTS)[number];
export const VERDICTS = ['same', 'attributes', 'different', 'look'] as const;

export type CompareVersions = (source: ListedVersion, destination: ListedVersion) => Verdict;

/**
 * Equal ETag and size: presumed the same content. Another size is other content. Other ETags of equal size may be the same bytes
 * under another encryption (with KMS an ETag is no MD5: API_Object.html) or in other parts, so somebody must look.
 *
 * A replica is younger than what it was made from. A source version that is younger than its replica was written since, perhaps
 * onto itself with other metadata, which leaves the ETag as it is; or it came from there, where two replicators face each other.
 *
 * A delete marker is the same as a delete marker. Which storage class a replica may have is for the rule to say.
 */
export const compareVersions: CompareVersions = (source, destination) => {
  if (source.kind !== destination.kind) return 'different';
  if (source.kind === 'delete-marker') return 'same';
  if (source.sizeBytes !== destination.sizeBytes) return 'different';
  return source.etag === destination.etag && source.lastModifiedMs <= destination.lastModifiedMs
    ? 'same'
    : 'look';
};
