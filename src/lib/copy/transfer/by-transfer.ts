/**
 * Copies a version by a transfer: begins the transfer, continues it, and finally commits it. Converge carries out these steps, so
 * that the conditions of the protocol apply to them. Between the steps, many invocations copy the parts.
 */
import { isDeepStrictEqual } from 'node:util';
import { ReplicationError } from '../../model/errors.ts';
import type { ListedPart } from '../../model/ports.ts';
import { commit, isProvable, partsProve, trustIn } from '../multipart.ts';
import type { Way } from '../part-layout.ts';
import { planOf } from '../part-plan.ts';
import { provenCopy } from '../proven-copy.ts';
import { assertReadable } from '../readable.ts';
import { type Copied, type SharedCopyRequest, discardBody } from '../request.ts';
import { beginTransfer } from './begin.ts';
import { isComplete, listedParts } from './part-ranges.ts';
import { sendAgain, sendPartRanges } from './send-part-ranges.ts';
import { isOfVersion, type Transfer, transferIdOf } from './transfer.ts';

/** Copies a version by a transfer, which may need many calls of this function. Throws the same errors as `copyVersion`. */
export const copyByTransfer = async (
  request: SharedCopyRequest,
  way: Way,
): Promise<Copied | 'transferring'> => {
  discardBody(request);
  const { task, transfers, version } = request;
  const transfer = await transfers.store.load(transferIdOf(task));
  if (transfer === null || !isOfVersion(transfer, version) || transfer.isRefused)
    return await beginTransfer(request, way, transfer);
  const parts = await partsOrEnd(request, transfer);
  if (isComplete(transfer, parts)) return await finish(request, await revived(request, transfer), parts);
  if (isOutdated(transfer, parts)) return await beginTransfer(request, way, transfer);
  // The rule or destination may have been renamed since the transfer began.
  const renamed = { ...transfer, rule: task.rule.id, destination: task.destination.id };
  if (transfer.failure !== null) {
    // The version may have been archived after some parts were moved. Converge then passes it over, or asks for its restore.
    await assertReadable(request, way);
    await sendAgain(renamed, parts, 0, request);
  } else if (transfer.sentMs === null) await sendPartRanges(renamed, parts, request);
  return 'transferring';
};

/** Begins a new attempt if the transfer has failed, so that another failure makes another dead letter. */
const revived = async ({ transfers }: SharedCopyRequest, transfer: Transfer): Promise<Transfer> => {
  if (transfer.failure === null) return transfer;
  const fields = { attempt: transfer.attempt + 1, failure: null };
  await transfers.store.change(transfer, fields, { attempt: transfer.attempt, failed: true });
  return { ...transfer, ...fields };
};

/**
 * Returns true if a transfer that failed is begun anew instead of being continued. An upload keeps the encryption and the Object
 * Lock configuration that its bucket had when the upload was created. If the bucket was changed since then, only a new upload
 * succeeds. If no part was uploaded, a new upload loses nothing. Otherwise the parts are lost, so the failure must be one that such
 * a change can repair.
 */
const isOutdated = ({ failure }: Transfer, parts: ListedPart[]): boolean =>
  failure !== null && (parts.length === 0 || OUTDATED.has(failure.reason));

const OUTDATED: ReadonlySet<string> = new Set(['kms', 'object-lock', 'invalid-request']);

/**
 * Lists the parts, and removes the record of the transfer if the upload is gone. An upload is gone if it was aborted, or if
 * another invocation has completed it. The next look at the destination shows which is the case.
 */
const partsOrEnd = async (
  { transfers, destination }: SharedCopyRequest,
  transfer: Transfer,
): Promise<ListedPart[]> => {
  try {
    return await listedParts(destination, transfer);
  } catch (error) {
    if (error instanceof ReplicationError && error.reason === 'lost-race')
      await transfers.store.end(transfer);
    throw error;
  }
};

/**
 * Commits the transfer. If the condition failed or the response was lost, the upload is not aborted here, because converge looks
 * at both sides again first.
 */
const finish = async (
  request: SharedCopyRequest,
  transfer: Transfer,
  parts: ListedPart[],
): Promise<Copied> => {
  const { transfers, destination, version } = request;
  const { layout, provenBy, way, uploadId, replicaKey: key } = transfer;
  const plan = planOf(version, { layout, isOwn: true }, provenBy);
  try {
    if (!isProvable(version, plan, parts))
      throw new ReplicationError('bad-checksum', 'the ETags of the parts cannot be compared');
    const written = await commit(request, plan, uploadId, parts);
    // If the record cannot be removed now, the sweep removes it, because its upload no longer exists.
    await transfers.store.end(transfer).catch(() => undefined);
    const copied = await provenCopy(request, written, trustIn(plan, way), partsProve(request, plan, parts));
    return { ...copied, byTransfer: true };
  } catch (error) {
    if (error instanceof ReplicationError && USELESS.has(error.reason)) {
      // S3 may have lost a part since it was listed. The other parts are then kept.
      if (!isDeepStrictEqual(await listedParts(destination, transfer), parts))
        throw new ReplicationError('lost-race', 'the parts of the upload have changed', { cause: error });
      await destination.abortUpload({ key, uploadId });
      await transfers.store.end(transfer);
    }
    throw error;
  }
};

/** The failures after which the uploaded parts are useless. The next attempt begins a new transfer. */
const USELESS: ReadonlySet<string> = new Set(['bad-checksum', 'invalid-request']);
