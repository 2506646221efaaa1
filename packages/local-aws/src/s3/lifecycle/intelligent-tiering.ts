/**
 * S3 Intelligent-Tiering moves an object to an archive tier after a number of days without a read.
 *
 * Source: Amazon S3 User Guide "How S3 Intelligent-Tiering works" (intelligent-tiering-overview.html).
 */
import type { Bucket } from '../model/bucket.ts';
import type { ArchiveTier, StoredObject } from '../model/object.ts';
import { notify, s3Origin } from '../notifications/notifications.ts';
import { matchesFilter } from './object-filter.ts';
import { midnightAfter } from './schedule.ts';
import type { S3State } from '../model/state.ts';
import { eventVersionId } from '../model/versions.ts';

/** Minimum size, in bytes, of objects that S3 Intelligent-Tiering monitors. */
const LEAST_BYTES = 128 * 1024;

/** Archives the objects that nobody has read for the configured number of days. `state.clock` must be set to a midnight UTC. */
export const runIntelligentTiering = (state: S3State, bucket: Bucket): void => {
  if (bucket.intelligentTiering.size === 0) return;
  for (const { key, versions } of bucket.keys.values())
    for (const version of versions) {
      if (version.kind !== 'object' || version.storageClass !== 'INTELLIGENT_TIERING') continue;
      const tier = dueTier(state, bucket, key, version);
      if (tier === null || tier === version.archiveTier) continue;
      version.archiveTier = tier;
      notifyMove(state, bucket, { key, object: version, tier });
    }
};

const dueTier = (state: S3State, bucket: Bucket, key: string, object: StoredObject): ArchiveTier | null => {
  const sizeBytes = object.content.sizeBytes;
  if (sizeBytes < LEAST_BYTES || object.restore !== null) return null;
  const due = [...bucket.intelligentTiering.values()]
    .filter(({ enabled, filter }) => enabled && matchesFilter(filter, key, { tags: object.tags, sizeBytes }))
    .flatMap(({ tierings }) => tierings)
    .filter(({ days }) => midnightAfter(object.lastAccessedMs, days) <= state.clock.now())
    .map(({ tier }) => tier);
  if (due.includes('DEEP_ARCHIVE_ACCESS')) return 'DEEP_ARCHIVE_ACCESS';
  return due[0] ?? null;
};

const notifyMove = (
  state: S3State,
  bucket: Bucket,
  { key, object, tier }: { key: string; object: StoredObject; tier: ArchiveTier },
): void => {
  notify(state, bucket, {
    event: 'IntelligentTiering',
    reason: '',
    key,
    versionId: eventVersionId(bucket, object.versionId),
    etag: object.etag,
    sizeBytes: object.content.sizeBytes,
    accessTier: tier,
    origin: s3Origin(bucket),
  });
};
