/** Copies what is missing of one range of a transfer, and finds out whether it was the last. */
import type { Way } from '../copy/part-layout.ts';
import type { Assignment } from '../hint/route.ts';
import { isGone } from '../copy/inside-s3.ts';
import { copyParts } from '../copy/parts.ts';
import { ReplicationError } from '../model/errors.ts';
import type { TransferDeps } from '../delivery/deps.ts';
import { RANGE_COPIED } from '../delivery/outcome.ts';
import { planOf } from '../copy/part-plan.ts';
import { about } from '../delivery/settle.ts';
import { abandon, assignmentOf, reportFailure } from './end-transfer.ts';
import { bytesOf, isComplete, missingParts } from '../copy/transfer/part-ranges.ts';
import { createPace, SAFE_BYTES_PER_SECOND } from '../copy/transfer/rate.ts';
import { identityOf, lostHint, transferHint } from './transfer-hint.ts';
import { isOfVersion } from '../copy/transfer/transfer.ts';
import type { RangeMessage, Transfer } from '../copy/transfer/transfer.ts';
import { partsThere } from '../copy/transfer/part-ranges.ts';

/**
 * Resolves when the message may be acknowledged. Throws `out-of-time` where the rest of the range needs another invocation: the
 * same message is then given back, never a new one sent, so that ranges do not multiply.
 */
export const workOnRange = async (
  message: RangeMessage,
  receiveCount: number,
  deps: TransferDeps,
): Promise<void> => {
  const transfer = await deps.transfers.store.load(message.id);
  if (transfer === null) return await deps.hints.send(lostHint(message));
  // Of a transfer that was given up, or of an attempt whose ranges were all sent again.
  if (transfer.uploadId !== message.uploadId || message.attempt < transfer.attempt) return;
  if (transfer.failure !== null) return await reportFailure(transfer, deps);
  const assignment = assignmentOf(deps, transfer);
  if (assignment === null) {
    const { rule, destination } = transfer;
    throw new ReplicationError('unknown-rule', `no rule like "${rule}" with "${destination}" wants this key`);
  }
  const range = `${identityOf(message)}/${message.firstPart}-${message.lastPart}`;
  const { duplicate } = await deps.receipts.once(range, async () => {
    await moveRange({ message, transfer, assignment, receiveCount }, deps);
    return RANGE_COPIED;
  });
  if (duplicate) report({ message, assignment, receiveCount }, { duplicate, bytes: 0, durationMs: 0 }, deps);
};

interface Job {
  message: RangeMessage;
  transfer: Transfer;
  assignment: Assignment;
  receiveCount: number;
}

const moveRange = async (job: Job, deps: TransferDeps): Promise<void> => {
  const { transfer, assignment } = job;
  if (!(await isWanted(job, deps))) return await abandon(transfer, assignment, deps);
  try {
    const left = await copyMissing(job, deps);
    const there = await partsThere(deps.buckets.destination(assignment.destination), transfer);
    const seen = { parts: there.length, bytes: bytesOf(there), atMs: deps.clock.now() };
    await deps.transfers.store.change(transfer, { seen });
    if (isComplete(transfer, there)) await deps.hints.send(transferHint(transfer, 'finished'));
    else if (left > 0) throw new ReplicationError('out-of-time', `${left} parts need another invocation`);
  } catch (error) {
    if (!(error instanceof ReplicationError) || error.reason !== 'lost-race') throw error;
    if (await isOver(job, deps)) return await abandon(transfer, assignment, deps);
    // Both are there after all: what was moved so far is not thrown away for one answer.
    throw new ReplicationError('service-error', error.message, { cause: error });
  }
};

/** In mode `latest` a version that is not current any more is of no use; in mode `all` every version is. */
const isWanted = async ({ transfer, assignment }: Job, { buckets }: TransferDeps): Promise<boolean> => {
  const { rule } = assignment;
  if (rule.versions === 'all') return true;
  const now = await buckets.source(rule).look(transfer.key);
  return now.kind === 'object' && isOfVersion(transfer, now.state);
};

/** Is the version gone from the source, or the upload? */
const isOver = async (
  { message, transfer, assignment }: Job,
  { buckets }: TransferDeps,
): Promise<boolean> => {
  const { version, key } = transfer;
  if (await isGone({ source: buckets.source(assignment.rule), sourceKey: key, version })) return true;
  try {
    await partsThere(buckets.destination(assignment.destination), transfer, message);
    return false;
  } catch (error) {
    if (error instanceof ReplicationError && error.reason === 'lost-race') return true;
    throw error;
  }
};

/** How many parts there was no time for. */
const copyMissing = async (job: Job, deps: TransferDeps): Promise<number> => {
  const { message, transfer, assignment } = job;
  const { clock, invocation, transfers } = deps;
  const { destinationBucket, version, key, replicaKey, uploadId, layout, provenBy } = transfer;
  const way = wayOf(job, deps);
  const source = deps.buckets.source(assignment.rule);
  const destination = deps.buckets.destination(assignment.destination);
  const missing = missingParts(transfer, message, await partsThere(destination, transfer, message));
  if (clock.now() >= invocation.deadlineMs)
    throw new ReplicationError('out-of-time', 'the invocation is nearly over');
  const rate = (await transfers.store.rate(destinationBucket, way)) ?? SAFE_BYTES_PER_SECOND[way];
  const pace = createPace(clock, invocation.deadlineMs, rate);
  const plan = planOf(version, { layout, isOwn: true }, provenBy);
  const work = assignment;
  const copy = { work, source, destination, sourceKey: key, replicaKey, uploadId, version, plan, way };
  try {
    const copied = await copyParts({ ...deps, ...copy }, missing, pace);
    return missing.length - copied.length;
  } finally {
    const { bytes, ms } = pace.moved();
    if (missing.length > 0) report(job, { duplicate: false, bytes, durationMs: ms }, deps);
    const bytesPerSecond = pace.measured();
    // Where S3 refused in the middle, it is the rate of neither way.
    if (bytesPerSecond !== null && way === wayOf(job, deps))
      await remember(destinationBucket, way, bytesPerSecond, deps);
  }
};

/** S3 may have refused since the transfer was begun: its parts are streamed into the same upload. */
const wayOf = ({ transfer, assignment: { rule, destination } }: Job, { serverSide }: TransferDeps): Way =>
  transfer.way === 'stream' ? 'stream' : serverSide.way(rule, destination);

/** Only how ranges are cut hangs on it: nothing fails for it. */
const remember = async (
  destinationBucket: string,
  way: Way,
  bytesPerSecond: number,
  { transfers }: TransferDeps,
): Promise<void> => {
  await transfers.store.measured(destinationBucket, way, bytesPerSecond).catch(() => undefined);
};

const report = (
  { message, assignment, receiveCount }: Omit<Job, 'transfer'>,
  done: { duplicate: boolean; bytes: number; durationMs: number },
  { reporter }: TransferDeps,
): void => {
  const { firstPart, lastPart } = message;
  reporter.report({ ...about(assignment, { receiveCount }), ending: 'range', firstPart, lastPart, ...done });
};
