/** Copies the missing parts of one part range, and then checks whether the transfer is complete. */
import { isGone } from '../copy/inside-s3.ts';
import type { Way } from '../copy/part-layout.ts';
import { planOf } from '../copy/part-plan.ts';
import { copyParts } from '../copy/parts.ts';
import { isComplete, listedParts, missingParts, sumOfBytes } from '../copy/transfer/part-ranges.ts';
import { createPartPace, SAFE_BYTES_PER_SECOND } from '../copy/transfer/rate.ts';
import { isOfVersion, type PartRangeMessage, type Transfer } from '../copy/transfer/transfer.ts';
import { deliveryOf, type QueueMessage, type TransferDeps } from '../delivery/deps.ts';
import { PART_RANGE_COPIED } from '../delivery/outcome.ts';
import { about, type Attempts } from '../delivery/failure.ts';
import { type Assignment, taskOf } from '../hint/route.ts';
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import type { BothBuckets } from '../model/ports.ts';
import { bucketsOf } from '../model/task.ts';
import { abandon, assignmentOf, quarantineFailed } from './end-transfer.ts';
import { attemptIdentity, lostHint, transferHint } from './transfer-hint.ts';

/**
 * Carries out one message. Resolves when the message may be acknowledged. Throws `out-of-time` if the rest of the range needs
 * another invocation. The same message is then given back, and no new message is sent, so that part ranges do not multiply.
 */
export const movePartRange = async (
  message: PartRangeMessage,
  delivered: QueueMessage,
  deps: TransferDeps,
): Promise<void> => {
  const transfer = await deps.transfers.store.load(message.id);
  if (transfer === null) return await deps.hints.send(lostHint(message));
  // An outdated message is ignored. Its transfer was given up, or its attempt has ended and all part ranges were sent again.
  if (transfer.uploadId !== message.uploadId || message.attempt < transfer.attempt) return;
  if (transfer.failure !== null) return await quarantineFailed(transfer, deps);
  const assignment = assignmentOf(deps, transfer);
  if (assignment === null) {
    const { rule, destination } = transfer;
    throw new ReplicationError('unknown-rule', `no rule like "${rule}" with "${destination}" wants this key`);
  }
  if (transfer.tried !== transfer.attempt)
    await deps.transfers.store.change(transfer, { tried: transfer.attempt });
  await deps.circuits.admit(assignment);
  const range = `${attemptIdentity(message)}/${message.firstPart}-${message.lastPart}`;
  const { duplicate } = await deps.receipts
    .once(range, deliveryOf(delivered), async () => {
      const buckets = bucketsOf(assignment, deps.buckets);
      await moveOrAbandon({ message, transfer, assignment, attempts: delivered, buckets }, deps);
      return PART_RANGE_COPIED;
    })
    .catch(async (error: unknown) => {
      throw await deps.circuits.failed({ ...assignment, key: transfer.key }, asReplicationError(error));
    });
  if (duplicate)
    reportPartRange(
      { message, assignment, attempts: delivered },
      { duplicate, bytes: 0, durationMs: 0 },
      deps,
    );
};

interface PartRangeJob {
  message: PartRangeMessage;
  attempts: Attempts;
  transfer: Transfer;
  assignment: Assignment;
  buckets: BothBuckets;
}

const moveOrAbandon = async (job: PartRangeJob, deps: TransferDeps): Promise<void> => {
  const { transfer, assignment, buckets } = job;
  if (!(await isStillWanted(job))) return await abandon(transfer, assignment, deps);
  try {
    const left = await copyMissing(job, deps);
    const listed = await listedParts(buckets.destination, transfer);
    const seen = { parts: listed.length, bytes: sumOfBytes(listed), atMs: deps.clock.now() };
    await deps.transfers.store.change(transfer, { seen });
    if (isComplete(transfer, listed)) await deps.hints.send(transferHint(transfer, 'finished'));
    else if (left > 0) throw new ReplicationError('out-of-time', `${left} parts need another invocation`);
  } catch (error) {
    if (!(error instanceof ReplicationError) || error.reason !== 'lost-race') throw error;
    if (await isGoneAtEitherSide(job)) return await abandon(transfer, assignment, deps);
    // Both sides still exist. One wrong response is no reason to discard the parts that were moved.
    throw new ReplicationError('service-error', error.message, { cause: error });
  }
};

