/** Writes one version of the source to the destination, with everything that travels with it, or says why not. */
import { copyVersion } from './copy.ts';
import type { Copied } from './copy-request.ts';
import { asksForTags, sizeIsWanted, tagsAreWanted } from './filter.ts';
import type { ObjectLock, ObjectState, Precondition, ReplicaAttributes, Tags } from './ports.ts';
import { ReplicationError } from './errors.ts';
import type { Destination } from './rule.ts';
import type { SourceLook } from './source-look.ts';
import { identityOf, type Place, stampedMetadata, stampOn, withoutStamp } from './stamp.ts';
import { syncAcl } from './sync-attributes.ts';
import { type ConvergeContext, placeOf, type Shown, type Work } from './work.ts';

export type VersionOutcome = Copied | 'filtered' | 'replica';

/** `shown` is what the destination shows now, which the write is conditional on; null: nothing. */
export const writeVersion = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
  look: SourceLook,
  shown: Shown | null,
): Promise<VersionOutcome> => {
  const { rule, key } = work;
  const { version } = look;
  if (isEcho(work, version, shown)) return 'replica';
  if (!sizeIsWanted(rule.filter, version)) return 'filtered';
  const tags = await tagsOf(work, context, version);
  if (!tagsAreWanted(rule.filter, tags)) return 'filtered';
  const copied = await copyVersion({
    ...context,
    sourceKey: key,
    replicaKey,
    version,
    opened: look.opened,
    attributes: replicaAttributes(work, placeOf(work, replicaKey), version, tags, context.clock.now()),
    precondition: preconditionFor(shown),
  });
  if (rule.acl === 'replicate') {
    await syncAcl(
      context,
      { key, versionId: version.versionId },
      { key: replicaKey, versionId: copied.written.versionId },
    );
  }
  return copied;
};

/**
 * Was it written by a replicator? The stamp says so, unless the event knows who wrote this very version. Where replicas are to
 * be replicated too, at least what came from this destination does not go back there.
 */
const isEcho = (work: Work, version: ObjectState, shown: Shown | null): boolean => {
  const { rule, key } = work;
  const stamp = stampOn(version, { bucket: rule.source.bucket, key });
  if (stamp === null) return false;
  if (rule.replicas === 'replicate') {
    const { versionId = null } = shown ?? {};
    return versionId !== null && stamp.identity === identityOf({ versionId, etag: '' });
  }
  return !(work.byReplicator === false && work.versionId === version.versionId);
};

/** S3 counts the tags in its answer, so that those without any cost no call. */
const tagsOf = async (
  { rule, key }: Work,
  { source }: ConvergeContext,
  version: ObjectState,
): Promise<Tags> => {
  if (version.tagCount === 0 && !asksForTags(rule.filter)) return {};
  const tags = await source.tags(key, version.versionId);
  if (tags === null) throw new ReplicationError('lost-race', 'the version is gone');
  return tags;
};

const replicaAttributes = (
  { rule, destination }: Work,
  place: Place,
  version: ObjectState,
  tags: Tags,
  nowMs: number,
): ReplicaAttributes => ({
  ...version.attributes,
  storageClass: destination.storageClass ?? version.attributes.storageClass,
  metadata: rule.stamp ? stampedMetadata(version, place) : withoutStamp(version),
  tags,
  lock: replicaLock(destination, version.lock, nowMs),
});

/** S3 refuses a retention that is over. */
const replicaLock = ({ objectLock }: Destination, lock: ObjectLock, nowMs: number): ObjectLock => {
  if (objectLock === 'ignore') return { retention: null, legalHold: false };
  const { retention, legalHold } = lock;
  if (retention === null || retention.untilMs <= nowMs) return { retention: null, legalHold };
  const mode = objectLock === 'governance' ? 'GOVERNANCE' : retention.mode;
  return { retention: { ...retention, mode }, legalHold };
};

const preconditionFor = (shown: { etag: string } | null): Precondition =>
  shown === null ? { kind: 'absent' } : { kind: 'unchanged', etag: shown.etag };
