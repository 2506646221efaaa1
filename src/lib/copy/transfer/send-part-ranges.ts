/** Sends a transfer's part ranges to the queue, when the transfer begins and again after it has stalled. */
import type { ListedPart } from '../../model/ports.ts';
import type { SharedCopyRequest } from '../request.ts';
import { cutIntoPartRanges, partRangeMessage, unfinishedPartRanges } from './part-ranges.ts';
import { SAFE_BYTES_PER_SECOND } from './rate.ts';
import type { Transfer } from './transfer.ts';

type SendContext = Pick<SharedCopyRequest, 'transfers' | 'clock'>;

/**
 * How long the work on one part range may take. This is far less than the timeout of the transfer function, so that little work is
 * lost when an invocation dies.
 */
const PART_RANGE_MS = 5 * 60_000;

/**
 * Sends the ranges with missing parts, and then sets `sentMs`. If an invocation finds that `sentMs` is null, an earlier
 * invocation did not finish, so these ranges have to be sent again.
 */
export const sendPartRanges = async (
  transfer: Transfer,
  listed: readonly ListedPart[],
  { transfers, clock }: SendContext,
): Promise<void> => {
  const { store, queue, concurrency } = transfers;
  const { destinationBucket, way, version, attempt } = transfer;
  const bytesPerSecond = (await store.rate(destinationBucket, way)) ?? SAFE_BYTES_PER_SECOND[way];
  const rangeBytes = Math.min((bytesPerSecond * PART_RANGE_MS) / 1_000, version.sizeBytes / concurrency);
  const ranges = unfinishedPartRanges(transfer, cutIntoPartRanges(transfer, rangeBytes), listed);
  await queue.send(ranges.map((range) => partRangeMessage(transfer, range)));
  await store.change(transfer, { sentMs: clock.now() }, { attempt, failed: false });
};

/**
 * Begins a new attempt and sends the ranges with missing parts. Only one of several invocations can begin the attempt. Resolves
 * to false if another invocation began it.
 */
export const sendAgain = async (
  transfer: Transfer,
  listed: readonly ListedPart[],
  fruitless: number,
  context: SendContext,
): Promise<boolean> => {
  const { store } = context.transfers;
  const fields = { attempt: transfer.attempt + 1, failure: null, sentMs: null, fruitless };
  const expecting = { attempt: transfer.attempt, failed: transfer.failure !== null };
  if (!(await store.change(transfer, fields, expecting))) return false;
  await sendPartRanges({ ...transfer, ...fields }, listed, context);
  return true;
};
