/**
 * Writes one source version to the destination, together with its metadata, tags, lock and grants. If the version must not be
 * written, returns the reason instead.
 */
import { copyVersion } from '../copy/copy.ts';
import type { Copied } from '../copy/request.ts';
import { ReplicationError } from '../model/errors.ts';
import { asksForTags, isWanted, listedIsWanted } from '../model/filter.ts';
import type { ObjectState, Precondition, ReplicaAttributes, Tags } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { refuseTooLong, replicaLock } from '../replica/object-lock.ts';
import { contentProof } from '../replica/proof.ts';
import { replicaStorageClass } from '../replica/storage-class.ts';
import { replicaRoute, type Seal, stampedMetadata, withoutStamp } from '../replica/stamp.ts';
import { tagsFitHeader } from '../replica/tagging-header.ts';
import { receiptFrom } from '../replica/version-receipt.ts';
import { syncAcl, syncTags } from './attributes/sync.ts';
import { bothVersions } from './attributes/sync-attribute.ts';
import { syncLock } from './attributes/sync-lock.ts';
import type { ConvergeContext } from './context.ts';
import { type Cover, isEcho } from './loop-guard.ts';
import type { OpenedVersion } from './open-version.ts';
import { explained, lockToAskFor } from './replica-lock.ts';
import type { Shown } from './protocol.ts';

/** A written version. `isApart` is true if tags or grants were written after the content, in requests of their own. */
export type WrittenVersion = Copied & { isApart: boolean };

export type VersionOutcome = WrittenVersion | 'filtered' | 'replica' | 'transferring';

/** The object that the destination shows before the write, and the cover there (see `Cover`). */
export interface Before {
  shown: Shown | null;
  cover: Cover | null;
}

/**
 * Writes the version on condition that the destination still shows `shown`, or no object if `shown` is null. Throws `lock-too-long` if
 * the rule refuses the lock of the version.
 */
export const writeVersion = async (
  task: Task,
  context: ConvergeContext,
  { version, opened }: OpenedVersion,
  { shown, cover }: Before,
): Promise<VersionOutcome> => {
  const { rule } = task;
  if (await isEcho(task, context, version, cover)) return 'replica';
  const seen = { key: task.key, sizeBytes: version.sizeBytes };
  if (!listedIsWanted(rule, seen)) return 'filtered';
  const tags = await tagsOf(task, context, version);
  if (!isWanted(rule, seen, tags)) return 'filtered';
  const nowMs = context.clock.now();
  refuseTooLong(task.destination, version.lock, nowMs);
  const wanted = replicaLock(task.destination, version.lock, nowMs);
  const lock = await lockToAskFor(context, wanted);
  const attributes = await replicaAttributes(task, context, version, { tags, lock });
  const fits = tagsFitHeader(attributes);
  const hadSameBytes = shown?.etag === version.etag;
  if (hadSameBytes) await assertStillShown(task, context, shown);
  const copied = await copyVersion({
    ...context,
    task,
    version,
    opened,
    attributes: fits ? attributes : { ...attributes, tags: {} },
    precondition: preconditionFor(shown),
  }).catch((error: unknown) => {
    throw explained(error, lock, context.clock.now());
  });
  if (copied === 'transferring') return copied;
  await keepReceipt(task, context, version, copied);
  const versions = bothVersions(task, version, copied.written);
  // The destination may have shown the same bytes before the write. Another worker may then have written this version already,
  // with newer attributes, and the condition of the write cannot detect this. So the attributes are compared once more.
  const hasTagsApart = !fits || copied.byTransfer || hadSameBytes;
  if (hasTagsApart) await syncTags(task, context, versions);
  if (hadSameBytes) await syncLock(task, context, versions, { lock: wanted, lastModifiedMs: nowMs });
  if (rule.acl === 'replicate') await syncAcl(context, versions);
  await context.replicated?.(version, copied);
  return { ...copied, isApart: hasTagsApart || rule.acl === 'replicate' };
};

/**
 * Keeps a receipt if the digests of the replica cannot be compared with those of the source. Nothing else can prove this replica
 * later. S3 has checked the bytes of this write.
 */
const keepReceipt = async (
  task: Task,
  { versionReceipts }: ConvergeContext,
  version: ObjectState,
  { written, proof }: Copied,
): Promise<void> => {
  if (written.versionId === null || contentProof(written, version) !== 'unknown') return;
  const receipt = { from: receiptFrom(task, version), proof };
  await versionReceipts.keep(task.destination, task.replicaKey, written.versionId, receipt);
};

/**
 * Reads the tags of a version. S3 has already reported their number with the version, so a version without tags needs no request. A
 * rule that ignores tags needs no request either, unless it selects objects by tags.
 */
const tagsOf = async (
  { rule, key }: Task,
  { source }: ConvergeContext,
  version: ObjectState,
): Promise<Tags> => {
  if ((version.tagCount === 0 || rule.tags === 'ignore') && !asksForTags(rule)) return {};
  const tags = await source.tags(key, version.versionId);
  if (tags === null) throw new ReplicationError('lost-race', 'the version is gone');
  return tags;
};

const replicaAttributes = async (
  task: Task,
  context: ConvergeContext,
  version: ObjectState,
  { tags, lock }: Pick<ReplicaAttributes, 'tags' | 'lock'>,
): Promise<ReplicaAttributes> => ({
  ...version.attributes,
  storageClass: replicaStorageClass(task.destination, version.attributes.storageClass),
  metadata: task.rule.stamp
    ? stampedMetadata(version, replicaRoute(task), await sealFor(task, context))
    : withoutStamp(version),
  tags: task.rule.tags === 'ignore' ? {} : tags,
  lock,
});

/**
 * Returns how the stamp is signed. Resolves to null if the key cannot be read now. The stamp is then only a claim, and a reader
 * of the stamp has to compare the objects.
 */
const sealFor = async ({ destination }: Task, { signer }: ConvergeContext): Promise<Seal | null> => {
  const own = await signer();
  const hidesEtag = destination.kmsKeyArn !== null || (destination.encryption ?? 'AES256') !== 'AES256';
  return own === null ? null : { signer: own, hidesEtag };
};

/**
 * Throws `lost-race` if somebody else has just written the same bytes. The condition of the write cannot detect this, because the
 * same bytes have the same ETag.
 */
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
