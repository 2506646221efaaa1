/** Puts a transfer's ranges into the queue: at its beginning, and again where it has stopped. */
import type { Clock, Invocation, ListedPart } from '../../model/ports.ts';
import { cutIntoRanges, rangeMessage, unfinishedRanges } from './part-ranges.ts';
import { SAFE_BYTES_PER_SECOND } from './rate.ts';
import type { Transfer, Transfers } from './transfer.ts';

interface Context {
  transfers: Transfers;
  clock: Clock;
  invocation: Invocation;
}

/** A range ends well within its time, so that little is lost when a function dies. */
const RANGE_MS = 5 * 60_000;

/** Those with parts that are not there. To be done again by whoever finds that it did not come to its end (`sentMs`). */
export const sendRanges = async (
  transfer: Transfer,
  there: readonly ListedPart[],
  { transfers, clock, invocation }: Context,
): Promise<void> => {
  const { store, queue, concurrency } = transfers;
  const { destinationBucket, way, version, attempt } = transfer;
  const bytesPerSecond = (await store.rate(destinationBucket, way)) ?? SAFE_BYTES_PER_SECOND[way];
  const rangeMs = Math.min(RANGE_MS, invocation.fullTimeMs / 3);
  const rangeBytes = Math.min((bytesPerSecond * rangeMs) / 1_000, version.sizeBytes / concurrency);
  const ranges = unfinishedRanges(transfer, cutIntoRanges(transfer, rangeBytes), there);
  await queue.send(ranges.map((range) => rangeMessage(transfer, range)));
  await store.change(transfer, { sentMs: clock.now() }, { attempt, failed: false });
};

/** As a new attempt, which one of those who want it begins. False: somebody else did. */
export const sendAgain = async (
  transfer: Transfer,
  there: readonly ListedPart[],
  fruitless: number,
  context: Context,
): Promise<boolean> => {
  const { store } = context.transfers;
  const fields = { attempt: transfer.attempt + 1, failure: null, sentMs: null, fruitless };
  const expecting = { attempt: transfer.attempt, failed: transfer.failure !== null };
  if (!(await store.change(transfer, fields, expecting))) return false;
  await sendRanges({ ...transfer, ...fields }, there, context);
  return true;
};
