/** Writes one source version to the destination with everything that travels with it, or gives the reason not to. */
import { copyVersion } from '../copy/copy.ts';
import type { Copied } from '../copy/request.ts';
import { ReplicationError } from '../model/errors.ts';
import { asksForTags, sizeIsWanted, tagsAreWanted } from '../model/filter.ts';
import type { ObjectState, Precondition, ReplicaAttributes, Tags } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { replicaLock } from '../replica/object-lock.ts';
import { replicaPlace, stampedMetadata, withoutStamp } from '../replica/stamp.ts';
import { tagsFitHeader } from '../replica/tagging-header.ts';
import { syncAcl, syncTags } from './attributes/sync.ts';
import { bothVersions } from './attributes/sync-attribute.ts';
import type { ConvergeContext } from './context.ts';
import { isEcho } from './loop-guard.ts';
import type { OpenedVersion } from './open-version.ts';
import type { Shown } from './protocol.ts';

export type VersionOutcome = Copied | 'filtered' | 'replica' | 'transferring';

/** The write is conditional on `shown`, which the destination shows now; null: nothing. */
export const writeVersion = async (
  task: Task,
  context: ConvergeContext,
  { version, opened }: OpenedVersion,
  shown: Shown | null,
): Promise<VersionOutcome> => {
  const { rule } = task;
  if (await isEcho(task, context, version, shown)) return 'replica';
  if (!sizeIsWanted(rule.filter, version)) return 'filtered';
  const tags = await tagsOf(task, context, version);
  if (!tagsAreWanted(rule.filter, tags)) return 'filtered';
  const attributes = replicaAttributes(task, version, tags, context.clock.now());
  const fits = tagsFitHeader(attributes);
  if (shown?.etag === version.etag) await assertStillShown(task, context, shown);
  const copied = await copyVersion({
    ...context,
    task,
    version,
    opened,
    attributes: fits ? attributes : { ...attributes, tags: {} },
    precondition: preconditionFor(shown),
  });
  if (copied === 'transferring') return copied;
  const versions = bothVersions(task, version, copied.written);
  if (!fits || copied.byTransfer) await syncTags(task, context, versions);
  if (rule.acl === 'replicate') await syncAcl(context, versions);
  return copied;
};

/** S3 counts the tags in its answer, so that a version without tags costs no request. */
const tagsOf = async (
  { rule, key }: Task,
  { source }: ConvergeContext,
  version: ObjectState,
): Promise<Tags> => {
  if (version.tagCount === 0 && !asksForTags(rule.filter)) return {};
  const tags = await source.tags(key, version.versionId);
  if (tags === null) throw new ReplicationError('lost-race', 'the version is gone');
  return tags;
};

const replicaAttributes = (
  task: Task,
  version: ObjectState,
  tags: Tags,
  nowMs: number,
): ReplicaAttributes => ({
  ...version.attributes,
  storageClass: task.destination.storageClass ?? version.attributes.storageClass,
  metadata: task.rule.stamp ? stampedMetadata(version, replicaPlace(task)) : withoutStamp(version),
  tags,
  lock: replicaLock(task.destination, version.lock, nowMs),
});

/** The same bytes have the same ETag, so the condition cannot see that somebody else has just written this very version. */
const assertStillShown = async (
  { replicaKey }: Task,
  { destination }: ConvergeContext,
  shown: Shown,
): Promise<void> => {
  const now = await destination.look(replicaKey);
  if (now.kind === 'object' && now.state.versionId === shown.versionId) return;
  throw new ReplicationError('lost-race', 'somebody else wrote the same bytes');
};

const preconditionFor = (shown: Shown | null): Precondition =>
  shown === null ? { kind: 'absent' } : { kind: 'unchanged', etag: shown.etag };
