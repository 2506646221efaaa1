/** The beginning of a transfer: its upload, its record, its ranges in the queue. */
import type { Way } from '../part-layout.ts';
import type { CopyRequest } from '../request.ts';
import { ReplicationError } from '../../model/errors.ts';
import { isHidden, isRefusal } from '../multipart.ts';
import { type PartPlan, partPlans, partSizes } from '../part-plan.ts';
import { layoutAtSource } from '../source-layout.ts';
import { safeMs } from './rate.ts';
import { sendRanges } from './send-ranges.ts';
import { isOfVersion } from './transfer.ts';
import { type Transfer, transferId } from './transfer.ts';

/**
 * `replaced` is the transfer of another version, which is given up; null: there is none. Who dies in between leaves an upload that
 * the sweep aborts, or a record whose ranges the next hint sends.
 */
export const beginTransfer = async (
  request: CopyRequest,
  way: Way,
  replaced: Transfer | null,
): Promise<'transferring'> => {
  const { transfers, destination, replicaKey: key } = request;
  await assertStillSo(request);
  if (replaced !== null) await destination.abortUpload({ key, uploadId: replaced.uploadId });
  const { uploadId, plan } = await createUpload(request);
  const transfer = newTransfer(request, way, uploadId, plan);
  const began = await transfers.store.begin(transfer, replaced?.uploadId ?? null).catch(async (error) => {
    await destination.abortUpload({ key, uploadId }).catch(() => undefined);
    throw error;
  });
  if (began) {
    await sendRanges(transfer, [], request);
    return 'transferring';
  }
  await destination.abortUpload({ key, uploadId });
  const first = await transfers.store.load(transfer.id);
  if (first !== null && isOfVersion(first, request.version)) return 'transferring';
  throw new ReplicationError('lost-race', 'somebody else began to transfer another version');
};

/** A look that has become old would move terabytes for nothing, or give up those that somebody else has moved. */
const assertStillSo = async (request: CopyRequest): Promise<void> => {
  const { work, source, sourceKey, destination, replicaKey, version, precondition } = request;
  const shown = await destination.look(replicaKey);
  const isUnchanged =
    precondition.kind === 'absent'
      ? shown.kind !== 'object'
      : shown.kind === 'object' && shown.state.etag === precondition.etag;
  const byId = work.rule.versions === 'all' && version.versionId !== null;
  const now = byId ? null : await source.look(sourceKey);
  const state = now === null ? await source.head(sourceKey, version.versionId ?? 'null') : stateIn(now);
  if (isUnchanged && state !== null && isOfVersion({ version }, state)) return;
  throw new ReplicationError('lost-race', 'one of the sides has changed');
};

const stateIn = (now: Awaited<ReturnType<CopyRequest['source']['look']>>) =>
  now.kind === 'object' ? now.state : null;

/** With the best plan that proves the bytes. Only the source's own parts are sure to give its ETag. */
const createUpload = async (request: CopyRequest): Promise<{ uploadId: string; plan: PartPlan }> => {
  const { source, sourceKey, version, attributes, destination, replicaKey: key, invocation } = request;
  const known = await layoutAtSource(source, sourceKey, version, true);
  const largest = partSizes(known.layout, version.sizeBytes).reduce(
    (most, bytes) => Math.max(most, bytes),
    0,
  );
  if (safeMs(largest, 'stream') > invocation.fullTimeMs)
    throw new ReplicationError('too-large', `a part of ${largest} bytes does not fit into one invocation`);
  const plans = partPlans(version, known, attributes.lock).filter(
    ({ isOwn, provenBy }) => isOwn || provenBy !== 'etag',
  );
  for (const [index, plan] of plans.entries()) {
    try {
      const upload = await destination.createUpload({ key, attributes, checksum: plan.checksum });
      if (!isHidden(plan, upload.encryption)) return { uploadId: upload.uploadId, plan };
      await destination.abortUpload({ key, uploadId: upload.uploadId });
    } catch (error) {
      if (index === plans.length - 1 || !isRefusal(error)) throw error;
    }
  }
  throw new ReplicationError('bad-checksum', 'no way of checking this multipart upload is open');
};

const newTransfer = (
  { work, sourceKey, replicaKey, version, clock }: CopyRequest,
  way: Way,
  uploadId: string,
  { layout, provenBy }: PartPlan,
): Transfer => {
  const { versionId, etag, sizeBytes, lastModifiedMs, encryption, checksum } = version;
  return {
    id: transferId(work.destination.bucket, replicaKey),
    uploadId,
    rule: work.rule.id,
    destination: work.destination.id,
    bucket: work.rule.source.bucket,
    key: sourceKey,
    destinationBucket: work.destination.bucket,
    replicaKey,
    version: { versionId, etag, sizeBytes, lastModifiedMs, encryption, checksum },
    way,
    layout,
    provenBy,
    startedMs: clock.now(),
    run: work.run,
    byReplicator: work.byReplicator,
    concern: work.concern,
    sentMs: null,
    attempt: 0,
    failure: null,
    seen: null,
    fruitless: 0,
  };
};
