/** Ends transfers that are not completed. Such a transfer is given up, is no longer needed, or waits for a person. */
import { listedParts } from '../copy/transfer/part-ranges.ts';
import { type Transfer, transferIdOf } from '../copy/transfer/transfer.ts';
import type { Deps, QueueMessage, TransferDeps } from '../delivery/deps.ts';
import { PASSED_OVER, type Receipt } from '../delivery/outcome.ts';
import { quarantine } from '../delivery/quarantine.ts';
import { formatHint } from '../hint/hint.ts';
import { assign, type Assignment, taskOf } from '../hint/route.ts';
import { ReplicationError } from '../model/errors.ts';
import type { Destination } from '../model/rule.ts';
import { attemptIdentity, hintOf, isHintOf, transferHint } from './transfer-hint.ts';

/** Returns the current rule and destination of the transfer, even if they were renamed, or null if they no longer exist. */
export const assignmentOf = (
  { configuration }: Pick<Deps, 'configuration'>,
  transfer: Transfer,
): Assignment | null =>
  assign(configuration, { ...hintOf(transfer), rule: null, destination: null }).find(
    (assignment) => transferIdOf(taskOf(assignment)) === transfer.id,
  ) ?? null;

/** Resolves to the transfer to the key of the assignment, or to null if there is none. */
export const transferOf = (
  assignment: Assignment,
  { transfers }: Pick<Deps, 'transfers'>,
): Promise<Transfer | null> => transfers.store.load(transferIdOf(taskOf(assignment)));

/**
 * Removes the transfer and sends a hint to look at its key. The hint is sent last. After a crash in between, another invocation
 * repeats the steps.
 */
export const abandon = async (
  transfer: Transfer,
  { destination }: Assignment,
  deps: TransferDeps,
): Promise<void> => {
  await removeTransfer(transfer, destination, deps);
  await deps.hints.send(transferHint(transfer, 'gone'));
};

/**
 * Removes the transfer that sent the hint of this assignment, if that transfer still exists. It exists only if converge did not
 * need its parts.
 */
export const dropUnneeded = async (
  assignment: Assignment,
  outcome: Receipt['outcome'],
  deps: Pick<Deps, 'transfers' | 'buckets'>,
): Promise<void> => {
  if (outcome === 'restore-requested') return;
  const transfer = await transferOf(assignment, deps);
  if (transfer === null || !isHintOf(assignment.hint, transfer)) return;
  await removeTransfer(transfer, assignment.destination, deps);
};

/**
 * Removes a transfer. The upload is aborted before the record is removed, so that a crash in between leaves a record, which the
 * sweep finds.
 */
export const removeTransfer = async (
  transfer: Transfer,
  destination: Destination,
  { transfers, buckets }: Pick<Deps, 'transfers' | 'buckets'>,
): Promise<void> => {
  const { replicaKey: key, uploadId } = transfer;
  await buckets.destination(destination).abortUpload({ key, uploadId });
  await transfers.store.end(transfer);
};

/**
 * Makes converge begin the transfer anew with its next plan, after S3 refused a part. Resolves to false if no plan is left or a part
 * was uploaded, because then the plan is not the cause of the refusal. The messages of this attempt are ignored from now on.
 */
export const tryNextPlan = async (transfer: Transfer, deps: TransferDeps): Promise<boolean> => {
  const assignment = assignmentOf(deps, transfer);
  if (transfer.plansLeft === 0 || assignment === null) return false;
  if ((await listedParts(deps.buckets.destination(assignment.destination), transfer)).length > 0)
    return false;
  const { attempt } = transfer;
  const next = { ...transfer, attempt: attempt + 1 };
  const fields = { isRefused: true, attempt: next.attempt };
  // If another invocation was faster, it sends the hint, and this message is outdated.
  if (await deps.transfers.store.change(transfer, fields, { attempt, failed: false }))
    await deps.hints.send(transferHint(next, 'gone'));
  return true;
};

/**
 * Makes the transfer wait for a person. All parts that were moved are kept. If the part ranges were sent again in the meantime,
 * the transfer continues.
 */
export const failTransfer = async (
  transfer: Transfer,
  error: ReplicationError,
  deps: Deps,
): Promise<void> => {
  const isTransient = error.disposition === 'retry';
  const failure = {
    atMs: deps.clock.now(),
    reason: isTransient ? ('retries-exhausted' as const) : error.reason,
    detail: isTransient ? `${error.reason}: ${error.message}` : error.message,
  };
  const { attempt } = transfer;
  await deps.transfers.store.change(transfer, { failure }, { attempt, failed: false });
  const now = await deps.transfers.store.load(transfer.id);
  if (now?.uploadId === transfer.uploadId && now.attempt === attempt) await quarantineFailed(now, deps);
};

/**
 * Sends a failed transfer to the dead-letter queue, once for each attempt. Every invocation that finds the failure calls this
 * function, because the invocation that recorded the failure may have died before it sent the message.
 */
export const quarantineFailed = async (transfer: Transfer, deps: Deps): Promise<void> => {
  const { failure } = transfer;
  if (failure === null) return;
  const delivery = { message: deps.invocation.requestId, delivery: 1 };
  await deps.receipts.once(`${attemptIdentity(transfer)}/failure`, delivery, async () => {
    const assignment = assignmentOf(deps, transfer);
    // The rule and the destination may have been renamed, and the run may have been cancelled, since the transfer began.
    const names =
      assignment === null ? {} : { rule: assignment.rule.id, destination: assignment.destination.id };
    const hint = { ...hintOf(transfer), ...names };
    const error = new ReplicationError(failure.reason, failure.detail);
    await quarantine(
      { error, body: formatHint({ ...hint, run: null }), hint, assignment },
      messageFor(transfer),
      deps,
    );
    return PASSED_OVER;
  });
};

/** Returns a stand-in for the message that began the transfer, because that message was acknowledged when the transfer began. */
const messageFor = ({ startedMs, attempt }: Transfer): QueueMessage => ({
  messageId: '',
  receiptHandle: '',
  body: '',
  receiveCount: attempt + 1,
  sentMs: startedMs,
  origin: 'transfer',
  retry: null,
  earlier: null,
});
