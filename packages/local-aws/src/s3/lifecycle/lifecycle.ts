/**
 * What lifecycle rules do, each midnight UTC, and what they announce in headers.
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
import { notify, ofS3Itself } from '../notifications/notifications.ts';
import { isAbout } from './object-filter.ts';
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

/** Rules take effect from the next midnight on, for old objects too. */
export const setLifecycle = (state: S3State, bucket: Bucket, rules: LifecycleRule[]): void => {
  bucket.lifecycle = rules;
  if (rules.length > 0) scheduleMidnight(state.schedule, state.clock.now());
};

/** Does what is due at the state's now, which is a midnight. */
export const runLifecycle = (state: S3State, bucket: Bucket): void => {
  const rules = bucket.lifecycle.filter((rule) => rule.enabled);
  if (rules.length === 0) return;
  for (const upload of bucket.uploads.values())
    if (abortOf(rules, upload, state.clock.now()) !== null) dropUpload(bucket, upload, new Set());
  // All is judged before anything is done: what expires today has been noncurrent for no time yet.
  const work = [...bucket.keys.values()].map((entry) => ({
    key: entry.key,
    noncurrent: expiredNoncurrent(state, rules, entry),
    current: expiredCurrent(state, bucket, rules, entry),
  }));
  for (const { key, noncurrent, current } of work) {
    for (const version of noncurrent)
      announce(state, bucket, key, deleteVersion(bucket, key, version.versionId));
    if (current === 'expire')
      announce(state, bucket, key, deleteCurrent(state, bucket, key, bucket.accountId));
    removeLoneMarker(state, bucket, rules, key);
  }
};

/** The x-amz-expiration header of a current object, if a rule will end it. */
export const expirationHeader = (
  bucket: Bucket,
  key: string,
  object: StoredObject,
): Record<string, string> => {
  if (bucket.lifecycle.length === 0 || newestVersion(bucket, key) !== object) return {};
  const [first] = bucket.lifecycle
    .filter((rule) => rule.enabled && isAbout(rule.filter, key, sized(object)))
    .map((rule) => ({ id: rule.id, atMs: expiryOf(rule, object.lastModifiedMs) }))
    .filter(({ atMs }) => atMs !== null)
    .sort((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0));
  if (first === undefined || first.atMs === null) return {};
  return {
    'x-amz-expiration': `expiry-date="${new Date(first.atMs).toUTCString()}", rule-id="${encodeURIComponent(first.id)}"`,
  };
};

/** The x-amz-abort-date and x-amz-abort-rule-id headers of an upload. */
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

const sized = (object: StoredObject) => ({ tags: object.tags, sizeBytes: object.content.sizeBytes });

const describe = (version: Version) => (version.kind === 'object' ? sized(version) : null);

/** When a rule ends an object or a lone delete marker of this age; null if never. */
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

/** A version is noncurrent since the next newer one came. Those under object lock stay. */
const expiredNoncurrent = (state: S3State, rules: LifecycleRule[], entry: KeyEntry): Version[] =>
  entry.versions.filter((version, index) => {
    const successor = entry.versions[index - 1];
    if (successor === undefined) return false;
    if (version.kind === 'object' && isProtected(version.lock, state.clock.now())) return false;
    return rules.some(({ noncurrentExpiration, filter }) => {
      if (noncurrentExpiration === null || !isAbout(filter, entry.key, describe(version))) return false;
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
  // Where a delete would end the object for good, its lock counts.
  if (bucket.versioning === 'never' && isProtected(current.lock, state.clock.now())) return 'keep';
  const isDue = rules.some((rule) => {
    const atMs = isAbout(rule.filter, entry.key, sized(current))
      ? expiryOf(rule, current.lastModifiedMs)
      : null;
    return atMs !== null && atMs <= state.clock.now();
  });
  return isDue ? 'expire' : 'keep';
};

/** A delete marker that hides nothing goes: at once if a rule says so, or when it is as old as the rule's objects may get. */
const removeLoneMarker = (state: S3State, bucket: Bucket, rules: LifecycleRule[], key: string): void => {
  const [marker, hidden] = bucket.keys.get(key)?.versions ?? [];
  if (marker?.kind !== 'delete-marker' || hidden !== undefined) return;
  const isDue = rules.some((rule) => {
    if (!isAbout(rule.filter, key, null)) return false;
    if (rule.expiration?.kind === 'expired-delete-marker') return rule.expiration.remove;
    const atMs = expiryOf(rule, marker.lastModifiedMs);
    return atMs !== null && atMs <= state.clock.now();
  });
  if (isDue) announce(state, bucket, key, deleteVersion(bucket, key, marker.versionId));
};

const EMPTY_MD5 = 'd41d8cd98f00b204e9800998ecf8427e';

const announce = (state: S3State, bucket: Bucket, key: string, deletion: Deletion): void => {
  if (deletion.kind === 'nothing') return;
  const created = deletion.kind === 'marker-created';
  const version = created ? deletion.marker : deletion.version;
  notify(state, bucket, {
    event: created ? 'LifecycleExpiration:DeleteMarkerCreated' : 'LifecycleExpiration:Delete',
    reason: 'Lifecycle Expiration',
    key,
    versionId: eventVersionId(bucket, version.versionId),
    ...(created ? { etag: EMPTY_MD5 } : {}),
    origin: ofS3Itself(bucket),
  });
};
