/** Carries out one batch of messages from the transfer queue. Each message is one part range. */
import { isRefusal } from '../copy/refusal.ts';
import { lastMovedMs, listedParts, parsePartRangeMessage } from '../copy/transfer/part-ranges.ts';
import type { PartRangeMessage, Transfer } from '../copy/transfer/transfer.ts';
import { MAX_WAITING_MS, RETRY_LIMIT } from '../delivery/backoff.ts';
import type { QueueMessage, TransferDeps } from '../delivery/deps.ts';
import { afterFailure, mayBeGranted } from '../delivery/retry.ts';
import { reportFailure } from '../delivery/failure.ts';
import { quarantine } from '../delivery/quarantine.ts';
import { isNewer, tryAgain } from '../delivery/settle.ts';
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import { assignmentOf, failTransfer, tryNextPlan } from './end-transfer.ts';
import { movePartRange } from './move-part-range.ts';

/**
 * How long no part of a range may move before the range is given up. Until then the range is retried, even beyond the limit of
 * receives.
 */
const MAX_STALLED_MS = 2 * 3_600_000;

/** Processes the messages concurrently. Resolves to the ids of the messages that must be delivered again. Never throws. */
export const transferBatch = async (
  messages: QueueMessage[],
  deps: TransferDeps,
): Promise<{ failed: string[] }> => {
  const failed = await Promise.all(
    messages.map(async (message) => ((await handlePartRange(message, deps)) ? [] : [message.messageId])),
  );
  await Promise.all([deps.runs.flush(), deps.circuits.flush()]);
  return { failed: failed.flat() };
};

/** Resolves to true if the message is to be acknowledged. */
const handlePartRange = async (message: QueueMessage, deps: TransferDeps): Promise<boolean> => {
  if (await isNewer(message, deps)) return false;
  try {
    const range = parsePartRangeMessage(message.body);
    if (range === null) await quarantineUnknown(message, deps);
    else return await moveOrSettle(range, message, deps);
    return true;
  } catch (error) {
    return await later(message, null, asReplicationError(error), deps);
  }
};

const quarantineUnknown = async (message: QueueMessage, deps: TransferDeps): Promise<void> => {
  const error = new ReplicationError('malformed-message', 'the message is no part range of a transfer');
  await quarantine({ error, body: message.body, hint: null, assignment: null }, message, deps);
};

const moveOrSettle = async (
  range: PartRangeMessage,
  message: QueueMessage,
  deps: TransferDeps,
): Promise<boolean> => {
  try {
    await movePartRange(range, message, deps);
    return true;
  } catch (thrown) {
    const error = asReplicationError(thrown);
    const transfer = await deps.transfers.store.load(range.id);
    if (transfer?.uploadId !== range.uploadId) return await later(message, transfer, error, deps);
    const isRefused = error.disposition === 'quarantine' && !mayBeGranted(message, error, deps.clock.now());
    const isLasting =
      isRefused ||
      (isExhausted(message, error, deps) && (error.isAvoided || (await isStalled(range, transfer, deps))));
    // The part ranges were sent again meanwhile, so this failure says nothing about them.
    if (range.attempt < transfer.attempt) return true;
    if (!isLasting) return await later(message, transfer, error, deps);
    if (isRefusal(error) && (await tryNextPlan(transfer, deps))) return true;
    await failTransfer(transfer, error, deps);
    return true;
  }
};

/**
 * Returns true if the part range is given up. An attempt at an avoided destination uses up no tries. Even so, a part range waits
 * for the destination only for a limited time.
 */
const isExhausted = (message: QueueMessage, error: ReplicationError, { clock }: TransferDeps): boolean => {
  const { tries, waitingSinceMs } = afterFailure(message, error, clock.now());
  if (error.isAvoided) return clock.now() - waitingSinceMs >= MAX_WAITING_MS;
  return tries >= RETRY_LIMIT && error.reason !== 'out-of-time';
};

const isStalled = async (
  range: PartRangeMessage,
  transfer: Transfer,
  deps: TransferDeps,
): Promise<boolean> => {
  const assignment = assignmentOf(deps, transfer);
  if (assignment === null) return true;
  const destination = deps.buckets.destination(assignment.destination);
  const parts = await listedParts(destination, transfer, range).catch(() => []);
  const movedMs = Math.max(lastMovedMs(parts), transfer.sentMs ?? transfer.startedMs);
  return deps.clock.now() - movedMs >= MAX_STALLED_MS;
};

/**
 * Tries the part range again. If the invocation had too little time, the message itself is given back without a delay, so that
 * part ranges do not multiply. After any other failure the message is sent again, so that it does not wait in flight. Resolves to
 * true if the message is to be acknowledged.
 */
const later = async (
  message: QueueMessage,
  transfer: Transfer | null,
  error: ReplicationError,
  deps: TransferDeps,
): Promise<boolean> => {
  const failure = {
    error,
    body: message.body,
    hint: null,
    assignment: transfer === null ? null : assignmentOf(deps, transfer),
  };
  try {
    if (error.reason !== 'out-of-time') {
      await tryAgain(failure, message, deps);
      return true;
    }
  } catch {
    // SQS did not accept the message. It is given back instead.
  }
  reportFailure('retry', failure, message, deps);
  await deps.liveQueue.retryLater(message, 0).catch(() => undefined);
  return false;
};
