/** One batch of messages from the queue of ranges. */
import { retryDelaySeconds, RETRY_LIMIT } from '../delivery/backoff.ts';
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import type { QueueMessage, TransferDeps } from '../delivery/deps.ts';
import { about, blank, quarantine } from '../delivery/settle.ts';
import { assignmentOf, failTransfer } from './end-transfer.ts';
import { lastMovedMs, parseRangeMessage } from '../copy/transfer/part-ranges.ts';
import type { RangeMessage, Transfer } from '../copy/transfer/transfer.ts';
import { partsThere } from '../copy/transfer/part-ranges.ts';
import { workOnRange } from './move-range.ts';

/** A range is given up when so long nothing of it has moved, however often it was tried. */
const PATIENCE_MS = 2 * 3_600_000;

/** Being handed back counts as a receive, but is no failure: the delay does not grow beyond a few minutes. */
const MAX_DELAY_TRIES = 6;

/** Answers the ids of those that come again. Never throws. */
export const transferBatch = async (
  messages: QueueMessage[],
  deps: TransferDeps,
): Promise<{ failed: string[] }> => {
  const failed = await Promise.all(
    messages.map(async (message) => ((await processMessage(message, deps)) ? [] : [message.messageId])),
  );
  await deps.runs.flush();
  return { failed: failed.flat() };
};

/** True: acknowledge. */
const processMessage = async (message: QueueMessage, deps: TransferDeps): Promise<boolean> => {
  try {
    const range = parseRangeMessage(message.body);
    if (range === null) await quarantineUnknown(message, deps);
    else return await workOrSettle(range, message, deps);
    return true;
  } catch (error) {
    return await later(message, null, asReplicationError(error), deps);
  }
};

const quarantineUnknown = async (message: QueueMessage, deps: TransferDeps): Promise<void> => {
  const error = new ReplicationError('malformed-message', 'not a range of a transfer');
  await quarantine({ error, body: message.body, hint: null, assignment: null }, message, deps);
};

const workOrSettle = async (
  range: RangeMessage,
  message: QueueMessage,
  deps: TransferDeps,
): Promise<boolean> => {
  try {
    await workOnRange(range, message.receiveCount, deps);
    return true;
  } catch (thrown) {
    const error = asReplicationError(thrown);
    const transfer = await deps.transfers.store.load(range.id);
    const isLasting =
      error.disposition === 'quarantine' || (await isHopeless(range, message, transfer, error, deps));
    if (!isLasting || transfer?.uploadId !== range.uploadId)
      return await later(message, transfer, error, deps);
    await failTransfer(transfer, error, deps);
    return true;
  }
};

const isHopeless = async (
  range: RangeMessage,
  { receiveCount }: QueueMessage,
  transfer: Transfer | null,
  error: ReplicationError,
  deps: TransferDeps,
): Promise<boolean> => {
  if (transfer === null || receiveCount < RETRY_LIMIT || error.reason === 'out-of-time') return false;
  const assignment = assignmentOf(deps, transfer);
  if (assignment === null) return true;
  const parts = await partsThere(deps.buckets.destination(assignment.destination), transfer, range).catch(
    () => [],
  );
  const movedMs = Math.max(lastMovedMs(parts), transfer.sentMs ?? transfer.startedMs);
  return deps.clock.now() - movedMs >= PATIENCE_MS;
};

/** What there was no time for is visible at once; where the delay cannot be set, the queue's own brings it back, only later. */
const later = async (
  message: QueueMessage,
  transfer: Transfer | null,
  error: ReplicationError,
  deps: TransferDeps,
): Promise<false> => {
  const { reason, message: detail, requestId } = error;
  const assignment = transfer === null ? null : assignmentOf(deps, transfer);
  const common = assignment === null ? blank(message) : about(assignment, message);
  deps.reporter.report({ ...common, ending: 'retry', reason, detail, requestId });
  const tries = Math.min(message.receiveCount, MAX_DELAY_TRIES);
  const delaySeconds = reason === 'out-of-time' ? 0 : retryDelaySeconds(tries, Math.random());
  await deps.liveQueue.retryLater(message, delaySeconds).catch(() => undefined);
  return false;
};
