/** The periodic sweep. It restarts transfers that have stalled, and removes transfers and uploads that are no longer needed. */
import { isComplete, lastMovedMs, listedParts, sumOfBytes } from '../copy/transfer/part-ranges.ts';
import { sendAgain, sendPartRanges } from '../copy/transfer/send-part-ranges.ts';
import type { Transfer } from '../copy/transfer/transfer.ts';
import type { TransferDeps } from '../delivery/deps.ts';
import { attempted, reportFailure } from '../delivery/failure.ts';
import { mapConcurrently } from '../model/concurrency.ts';
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import type { DestinationBucket, ListedPart } from '../model/ports.ts';
import { abortOrphans } from './abort-orphans.ts';
import { assignmentOf, failTransfer, quarantineFailed, removeTransfer } from './end-transfer.ts';
import { transferHint } from './transfer-hint.ts';

export interface SweepReport {
  /** All transfers in the table. */
  transfers: number;
  /** Transfers for which the invocation had no time left. */
  left: number;
  /** Transfers for whose key a hint was sent, because all parts are uploaded or because the upload is gone. */
  hinted: number;
  /** Transfers whose part ranges were sent, for the first time or again. */
  resent: number;
  /** Transfers that now wait for a person. */
  failed: number;
  /** Records that were removed. */
  ended: number;
  /** Uploads without a record that were aborted. */
  aborted: number;
  /** The buckets that could not be swept, each as `<bucket>: <reason>`. */
  unreachable: string[];
}

/** How long the invocation that commits a transfer may take before another hint is sent. */
const FINISHING_MS = 10 * 60_000;
/**
 * How long no part may move before a transfer counts as stalled, if no message is waiting or being worked on. After each attempt in
 * which nothing moved, this time doubles, up to the maximum.
 */
const STALLED_MS = 5 * 60_000;
const MAX_STALLED_MS = 30 * 60_000;
/** How long no part may move before the messages of a transfer count as lost, even if the queue is never empty. */
const LOST_MS = 6 * 3_600_000;
/**
 * How long no part may move if no worker has started on any part range of the attempt. The messages probably wait behind others,
 * or the function does not read the queue at the moment. Sending them again would only make the queue longer.
 */
const WAITING_MS = 24 * 3_600_000;
/** Maximum number of consecutive attempts that were tried and moved no part. */
const FRUITLESS_LIMIT = 5;
const TENDED_AT_ONCE = 8;
/**
 * How long a failed transfer is kept. Its hint stays in the dead-letter queue for 14 days. If the hint is redriven after the
 * transfer was removed, a new transfer begins.
 */
const FAILED_MS = 6 * 24 * 3_600_000;

/** Returns true if the event comes from the schedule. */
export const isSweep = (event: unknown): boolean =>
  typeof event === 'object' && event !== null && 'sweep' in event && event.sweep === true;

/**
 * Sweeps all transfers, and all buckets with uploads. Throws only if the table cannot be read. A failure at one transfer or
 * bucket is reported, and the others are still swept.
 */
export const sweepTransfers = async (deps: TransferDeps): Promise<SweepReport> => {
  const transfers: Transfer[] = [];
  const known = new Set<string>();
  for await (const transfer of deps.transfers.store.all((uploadId) => known.add(uploadId)))
    transfers.push(transfer);
  const report = { transfers: transfers.length, left: 0, hinted: 0, resent: 0, failed: 0, ended: 0 };
  const unreachable = new Set<string>();
  await mapConcurrently(transfers, TENDED_AT_ONCE, async (transfer) => {
    try {
      const isOver = deps.clock.now() >= deps.invocation.deadlineMs;
      const action = isOver ? 'left' : await tend(transfer, deps);
      if (action !== null) report[action] += 1;
    } catch (error) {
      unreachable.add(complain(transfer, error, deps));
    }
  });
  for (const { uploadId } of transfers) known.add(uploadId);
  const orphans = await abortOrphans(known, deps);
  await deps.runs.flush();
  return { ...report, aborted: orphans.aborted, unreachable: [...unreachable, ...orphans.unreachable] };
};

/** The action of the sweep for a transfer; null: the transfer continues without help. */
type Action = 'hinted' | 'resent' | 'failed' | 'ended' | null;

