/** Completes restores and deletes expired copies. Source: User Guide "Restoring an archived object" (restoring-objects.html). */
import { notify, s3Origin } from '../notifications/notifications.ts';
import { midnightAfter, scheduleAt } from './schedule.ts';
import type { S3State, ScheduledRestore } from '../model/state.ts';
import { eventVersionId, findVersion } from '../model/versions.ts';

/** Performs the restore work that is due at the time of `state.clock`, and schedules the next piece of work. */
export const runRestores = (state: S3State): void => {
  for (const scheduled of state.pending.restores) {
    const { bucket, key, object } = scheduled;
    const isThere =
      state.buckets.get(bucket.name) === bucket && findVersion(bucket, key, object.versionId) === object;
    if (!isThere || object.restore === null || advance(state, scheduled))
      state.pending.restores.delete(scheduled);
    else scheduleAt(state.pending, object.restore.expiresMs ?? object.restore.completesMs);
  }
};

/** Completes a restore, or deletes its expired copy, if the time has come. Returns true if the restore needs no further work. */
const advance = (state: S3State, scheduled: ScheduledRestore): boolean => {
  const { object } = scheduled;
  const nowMs = state.clock.now();
  if (object.restore === null) return true;
  if (object.restore.expiresMs === null && object.restore.completesMs <= nowMs) {
    const { days } = object.restore;
    object.restore.expiresMs = days === null ? null : midnightAfter(nowMs, days);
    notifyRestore(state, scheduled, 'ObjectRestore:Completed', object.restore.expiresMs);
    if (days !== null) return false;
    // In Intelligent-Tiering there is no copy: the object itself moves back from the archive tier.
    object.restore = null;
    object.archiveTier = null;
    object.lastAccessedMs = nowMs;
    return true;
  }
  if (object.restore.expiresMs === null || object.restore.expiresMs > nowMs) return false;
  notifyRestore(state, scheduled, 'ObjectRestore:Delete', null);
  object.restore = null;
  return true;
};

const notifyRestore = (
  state: S3State,
  { bucket, key, object }: ScheduledRestore,
  event: 'ObjectRestore:Completed' | 'ObjectRestore:Delete',
  expiresMs: number | null,
): void =>
  notify(state, bucket, {
    event,
    reason: '',
    key,
    versionId: eventVersionId(bucket, object.versionId),
    etag: object.etag,
    sizeBytes: object.content.sizeBytes,
    sourceStorageClass: object.storageClass,
    ...(expiresMs === null ? {} : { restoreExpiresMs: expiresMs }),
    origin: s3Origin(bucket),
  });
