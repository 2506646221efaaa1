/** Looks after all transfers: those that are forgotten go on, and of those that nobody wants nothing is left. */
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import type { TransferDeps } from '../delivery/deps.ts';
import type { ListedPart } from '../model/ports.ts';
import { about, blank } from '../delivery/settle.ts';
import { assignmentOf, failTransfer, reportFailure } from './end-transfer.ts';
import { abortOrphans } from './abort-orphans.ts';
import { bytesOf, isComplete, lastMovedMs } from '../copy/transfer/part-ranges.ts';
import { sendAgain, sendRanges } from '../copy/transfer/send-ranges.ts';
import { transferHint } from './transfer-hint.ts';
import type { Transfer } from '../copy/transfer/transfer.ts';
import { partsThere } from '../copy/transfer/part-ranges.ts';

export interface SweepReport {
  transfers: number;
  /** Whose key is to be looked at: all parts are there, or the upload is gone. */
  hinted: number;
  /** Whose ranges were sent, once more or at last. */
  resent: number;
  /** Handed to a person. */
  failed: number;
  /** Records that were removed. */
  ended: number;
  /** Uploads without a record. */
  aborted: number;
  /** `<bucket>: <reason>` */
  unreachable: string[];
}

/** A finisher that is at it is given so long before another is called. */
const FINISHING_MS = 10 * 60_000;
/** Longer than any part takes. */
const STILL_MS = 30 * 60_000;
/** After so long its messages are taken for lost though the queue is never empty. */
const LOST_MS = 6 * 3_600_000;
const FRUITLESS_LIMIT = 5;
/** What waits for a person is not kept for ever; its hint in the dead-letter queue (14 days) begins anew. */
const FAILED_MS = 6 * 24 * 3_600_000;

/** The event of the schedule. */
export const isSweep = (event: unknown): boolean =>
  typeof event === 'object' && event !== null && 'sweep' in event && event.sweep === true;

/** Throws only where the table cannot be read: all that is about one transfer or bucket is reported, and the others go on. */
export const sweepTransfers = async (deps: TransferDeps): Promise<SweepReport> => {
  const report = { transfers: 0, hinted: 0, resent: 0, failed: 0, ended: 0, aborted: 0 };
  const unreachable = new Set<string>();
  const known = new Set<string>();
  for await (const transfer of deps.transfers.store.all()) {
    report.transfers += 1;
    known.add(transfer.uploadId);
    try {
      const done = await tend(transfer, deps);
      if (done !== 'goes on') report[done] += 1;
    } catch (error) {
      unreachable.add(complain(transfer, error, deps));
    }
  }
  const orphans = await abortOrphans(known, deps);
  await deps.runs.flush();
  return { ...report, aborted: orphans.aborted, unreachable: [...unreachable, ...orphans.unreachable] };
};

type Done = 'goes on' | 'hinted' | 'resent' | 'failed' | 'ended';

const tend = async (transfer: Transfer, deps: TransferDeps): Promise<Done> => {
  const { store } = deps.transfers;
  const assignment = assignmentOf(deps, transfer);
  const stillMs = deps.clock.now() - (transfer.sentMs ?? transfer.startedMs);
  if (transfer.failure !== null) {
    await reportFailure(transfer, deps);
    if (stillMs < FAILED_MS) return 'goes on';
    const { replicaKey: key, uploadId } = transfer;
    if (assignment !== null)
      await deps.buckets.destination(assignment.destination).abortUpload({ key, uploadId });
    await store.end(transfer);
    return 'ended';
  }
  if (assignment === null) {
    await failTransfer(transfer, new ReplicationError('unknown-rule', 'no rule wants this key'), deps);
    return 'failed';
  }
  const parts = await partsOrNone(transfer, deps, assignment.destination);
  if (parts === null) {
    await store.end(transfer);
    await deps.hints.send(transferHint(transfer, 'gone'));
    return 'hinted';
  }
  return isComplete(transfer, parts)
    ? await callFinisher(transfer, parts, deps)
    : await keepMoving(transfer, parts, deps);
};

/** Null: the upload is gone. */
const partsOrNone = async (
  transfer: Transfer,
  { buckets }: TransferDeps,
  destination: Parameters<TransferDeps['buckets']['destination']>[0],
): Promise<ListedPart[] | null> => {
  try {
    return await partsThere(buckets.destination(destination), transfer);
  } catch (error) {
    if (error instanceof ReplicationError && error.reason === 'lost-race') return null;
    throw error;
  }
};

/** Under a new attempt: as the hint of the same one it would pass for a duplicate. */
const callFinisher = async (transfer: Transfer, parts: ListedPart[], deps: TransferDeps): Promise<Done> => {
  if (deps.clock.now() - lastMovedMs(parts) < FINISHING_MS) return 'goes on';
  const { attempt } = transfer;
  const next = { ...transfer, attempt: attempt + 1 };
  const isOurs = await deps.transfers.store.change(
    transfer,
    { attempt: next.attempt },
    { attempt, failed: false },
  );
  if (!isOurs) return 'goes on';
  await deps.hints.send(transferHint(next, 'finished'));
  return 'hinted';
};

const keepMoving = async (transfer: Transfer, parts: ListedPart[], deps: TransferDeps): Promise<Done> => {
  const { clock, transfers } = deps;
  if (transfer.sentMs === null) {
    await sendRanges(transfer, parts, deps);
    return 'resent';
  }
  const seen = { parts: parts.length, bytes: bytesOf(parts), atMs: clock.now() };
  await transfers.store.change(transfer, { seen });
  const movedMs = lastMovedMs(parts);
  const stillMs = clock.now() - Math.max(movedMs, transfer.sentMs);
  if (stillMs < STILL_MS) return 'goes on';
  if (stillMs < LOST_MS && (await transfers.queue.waiting()) > 0) return 'goes on';
  const fruitless = movedMs > transfer.sentMs ? 0 : transfer.fruitless + 1;
  if (fruitless >= FRUITLESS_LIMIT) {
    const why = `nothing has moved though its ranges were sent ${fruitless} times`;
    await failTransfer(transfer, new ReplicationError('retries-exhausted', why), deps);
    return 'failed';
  }
  return (await sendAgain(transfer, parts, fruitless, deps)) ? 'resent' : 'goes on';
};

/** As a record of its own, which is a warning and a metric. */
const complain = (transfer: Transfer, thrown: unknown, deps: TransferDeps): string => {
  const { reason, message: detail, requestId } = asReplicationError(thrown);
  const assignment = assignmentOf(deps, transfer);
  const message = { receiveCount: transfer.attempt + 1 };
  const common = assignment === null ? blank(message) : about(assignment, message);
  deps.reporter.report({ ...common, ending: 'retry', reason, detail, requestId });
  return `${transfer.destinationBucket}: ${reason}`;
};
