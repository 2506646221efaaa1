/** Writes one version of the source to the destination, with everything that travels with it, or says why not. */
import type { Work } from '../model/work.ts';
import { copyVersion } from '../copy/copy.ts';
import type { Copied } from '../copy/request.ts';
import { isEcho } from './loop-guard.ts';
import { asksForTags, sizeIsWanted, tagsAreWanted } from '../model/filter.ts';
import { replicaLock } from '../replica/object-lock.ts';
import type { ObjectState, Precondition, ReplicaAttributes, Tags } from '../model/ports.ts';
import { ReplicationError } from '../model/errors.ts';
import type { SourceLook } from './source-look.ts';
import { type Place, stampedMetadata, withoutStamp } from '../replica/stamp.ts';
import { syncAcl, syncTags } from './attributes/sync.ts';
import { tagsFitHeader } from '../replica/tagging-header.ts';
import { type ConvergeContext, placeOf, type Shown } from './convergence.ts';

export type VersionOutcome = Copied | 'filtered' | 'replica' | 'transferring';

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
  if (await isEcho(work, context, replicaKey, version, shown)) return 'replica';
  if (!sizeIsWanted(rule.filter, version)) return 'filtered';
  const tags = await tagsOf(work, context, version);
  if (!tagsAreWanted(rule.filter, tags)) return 'filtered';
  const attributes = replicaAttributes(work, placeOf(work, replicaKey), version, tags, context.clock.now());
  const fits = tagsFitHeader(attributes);
  if (shown?.etag === version.etag) await assertShown(context, replicaKey, shown);
  const copied = await copyVersion({
    ...context,
    work,
    sourceKey: key,
    replicaKey,
    version,
    opened: look.opened,
    attributes: fits ? attributes : { ...attributes, tags: {} },
    precondition: preconditionFor(shown),
  });
  if (copied === 'transferring') return copied;
  const from = { key, versionId: version.versionId };
  const to = { key: replicaKey, versionId: copied.written.versionId };
  if (!fits || copied.byTransfer) await syncTags(work, context, from, to);
  if (rule.acl === 'replicate') await syncAcl(context, from, to);
  return copied;
};

/** The same bytes have the same ETag: the condition does not see that somebody else has just written this very version. */
const assertShown = async (
  { destination }: ConvergeContext,
  replicaKey: string,
  shown: Shown,
): Promise<void> => {
  const now = await destination.look(replicaKey);
  if (now.kind === 'object' && now.state.versionId === shown.versionId) return;
  throw new ReplicationError('lost-race', 'somebody else wrote the same bytes');
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

const preconditionFor = (shown: { etag: string } | null): Precondition =>
  shown === null ? { kind: 'absent' } : { kind: 'unchanged', etag: shown.etag };