const tend = async (transfer: Transfer, deps: TransferDeps): Promise<Action> => {
  if (transfer.failure !== null) return await tendFailed(transfer, deps);
  const assignment = assignmentOf(deps, transfer);
  if (assignment === null) {
    await failTransfer(transfer, new ReplicationError('unknown-rule', 'no rule wants this key'), deps);
    return 'failed';
  }
  if (transfer.isRefused) {
    await deps.hints.send(transferHint(transfer, 'gone'));
    return 'hinted';
  }
  // While the destination is avoided, nothing moves, and no message counts as lost. The transfer is reported as out of reach.
  await deps.circuits.admit(assignment);
  const parts = await partsOrNull(transfer, deps.buckets.destination(assignment.destination));
  if (parts === null) {
    await deps.transfers.store.end(transfer);
    await deps.hints.send(transferHint(transfer, 'gone'));
    return 'hinted';
  }
  return isComplete(transfer, parts)
    ? await callFinisher(transfer, parts, deps)
    : await keepMoving(transfer, parts, deps);
};

const tendFailed = async (transfer: Transfer, deps: TransferDeps): Promise<Action> => {
  await quarantineFailed(transfer, deps);
  if (deps.clock.now() - (transfer.failure?.atMs ?? 0) < FAILED_MS) return null;
  const assignment = assignmentOf(deps, transfer);
  if (assignment === null) await deps.transfers.store.end(transfer);
  else await removeTransfer(transfer, assignment.destination, deps);
  return 'ended';
};

/** Lists the parts. Resolves to null if the upload is gone. */
const partsOrNull = async (
  transfer: Transfer,
  destination: DestinationBucket,
): Promise<ListedPart[] | null> => {
  try {
    return await listedParts(destination, transfer);
  } catch (error) {
    if (error instanceof ReplicationError && error.reason === 'lost-race') return null;
    throw error;
  }
};

/**
 * Sends the hint to commit the transfer again. The hint belongs to a new attempt, because a second hint of the same attempt would
 * count as a duplicate.
 */
const callFinisher = async (transfer: Transfer, parts: ListedPart[], deps: TransferDeps): Promise<Action> => {
  if (deps.clock.now() - lastMovedMs(parts) < FINISHING_MS) return null;
  const { attempt } = transfer;
  const next = { ...transfer, attempt: attempt + 1 };
  const isOurs = await deps.transfers.store.change(
    transfer,
    { attempt: next.attempt },
    { attempt, failed: false },
  );
  if (!isOurs) return null;
  await deps.hints.send(transferHint(next, 'finished'));
  return 'hinted';
};

const keepMoving = async (transfer: Transfer, parts: ListedPart[], deps: TransferDeps): Promise<Action> => {
  const { clock, transfers } = deps;
  if (transfer.sentMs === null) {
    await sendPartRanges(transfer, parts, deps);
    return 'resent';
  }
  const seen = { parts: parts.length, bytes: sumOfBytes(parts), atMs: clock.now() };
  await transfers.store.change(transfer, { seen });
  const movedMs = lastMovedMs(parts);
  const stillMs = clock.now() - Math.max(movedMs, transfer.sentMs);
  if (stillMs < Math.min(STALLED_MS * 2 ** transfer.fruitless, MAX_STALLED_MS)) return null;
  const wasTried = transfer.tried === transfer.attempt;
  const isWaiting = (await transfers.queue.waiting()) > 0;
  if (isWaiting && stillMs < (wasTried ? LOST_MS : WAITING_MS)) return null;
  const fruitless = movedMs > transfer.sentMs ? 0 : transfer.fruitless + (wasTried || !isWaiting ? 1 : 0);
  if (fruitless >= FRUITLESS_LIMIT) {
    const why = `nothing has moved although the part ranges were sent ${fruitless} times`;
    await failTransfer(transfer, new ReplicationError('retries-exhausted', why), deps);
    return 'failed';
  }
  return (await sendAgain(transfer, parts, fruitless, deps)) ? 'resent' : null;
};

/** Reports the failure to sweep a transfer, as a warning and a metric. */
const complain = (transfer: Transfer, thrown: unknown, deps: TransferDeps): string => {
  const error = asReplicationError(thrown);
  const failure = { error, assignment: assignmentOf(deps, transfer) };
  reportFailure('retry', failure, attempted(transfer.attempt + 1), deps);
  return `${transfer.destinationBucket}: ${error.reason}`;
};