/**
 * Resolves to true if the version still has to be replicated. With `versions: all` this is true of every version, and with
 * `versions: latest` only of the current one.
 */
const isStillWanted = async ({ transfer, assignment, buckets }: PartRangeJob): Promise<boolean> => {
  if (assignment.rule.versions === 'all') return true;
  const now = await buckets.source.look(transfer.key);
  return now.kind === 'object' && isOfVersion(transfer, now.state);
};

/** Resolves to true if the version is gone from the source, or if the upload is gone from the destination. */
const isGoneAtEitherSide = async ({ message, transfer, buckets }: PartRangeJob): Promise<boolean> => {
  if (await isGone(buckets.source, transfer.key, transfer.version)) return true;
  try {
    await listedParts(buckets.destination, transfer, message);
    return false;
  } catch (error) {
    if (error instanceof ReplicationError && error.reason === 'lost-race') return true;
    throw error;
  }
};

/** Copies the missing parts of the range. Resolves to the number of parts for which there was no time. */
const copyMissing = async (job: PartRangeJob, deps: TransferDeps): Promise<number> => {
  const { message, transfer, assignment, buckets } = job;
  const { clock, invocation, serverSide } = deps;
  const { destinationBucket, version, uploadId, layout, provenBy, isLocked } = transfer;
  const way = wayOf(job, deps);
  const missing = missingParts(transfer, message, await listedParts(buckets.destination, transfer, message));
  if (clock.now() >= invocation.deadlineMs)
    throw new ReplicationError('out-of-time', 'the invocation is nearly over');
  const rate = (await deps.transfers.store.rate(destinationBucket, way)) ?? SAFE_BYTES_PER_SECOND[way];
  const pace = createPartPace(clock, invocation.deadlineMs, rate);
  const plan = planOf(version, { layout, isOwn: true }, provenBy);
  const copy = { task: taskOf(assignment), uploadId, version, plan, way, isLocked };
  try {
    const copied = await copyParts({ ...buckets, clock, invocation, serverSide, ...copy }, missing, pace);
    if (copied.length > 0) await deps.circuits.succeeded(assignment.destination);
    return missing.length - copied.length;
  } finally {
    const { bytes, ms } = pace.moved();
    if (missing.length > 0) reportPartRange(job, { duplicate: false, bytes, durationMs: ms }, deps);
    const bytesPerSecond = pace.measured();
    // If S3 refused during the copy, some parts were copied by S3 and some were streamed. The measured rate then applies to
    // neither way.
    if (bytesPerSecond !== null && way === wayOf(job, deps))
      await remember(destinationBucket, way, bytesPerSecond, deps);
  }
};

/**
 * Returns the way for the parts. If S3 has refused to copy since the transfer began, the remaining parts are streamed into the
 * same upload.
 */
const wayOf = (
  { transfer, assignment: { rule, destination } }: PartRangeJob,
  { serverSide }: TransferDeps,
): Way => (transfer.way === 'stream' ? 'stream' : serverSide.way(rule, destination));

/** Stores the measured rate. The rate only serves for estimates, so a failure to store it is ignored. */
const remember = async (
  destinationBucket: string,
  way: Way,
  bytesPerSecond: number,
  { transfers }: TransferDeps,
): Promise<void> => {
  await transfers.store.measured(destinationBucket, way, bytesPerSecond).catch(() => undefined);
};

const reportPartRange = (
  { message, assignment, attempts }: Pick<PartRangeJob, 'message' | 'assignment' | 'attempts'>,
  done: { duplicate: boolean; bytes: number; durationMs: number },
  { reporter }: TransferDeps,
): void => {
  const { firstPart, lastPart } = message;
  reporter.report({ ...about(assignment, attempts), ending: 'range', firstPart, lastPart, ...done });
};
