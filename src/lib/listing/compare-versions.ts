/** Compares the source's and the destination's version of an object by what the listings show. */
import type { ListedVersion } from './page.ts';

/**
 * - `same`: the listings show no difference. Listings do not contain metadata, tags, locks and grants.
 * - `attributes`: the listings show the same content, but the attributes must be checked.
 * - `different`: the versions cannot be the same.
 * - `look`: the listings do not show whether the versions are the same, so HEAD requests must decide.
 */
export type Verdict = (typeof VERDICTS)[number];
export const VERDICTS = ['same', 'attributes', 'different', 'look'] as const;

export type CompareVersions = (source: ListedVersion, destination: ListedVersion) => Verdict;

/**
 * Equal ETags that are MD5s and equal sizes prove the same content. ETags of another form, which some servers give, prove nothing.
 * Different sizes mean different content. Different ETags with equal sizes may be the same bytes with another encryption or in
 * other parts, so a closer look is needed. (With KMS an ETag is not an MD5: API_Object.html.)
 *
 * A replica is younger than the version from which it was made. A source version that is younger than its replica was written after
 * the replication. Perhaps the object was copied onto itself with other metadata. Such a copy does not change the ETag. If two
 * replicators work in opposite directions, the source version may also be a copy of the replica.
 *
 * All delete markers are the same. Storage classes are not compared here, because the rule decides which of them a replica may
 * have.
 */
export const compareVersions: CompareVersions = (source, destination) => {
  if (source.kind !== destination.kind) return 'different';
  if (source.kind === 'delete-marker') return 'same';
  if (source.sizeBytes !== destination.sizeBytes) return 'different';
  return MD5.test(source.etag) &&
    source.etag === destination.etag &&
    source.lastModifiedMs <= destination.lastModifiedMs
    ? 'same'
    : 'look';
};

/**
 * With KMS the ETag is random and has the same form. Two random ETags are never equal, so equal ETags of this form still prove
 * equal bytes.
 */
const MD5 = /^"?[0-9a-f]{32}(-\d{1,5})?"?$/;
