/** Restores that complete, and restored copies that go. Source: User Guide "Restoring an archived object" (restoring-objects.html). */
import { notify, ofS3Itself } from '../notifications/notifications.ts';
import { midnightAfter, scheduleAt } from './schedule.ts';
import type { S3State, ScheduledRestore } from '../model/state.ts';
import { eventVersionId, findVersion } from '../model/versions.ts';

/** Does what is due at the state's now, and schedules what follows. */
export const runRestores = (state: S3State): void => {
  for (const scheduled of state.schedule.restores) {
    const { bucket, key, object } = scheduled;
    const isThere =
      state.buckets.get(bucket.name) === bucket && findVersion(bucket, key, object.versionId) === object;
    if (!isThere || object.restore === null || isDone(state, scheduled))
      state.schedule.restores.delete(scheduled);
    else scheduleAt(state.schedule, object.restore.expiresMs ?? object.restore.completesMs);
  }
};

/** Moves one restore on; true when nothing more will happen to it. */
const isDone = (state: S3State, scheduled: ScheduledRestore): boolean => {
  const { object } = scheduled;
  const nowMs = state.clock.now();
  if (object.restore === null) return true;
  if (object.restore.expiresMs === null && object.restore.completesMs <= nowMs) {
    const { days } = object.restore;
    object.restore.expiresMs = days === null ? null : midnightAfter(nowMs, days);
    tell(state, scheduled, 'ObjectRestore:Completed', object.restore.expiresMs);
    if (days !== null) return false;
    // Intelligent-Tiering gives back the object itself.
    object.restore = null;
    object.archiveTier = null;
    object.lastAccessedMs = nowMs;
    return true;
  }
  if (object.restore.expiresMs === null || object.restore.expiresMs > nowMs) return false;
  tell(state, scheduled, 'ObjectRestore:Delete', null);
  object.restore = null;
  return true;
};

const tell = (
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
    origin: ofS3Itself(bucket),
  });
