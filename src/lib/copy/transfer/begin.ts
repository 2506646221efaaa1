/** Begins a transfer: creates its upload, writes its record, and sends its part ranges to the queue. */
import { NEW_CHAIN, nextHop, type TransferChain } from '../../model/chain.ts';
import { ReplicationError } from '../../model/errors.ts';
import { isLocked } from '../../replica/object-lock.ts';
import { isHidden } from '../multipart.ts';
import type { Way } from '../part-layout.ts';
import { type PartPlan, partPlans, partSizes } from '../part-plan.ts';
import { assertReadable } from '../readable.ts';
import { isRefusal } from '../refusal.ts';
import type { SharedCopyRequest } from '../request.ts';
import { layoutAtSource } from '../source-layout.ts';
import { safeMs } from './rate.ts';
import { sendPartRanges } from './send-part-ranges.ts';
import { isOfVersion, type Transfer, transferIdOf } from './transfer.ts';

/**
 * Begins a transfer. `replaced` is a transfer that has to be given up, or null if there is none. It moves another version, or its
 * upload cannot succeed.
 *
 * A crash before the record is written can leave an upload without a record. The sweep aborts such an upload. After a crash between
 * writing the record and sending the part ranges, the next hint or the sweep sends the part ranges.
 */
export const beginTransfer = async (
  request: SharedCopyRequest,
  way: Way,
  replaced: Transfer | null,
): Promise<'transferring'> => {
  const { task, transfers, destination } = request;
  const key = task.replicaKey;
  const chain = chainOf(request);
  await assertBothSidesUnchanged(request);
  // This check comes before the replaced transfer is aborted. That transfer may move a newer version, which is still needed if this
  // version is passed over.
  await assertReadable(request, way);
  if (replaced !== null) await destination.abortUpload({ key, uploadId: replaced.uploadId });
  const upload = await createUpload(
    request,
    way,
    replaced?.isRefused === true ? replaced.plansLeft : Infinity,
  );
  const { uploadId } = upload;
  const transfer = { ...newTransfer(request, way, upload), chain };
  const began = await transfers.store.begin(transfer, replaced?.uploadId ?? null).catch(async (error) => {
    await destination.abortUpload({ key, uploadId }).catch(() => undefined);
    throw error;
  });
  if (began) {
    await sendPartRanges(transfer, [], request);
    return 'transferring';
  }
  await destination.abortUpload({ key, uploadId });
  const first = await transfers.store.load(transfer.id);
  if (first !== null && isOfVersion(first, request.version)) return 'transferring';
  throw new ReplicationError('lost-race', 'somebody else began to transfer another version');
};

/**
 * Throws `no-progress` if transfers of this version have begun again and again, because somebody removes their uploads. Each new
 * transfer would move all bytes once more. If the version is another one, the last transfer was completed or the source has
 * changed, so this is progress.
 */
const chainOf = ({ task, version }: SharedCopyRequest): TransferChain => {
  const name = JSON.stringify([version.versionId, version.etag]);
  const { chain } = task;
  return { ...nextHop(chain ?? NEW_CHAIN, chain?.version !== name), version: name };
};

/**
 * Throws `lost-race` if the source or the destination has changed. Without this check, terabytes might be moved in vain, or bytes
 * that another invocation has moved might be discarded.
 */
const assertBothSidesUnchanged = async (request: SharedCopyRequest): Promise<void> => {
  const { task, source, destination, version, precondition } = request;
  const shown = await destination.look(task.replicaKey);
  const isUnchanged =
    precondition.kind === 'absent'
      ? shown.kind !== 'object'
      : shown.kind === 'object' && shown.state.etag === precondition.etag;
  const byId = task.rule.versions === 'all' && version.versionId !== null;
  const now = byId ? null : await source.look(task.key);
  const state = now === null ? await source.head(task.key, version.versionId ?? 'null') : stateIn(now);
  if (isUnchanged && state !== null && isOfVersion({ version }, state)) return;
  throw new ReplicationError('lost-race', 'one of the sides has changed');
};

const stateIn = (now: Awaited<ReturnType<SharedCopyRequest['source']['look']>>) =>
  now.kind === 'object' ? now.state : null;

interface PlannedUpload {
  uploadId: string;
  plan: PartPlan;
  /** How many plans come after `plan`. */
  plansLeft: number;
}

/**
 * Creates the upload with the best of the last `plansLeft` plans that prove the bytes. A plan that compares ETags is used only with
 * the source's own part boundaries, because other boundaries may give another ETag.
 */
const createUpload = async (
  request: SharedCopyRequest,
  way: Way,
  plansLeft: number,
): Promise<PlannedUpload> => {
  const { task, source, version, attributes, precondition, destination, invocation } = request;
  const known = await layoutAtSource(source, task.key, version, true);
  const largest = partSizes(known.layout, version.sizeBytes).reduce(
    (most, bytes) => Math.max(most, bytes),
    0,
  );
  if (safeMs(largest, 'stream') > invocation.fullTimeMs)
    throw new ReplicationError('too-large', `a part of ${largest} bytes does not fit into one invocation`);
  const plans = partPlans(version, known, { isLocked: isLocked(attributes.lock), way })
    .filter(({ isOwn, provenBy }) => isOwn || provenBy !== 'etag')
    .slice(-plansLeft);
  const key = task.replicaKey;
  for (const [index, plan] of plans.entries()) {
    try {
      const { checksum } = plan;
      const upload = await destination.createUpload({ key, attributes, checksum, precondition });
      if (!isHidden(plan, upload.encryption))
        return { uploadId: upload.uploadId, plan, plansLeft: plans.length - index - 1 };
      await destination.abortUpload({ key, uploadId: upload.uploadId });
    } catch (error) {
      if (index === plans.length - 1 || !isRefusal(error)) throw error;
    }
  }
  throw new ReplicationError(
    'bad-checksum',
    'the destination accepts no way of checking this multipart upload',
  );
};

const newTransfer = (
  { task, version, clock, attributes }: SharedCopyRequest,
  way: Way,
  { uploadId, plan: { layout, provenBy }, plansLeft }: PlannedUpload,
): Omit<Transfer, 'chain'> => {
  const { versionId, etag, sizeBytes, lastModifiedMs, encryption, checksum } = version;
  return {
    id: transferIdOf(task),
    uploadId,
    rule: task.rule.id,
    destination: task.destination.id,
    bucket: task.rule.source.bucket,
    key: task.key,
    destinationBucket: task.destination.bucket,
    replicaKey: task.replicaKey,
    version: { versionId, etag, sizeBytes, lastModifiedMs, encryption, checksum },
    way,
    layout,
    provenBy,
    isLocked: isLocked(attributes.lock),
    plansLeft,
    isRefused: false,
    startedMs: clock.now(),
    run: task.run,
    byReplicator: task.byReplicator,
    concern: task.concern,
    sentMs: null,
    attempt: 0,
    failure: null,
    seen: null,
    tried: null,
    fruitless: 0,
  };
};
