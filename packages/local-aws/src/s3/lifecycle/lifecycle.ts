/**
 * Applies lifecycle rules at each midnight UTC, and computes the response headers that announce expirations and aborts.
 *
 * Sources: Amazon S3 User Guide "Expiring objects" (lifecycle-expire-general-considerations.html), "Lifecycle and other bucket
 * configurations" (lifecycle-and-other-bucket-config.html), API_CreateMultipartUpload.html for x-amz-abort-date.
 */
import type { Bucket } from '../model/bucket.ts';
import type { LifecycleRule } from '../model/configuration.ts';
import type { KeyEntry } from '../model/key.ts';
import type { StoredObject, Version } from '../model/object.ts';
import type { Upload } from '../model/upload.ts';
import { dropUpload } from '../model/uploads.ts';
import { notify, s3Origin } from '../notifications/notifications.ts';
import { EMPTY_MD5 } from '../notifications/occurrence.ts';
import { matchesFilter } from './object-filter.ts';
import { isProtected } from '../model/object-lock.ts';
import { midnightAfter, scheduleMidnight } from './schedule.ts';
import type { S3State } from '../model/state.ts';
import {
  deleteCurrent,
  deleteVersion,
  eventVersionId,
  newestVersion,
  type Deletion,
} from '../model/versions.ts';

/** Replaces the rules of a bucket. The new rules take effect at the next midnight UTC and also apply to existing objects. */
export const setLifecycle = (state: S3State, bucket: Bucket, rules: LifecycleRule[]): void => {
  bucket.lifecycle = rules;
  if (rules.length > 0) scheduleMidnight(state.pending, state.clock.now());
};

/** Applies the bucket's lifecycle rules. `state.clock` must be set to a midnight UTC. */
export const runLifecycle = (state: S3State, bucket: Bucket): void => {
  const rules = bucket.lifecycle.filter((rule) => rule.enabled);
  if (rules.length === 0) return;
  for (const upload of bucket.uploads.values())
    if (abortOf(rules, upload, state.clock.now()) !== null) dropUpload(bucket, upload, new Set());
  // Decides about all versions before it deletes any. Otherwise an object that expires now, and so becomes noncurrent, could also be
  // deleted as a noncurrent version.
  const work = [...bucket.keys.values()].map((entry) => ({
    key: entry.key,
    noncurrent: expiredNoncurrent(state, rules, entry),
    current: expiredCurrent(state, bucket, rules, entry),
  }));
  for (const { key, noncurrent, current } of work) {
    for (const version of noncurrent)
      notifyExpiration(state, bucket, key, deleteVersion(bucket, key, version.versionId));
    if (current === 'expire')
      notifyExpiration(state, bucket, key, deleteCurrent(state, bucket, key, bucket.accountId));
    removeLoneMarker(state, bucket, rules, key);
  }
};

/** Returns the x-amz-expiration header of a current object; no header if no rule expires the object. */
export const expirationHeader = (
  bucket: Bucket,
  key: string,
  object: StoredObject,
): Record<string, string> => {
  if (bucket.lifecycle.length === 0 || newestVersion(bucket, key) !== object) return {};
  const [first] = bucket.lifecycle
    .filter((rule) => rule.enabled && matchesFilter(rule.filter, key, filterInput(object)))
    .map((rule) => ({ id: rule.id, atMs: expiryOf(rule, object.lastModifiedMs) }))
    .filter(({ atMs }) => atMs !== null)
    .sort((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0));
  if (first === undefined || first.atMs === null) return {};
  return {
    'x-amz-expiration': `expiry-date="${new Date(first.atMs).toUTCString()}", rule-id="${encodeURIComponent(first.id)}"`,
  };
};

/** Returns the x-amz-abort-date and x-amz-abort-rule-id headers of an upload. */
export const abortHeaders = (
  bucket: Bucket,
  upload: Pick<Upload, 'key' | 'initiatedMs'>,
): Record<string, string> => {
  const abort = abortOf(
    bucket.lifecycle.filter((rule) => rule.enabled),
    upload,
    Number.POSITIVE_INFINITY,
  );
  if (abort === null) return {};
  return { 'x-amz-abort-date': new Date(abort.atMs).toUTCString(), 'x-amz-abort-rule-id': abort.ruleId };
};

