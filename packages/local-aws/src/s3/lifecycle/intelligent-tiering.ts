/**
 * S3 Intelligent-Tiering: what nobody has read for so many days goes to an archive tier.
 *
 * Source: Amazon S3 User Guide "How S3 Intelligent-Tiering works" (intelligent-tiering-overview.html).
 */
import type { Bucket } from '../model/bucket.ts';
import type { ArchiveTier, StoredObject } from '../model/object.ts';
import { notify, ofS3Itself } from '../notifications/notifications.ts';
import { isAbout } from './object-filter.ts';
import { midnightAfter } from './schedule.ts';
import type { S3State } from '../model/state.ts';
import { eventVersionId } from '../model/versions.ts';

/** Smaller objects are not watched. */
const LEAST_BYTES = 128 * 1024;

/** Does what is due at the state's now, which is a midnight. */
export const runIntelligentTiering = (state: S3State, bucket: Bucket): void => {
  if (bucket.intelligentTiering.size === 0) return;
  for (const { key, versions } of bucket.keys.values())
    for (const version of versions) {
      if (version.kind !== 'object' || version.storageClass !== 'INTELLIGENT_TIERING') continue;
      const tier = dueTier(state, bucket, key, version);
      if (tier !== null && tier !== version.archiveTier) move(state, bucket, key, version, tier);
    }
};

const dueTier = (state: S3State, bucket: Bucket, key: string, object: StoredObject): ArchiveTier | null => {
  const sizeBytes = object.content.sizeBytes;
  if (sizeBytes < LEAST_BYTES || object.restore !== null) return null;
  const due = [...bucket.intelligentTiering.values()]
    .filter(({ enabled, filter }) => enabled && isAbout(filter, key, { tags: object.tags, sizeBytes }))
    .flatMap(({ tierings }) => tierings)
    .filter(({ days }) => midnightAfter(object.lastAccessedMs, days) <= state.clock.now())
    .map(({ tier }) => tier);
  if (due.includes('DEEP_ARCHIVE_ACCESS')) return 'DEEP_ARCHIVE_ACCESS';
  return due[0] ?? null;
};

const move = (state: S3State, bucket: Bucket, key: string, object: StoredObject, tier: ArchiveTier): void => {
  object.archiveTier = tier;
  notify(state, bucket, {
    event: 'IntelligentTiering',
    reason: '',
    key,
    versionId: eventVersionId(bucket, object.versionId),
    etag: object.etag,
    sizeBytes: object.content.sizeBytes,
    accessTier: tier,
    origin: ofS3Itself(bucket),
  });
};
