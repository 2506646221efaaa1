/** Compares one version on both sides by what the listings say. */
import type { ListedVersion } from './page.ts';

/**
 * - `same`: the listings show no difference. They do not contain metadata, tags, locks and grants.
 * - `attributes`: the same, but the attributes that listings do not show must be checked.
 * - `different`: the versions cannot be the same.
 * - `look`: the listings do not decide it. HEAD does.
 */
export type Verdict = (typeof VERDICTS)[number];
export const VERDICTS = ['same', 'attributes', 'different', 'look'] as const;

export type CompareVersions = (source: ListedVersion, destination: ListedVersion) => Verdict;

/**
 * Equal ETags and sizes are presumed to mean the same content. Different sizes mean different content. Different ETags with equal
 * sizes may be the same bytes under another encryption (with KMS an ETag is not an MD5: API_Object.html) or in other parts, so a
 * closer look is needed.
 *
 * A replica is younger than the version it was made from. A source version that is younger than its replica was written after the
 * replication, perhaps onto itself with other metadata, which does not change the ETag. Or the source version is itself a copy of
 * that replica, if two replicators work in opposite directions.
 *
 * Delete markers are the same as each other. The rule decides which storage classes a replica may have.
 */
export const compareVersions: CompareVersions = (source, destination) => {
  if (source.kind !== destination.kind) return 'different';
  if (source.kind === 'delete-marker') return 'same';
  if (source.sizeBytes !== destination.sizeBytes) return 'different';
  return source.etag === destination.etag && source.lastModifiedMs <= destination.lastModifiedMs
    ? 'same'
    : 'look';
};