/** Returns the properties of a version that filters test; null for a delete marker. */
const filterInput = (version: Version) =>
  version.kind === 'object' ? { tags: version.tags, sizeBytes: version.content.sizeBytes } : null;

/**
 * Returns the time at which a rule expires a current object that was created at `createdMs`. A delete marker that is its key's only version
 * expires at the same age. Returns null if the rule expires no current objects.
 */
const expiryOf = ({ expiration }: LifecycleRule, createdMs: number): number | null => {
  if (expiration?.kind === 'days') return midnightAfter(createdMs, expiration.days);
  return expiration?.kind === 'date' ? expiration.atMs : null;
};

const abortOf = (
  rules: LifecycleRule[],
  upload: Pick<Upload, 'key' | 'initiatedMs'>,
  nowMs: number,
): { atMs: number; ruleId: string } | null => {
  const due = rules
    .filter((rule) => rule.abortAfterDays !== null && upload.key.startsWith(rule.filter.prefix))
    .map((rule) => ({ atMs: midnightAfter(upload.initiatedMs, rule.abortAfterDays ?? 0), ruleId: rule.id }))
    .filter(({ atMs }) => atMs <= nowMs)
    .sort((a, b) => a.atMs - b.atMs);
  return due[0] ?? null;
};

/**
 * Returns the noncurrent versions to delete. A version becomes noncurrent when the next newer version is written. Versions that object lock
 * protects are not deleted.
 */
const expiredNoncurrent = (state: S3State, rules: LifecycleRule[], entry: KeyEntry): Version[] =>
  entry.versions.filter((version, index) => {
    const successor = entry.versions[index - 1];
    if (successor === undefined) return false;
    if (version.kind === 'object' && isProtected(version.lock, state.clock.now())) return false;
    return rules.some(({ noncurrentExpiration, filter }) => {
      if (noncurrentExpiration === null || !matchesFilter(filter, entry.key, filterInput(version)))
        return false;
      const { days, newerVersions } = noncurrentExpiration;
      return index - 1 >= newerVersions && midnightAfter(successor.lastModifiedMs, days) <= state.clock.now();
    });
  });

const expiredCurrent = (
  state: S3State,
  bucket: Bucket,
  rules: LifecycleRule[],
  entry: KeyEntry,
): 'expire' | 'keep' => {
  const [current] = entry.versions;
  if (current?.kind !== 'object') return 'keep';
  // In a bucket without versioning, expiration deletes an object permanently, which its lock forbids.
  if (bucket.versioning === 'never' && isProtected(current.lock, state.clock.now())) return 'keep';
  const isDue = rules.some((rule) => {
    const atMs = matchesFilter(rule.filter, entry.key, filterInput(current))
      ? expiryOf(rule, current.lastModifiedMs)
      : null;
    return atMs !== null && atMs <= state.clock.now();
  });
  return isDue ? 'expire' : 'keep';
};

/**
 * Removes a delete marker that is the only version of its key, if a rule removes such markers or the marker has reached the age at which a
 * rule expires objects.
 */
const removeLoneMarker = (state: S3State, bucket: Bucket, rules: LifecycleRule[], key: string): void => {
  const [marker, hidden] = bucket.keys.get(key)?.versions ?? [];
  if (marker?.kind !== 'delete-marker' || hidden !== undefined) return;
  const isDue = rules.some((rule) => {
    if (!matchesFilter(rule.filter, key, null)) return false;
    if (rule.expiration?.kind === 'expired-delete-marker') return rule.expiration.remove;
    const atMs = expiryOf(rule, marker.lastModifiedMs);
    return atMs !== null && atMs <= state.clock.now();
  });
  if (isDue) notifyExpiration(state, bucket, key, deleteVersion(bucket, key, marker.versionId));
};

const notifyExpiration = (state: S3State, bucket: Bucket, key: string, deletion: Deletion): void => {
  if (deletion.kind === 'nothing') return;
  const created = deletion.kind === 'marker-created';
  const version = created ? deletion.marker : deletion.version;
  notify(state, bucket, {
    event: created ? 'LifecycleExpiration:DeleteMarkerCreated' : 'LifecycleExpiration:Delete',
    reason: 'Lifecycle Expiration',
    key,
    versionId: eventVersionId(bucket, version.versionId),
    ...(created ? { etag: EMPTY_MD5 } : {}),
    origin: s3Origin(bucket),
  });
};
