/** How transfers end otherwise than by being finished: given up, not needed any more, or handed to a person. */
import { assign, type Assignment } from '../hint/route.ts';
import { ReplicationError } from '../model/errors.ts';
import { formatHint } from '../hint/hint.ts';
import type { Deps, QueueMessage, TransferDeps } from '../delivery/deps.ts';
import { PASSED_OVER, type Receipt } from '../delivery/outcome.ts';
import { destinationKey } from '../model/rule.ts';
import { quarantine } from '../delivery/settle.ts';
import { hintOf, identityOf, isHintOf, transferHint } from './transfer-hint.ts';
import { type Transfer, transferId } from '../copy/transfer/transfer.ts';

/** The rule and destination, by whatever name, that the transfer is for; null: there is none any more. */
export const assignmentOf = (
  { configuration }: Pick<Deps, 'configuration'>,
  transfer: Transfer,
): Assignment | null =>
  assign(configuration, { ...hintOf(transfer), rule: null, destination: null }).find(
    ({ rule, destination, hint }) =>
      transferId(destination.bucket, destinationKey(rule, destination, hint.key)) === transfer.id,
  ) ?? null;

/** The upload is aborted, its record ended, and the key looked at. In this order: who dies in between is followed by another. */
export const abandon = async (
  transfer: Transfer,
  { destination }: Assignment,
  deps: TransferDeps,
): Promise<void> => {
  const { replicaKey: key, uploadId } = transfer;
  await deps.buckets.destination(destination).abortUpload({ key, uploadId });
  await deps.transfers.store.end(transfer);
  await deps.hints.send(transferHint(transfer, 'gone'));
};

/** After the look that a transfer's own hint asked for, and that needed nothing of it: what is left of it is removed. */
export const dropUnneeded = async (
  { hint, rule, destination }: Assignment,
  outcome: Receipt['outcome'],
  { transfers, buckets }: Pick<Deps, 'transfers' | 'buckets'>,
): Promise<void> => {
  if (outcome === 'restore-requested') return;
  const transfer = await transfers.store.load(
    transferId(destination.bucket, destinationKey(rule, destination, hint.key)),
  );
  if (transfer === null || !isHintOf(hint, transfer)) return;
  const { replicaKey: key, uploadId } = transfer;
  await buckets.destination(destination).abortUpload({ key, uploadId });
  await transfers.store.end(transfer);
};

/** It waits for a person, with all that is there of it. A transfer that somebody has sent again meanwhile goes on. */
export const failTransfer = async (
  transfer: Transfer,
  error: ReplicationError,
  deps: TransferDeps,
): Promise<void> => {
  const isTransient = error.disposition === 'retry';
  const failure = {
    reason: isTransient ? ('retries-exhausted' as const) : error.reason,
    detail: isTransient ? `${error.reason}: ${error.message}` : error.message,
  };
  const { attempt } = transfer;
  await deps.transfers.store.change(transfer, { failure }, { attempt, failed: false });
  const now = await deps.transfers.store.load(transfer.id);
  if (now?.uploadId === transfer.uploadId && now.attempt === attempt) await reportFailure(now, deps);
};

/** Once for each attempt, by whoever comes first: it may have died between the record and the dead-letter queue. */
export const reportFailure = async (transfer: Transfer, deps: TransferDeps): Promise<void> => {
  const { failure } = transfer;
  if (failure === null) return;
  await deps.receipts.once(`${identityOf(transfer)}/failure`, async () => {
    const hint = hintOf(transfer);
    const assignment = assignmentOf(deps, transfer);
    const error = new ReplicationError(failure.reason, failure.detail);
    await quarantine({ error, body: formatHint(hint), hint, assignment }, messageOf(transfer), deps);
    return PASSED_OVER;
  });
};

/** It has no message of its own: its first was acknowledged when it was begun. */
const messageOf = ({ startedMs, attempt }: Transfer): QueueMessage => ({
  messageId: '',
  receiptHandle: '',
  body: '',
  receiveCount: attempt + 1,
  sentMs: startedMs,
  earlier: null,
});
