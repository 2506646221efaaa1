/**
 * Copies a version by a transfer: begins it, looks after it, and in the end commits it. All of it is done by converge, so that the
 * conditions are those of the protocol; in between, many invocations copy parts.
 */
import type { Way } from '../part-layout.ts';
import type { Copied, CopyRequest } from '../request.ts';
import { ReplicationError } from '../../model/errors.ts';
import { closeBody, commit, isProvable, trustIn } from '../multipart.ts';
import { planOf } from '../part-plan.ts';
import type { ListedPart } from '../../model/ports.ts';
import { provenCopy } from '../proven-copy.ts';
import { beginTransfer } from './begin.ts';
import { isComplete } from './part-ranges.ts';
import { sendAgain, sendRanges } from './send-ranges.ts';
import { isOfVersion } from './transfer.ts';
import { type Transfer, transferId } from './transfer.ts';
import { partsThere } from './part-ranges.ts';

/** Throws as `copyVersion`. */
export const copyByTransfer = async (request: CopyRequest, way: Way): Promise<Copied | 'transferring'> => {
  closeBody(request);
  const { work, transfers, replicaKey, version } = request;
  const transfer = await transfers.store.load(transferId(work.destination.bucket, replicaKey));
  if (transfer === null || !isOfVersion(transfer, version))
    return await beginTransfer(request, way, transfer);
  const parts = await partsOrEnd(request, transfer);
  if (isComplete(transfer, parts)) return await finish(request, transfer, parts);
  const { rule, destination } = work;
  // The rule may have another name by now.
  const named = { ...transfer, rule: rule.id, destination: destination.id };
  if (transfer.failure !== null) await sendAgain(named, parts, 0, request);
  else if (transfer.sentMs === null) await sendRanges(named, parts, request);
  return 'transferring';
};

/** An upload that is gone was aborted, or completed by somebody else: the destination will tell. */
const partsOrEnd = async (
  { transfers, destination }: CopyRequest,
  transfer: Transfer,
): Promise<ListedPart[]> => {
  try {
    return await partsThere(destination, transfer);
  } catch (error) {
    if (error instanceof ReplicationError && error.reason === 'lost-race')
      await transfers.store.end(transfer);
    throw error;
  }
};

/** After a condition that failed, or an answer that was lost, converge looks again: what there is of the upload stays. */
const finish = async (request: CopyRequest, transfer: Transfer, parts: ListedPart[]): Promise<Copied> => {
  const { transfers, destination, version } = request;
  const { layout, provenBy, way, uploadId, replicaKey: key } = transfer;
  const plan = planOf(version, { layout, isOwn: true }, provenBy);
  try {
    if (!isProvable(version, plan, parts))
      throw new ReplicationError('bad-checksum', 'the ETags of the parts cannot be compared');
    const written = await commit(request, plan, uploadId, parts);
    // The sweep finds a record whose upload is gone.
    await transfers.store.end(transfer).catch(() => undefined);
    return { ...(await provenCopy(request, written, trustIn(plan, way))), byTransfer: true };
  } catch (error) {
    if (error instanceof ReplicationError && USELESS.has(error.reason)) {
      await destination.abortUpload({ key, uploadId });
      await transfers.store.end(transfer);
    }
    throw error;
  }
};

/** Nothing can be made of these parts: whoever tries again begins anew. */
const USELESS: ReadonlySet<string> = new Set(['bad-checksum', 'invalid-request']);
