/**
 * Carries out one batch of messages from the live queue. A message is acknowledged only when each of its hints was replicated,
 * was skipped with a counted reason, or is safely in the dead-letter queue.
 */
import { contextOf, type PassedOver } from '../converge/context.ts';
import { converge } from '../converge/converge.ts';
import { type Convergence, hasCappedLock, isTransferring } from '../converge/convergence.ts';
import { announced } from '../delivery/announced.ts';
import { type Announce, announceKept, announcerOf } from '../delivery/announcer.ts';
import { passedOverDetail } from '../delivery/dead-letter.ts';
import { type Deps, deliveryOf, type QueueMessage } from '../delivery/deps.ts';
import { PASSED_OVER, type Receipt, receiptOf } from '../delivery/outcome.ts';
import { about, type Failure } from '../delivery/failure.ts';
import { quarantine } from '../delivery/quarantine.ts';
import { isNewer, settle } from '../delivery/settle.ts';
import { earlierSinceMs, mayBeGranted, workId } from '../delivery/retry.ts';
import { formatHint, type Hint, PASSED_OVER_KIND } from '../hint/hint.ts';
import { type Assignment, idempotencyKey, taskOf } from '../hint/route.ts';
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import { dropUnneeded, failTransfer, transferOf } from '../transfer/end-transfer.ts';
import { isHintOf, transferIn } from '../transfer/transfer-hint.ts';
import { circuitName } from '../model/rule.ts';
import { createKeyOrder, type KeyOrder } from './key-order.ts';
import { bodiesOf, openMessage } from './open-message.ts';
import { createSettledKeys, type SettledKeys } from './settled-keys.ts';
import { createSharedListings, type SharedListings } from './shared-listings.ts';
import { tookLetter } from './took-letter.ts';

/**
 * Processes the messages concurrently. Tasks of the same key at the same destination run strictly one after the other. Resolves
 * to the ids of the messages that must be delivered again. Never throws.
 */
export const replicateBatch = async (messages: QueueMessage[], deps: Deps): Promise<{ failed: string[] }> => {
  const batch = {
    inOrder: createKeyOrder(),
    listings: createSharedListings(deps),
    settled: createSettledKeys(),
    announce: announcerOf(deps),
  };
  const failed = await Promise.all(
    messages.map(async (message) => ((await replicate(message, batch, deps)) ? [] : [message.messageId])),
  );
  await Promise.all([deps.runs.flush(), deps.circuits.flush(), deps.brake.flush()]);
  return { failed: failed.flat() };
};

/** The state that all messages of a batch share. */
interface Batch {
  inOrder: KeyOrder;
  listings: SharedListings;
  settled: SettledKeys;
  /** Announces proven replicas; null: nothing is announced. */
  announce: Announce | null;
}

/** Resolves to true if the message is to be acknowledged. */
const replicate = async (message: QueueMessage, batch: Batch, deps: Deps): Promise<boolean> => {
  if (await isNewer(message, deps)) return false;
  if (!(await tookLetter(message, deps))) return false;
  const { assignments, failures, kept } = openMessage(message, deps);
  const earlySeconds = secondsTooEarly(message, assignments, deps);
  if (earlySeconds > 0) {
    await deps.liveQueue.retryLater(message, earlySeconds);
    return false;
  }
  batch.listings.expect(assignments);
  await Promise.all(
    assignments.map(async (assignment) => {
      const failure = await batch.inOrder(assignment, () => attempt(assignment, message, batch, deps));
      if (failure !== null) failures.push(isAlone(assignment, assignments) ? unnarrowed(failure) : failure);
    }),
  );
  for (const announcement of kept) failures.push(...(await announceKept(announcement, deps)));
  return await settle(message, failures, deps);
};

/**
 * Maximum time for which a message is hidden. SQS allows 12 hours (43,200 s) from the receive, and some of that time has passed.
 */
const MOST_HIDDEN_SECONDS = 42_000;

/** Returns how long a hint of a run has to wait for the rate of its run. Only the queue of runs may hold hints back. */
const secondsTooEarly = (message: QueueMessage, assignments: Assignment[], { clock }: Deps): number => {
  if (message.origin !== 'backfill') return 0;
  const notBeforeMs = Math.max(0, ...assignments.map(({ hint }) => hint.notBeforeMs ?? 0));
  return notBeforeMs === 0
    ? 0
    : Math.min(MOST_HIDDEN_SECONDS, Math.max(0, Math.ceil((notBeforeMs - clock.now()) / 1_000)));
};

/** Returns true if the hint has no other assignment. */
const isAlone = ({ hint }: Assignment, all: Assignment[]): boolean =>
  all.filter((other) => other.hint === hint).length === 1;

/**
 * Returns the failure with its hint as it was received, without the rule and destination that were added here. A hint with a
 * single assignment is sent again in this form, so that it finds its rule even if the rule was renamed.
 */
const unnarrowed = (failure: Failure): Failure =>
  failure.hint === null ? failure : { ...failure, again: formatHint(failure.hint) };

/**
 * Carries out one assignment. Resolves to its failure, or to null if the assignment is done or was dropped because its run was
 * stopped.
 */
const attempt = async (
  assignment: Assignment,
  message: QueueMessage,
  batch: Batch,
  deps: Deps,
): Promise<Failure | null> => {
  const { hint } = assignment;
  // Only a hint in the backfill queue may be dropped, because only runs send hints there. A hint in another queue was redriven by
  // an operator or sent by a transfer. The hint of a transfer may also stand for events that were already acknowledged.
  const mayDrop = message.origin === 'backfill' && transferIn(hint) === null;
  if (mayDrop && hint.run !== null && (await deps.runs.isStopped(hint.run))) {
    deps.runs.count(hint.run, { kind: 'dropped' });
    deps.reporter.report({ ...about(assignment, message), ending: 'skip', why: 'run-stopped' });
    return null;
  }
  try {
    await deps.circuits.admit(assignment);
    await carryOutOnce(assignment, message, batch, deps);
    return null;
  } catch (thrown) {
    const failure = { ...bodiesOf(narrowed(assignment)), hint, assignment };
    try {
      const error = await deps.circuits.failed({ ...assignment, key: hint.key }, asReplicationError(thrown));
      return (await failedTransfer(assignment, error, message, deps)) ? null : { ...failure, error };
    } catch (error) {
      return { ...failure, error: asReplicationError(error) };
    }
  }
};

/**
 * Makes the transfer that sent the hint wait for a person, if its upload cannot be completed. Otherwise the sweep would send the
 * same hint again and again. Resolves to false if no transfer sent the hint, or if another attempt may succeed.
 */
const failedTransfer = async (
  assignment: Assignment,
  error: ReplicationError,
  message: QueueMessage,
  deps: Deps,
): Promise<boolean> => {
  if (error.disposition === 'retry' || transferIn(assignment.hint) === null) return false;
  if (mayBeGranted(message, error, deps.clock.now())) return false;
  const transfer = await transferOf(assignment, deps);
  if (transfer === null || transfer.failure !== null || !isHintOf(assignment.hint, transfer)) return false;
  await failTransfer(transfer, error, deps);
  return true;
};

/**
 * Converges once per idempotency key, and reports the receipt. For a duplicate, does not converge again, but reports the stored
 * receipt.
 */
const carryOutOnce = async (
  assignment: Assignment,
  message: QueueMessage,
  batch: Batch,
  deps: Deps,
): Promise<void> => {
  const { hint } = assignment;
  let continues = false;
  const work = async (): Promise<Receipt> => {
    const startedMs = deps.clock.now();
    const convergence = await convergeFor(assignment, message, batch, deps);
    if (WROTE.has(convergence.outcome)) await deps.circuits.succeeded(assignment.destination);
    continues = isTransferring(convergence);
    if (!continues && transferIn(hint) !== null) await dropUnneeded(assignment, convergence.outcome, deps);
    const receipt = receiptOf(convergence, startedMs, deps.clock.now());
    return hasCappedLock(convergence, assignment.destination, startedMs)
      ? { ...receipt, lock: 'capped' }
      : receipt;
  };
  const { receipt, duplicate } = await deps.memory.run(
    weightOf(hint.sizeBytes),
    () => deps.receipts.once(idempotencyKey(assignment, workId(message)), deliveryOf(message), work),
    circuitName(assignment.destination),
  );
  deps.reporter.report({ ...about(assignment, message), ending: 'done', duplicate, ...receipt });
  if (duplicate) return;
  // A transfer counts at its end for the run that began it. For every other run, the key counts now.
  const isCounted =
    !continues || (hint.run !== null && (await transferOf(assignment, deps))?.run !== hint.run);
  if (isCounted) await countForRun(hint, receipt, message, deps);
};

/** The outcomes that prove that the destination takes writes. */
const WROTE: ReadonlySet<string> = new Set(['replicated', 'deleted', 'updated']);

const convergeFor = async (
  assignment: Assignment,
  message: QueueMessage,
  { listings, settled, announce }: Batch,
  deps: Deps,
): Promise<Convergence> => {
  // Work that starts when the invocation is nearly over would be cut off in the middle.
  if (deps.clock.now() >= deps.invocation.deadlineMs)
    throw new ReplicationError('out-of-time', 'the invocation is nearly over');
  const task = taskOf(assignment);
  const known = settled.find(task);
  if (known !== null) return known;
  const bare = contextOf(task, deps, (version) => quarantineVersion(version, assignment, message, deps));
  const context = await announced(bare, { task, announce, sinceMs: earlierSinceMs(message) });
  const convergence = await converge(task, { ...context, listedBefore: () => listings.take(assignment) });
  settled.note(task, convergence);
  return convergence;
};

/**
 * Quarantines a version that is passed over. The receipts make sure that each version is quarantined only once, however often the
 * hint is tried. Throws the version's error while the permission to read the version may have been granted only a moment ago.
 */
const quarantineVersion = async (
  { versionId, error: cause }: PassedOver,
  assignment: Assignment,
  message: QueueMessage,
  deps: Deps,
): Promise<void> => {
  if (mayBeGranted(message, cause, deps.clock.now())) throw cause;
  const kind = PASSED_OVER_KIND;
  const hint = { ...narrowed(assignment), versionId, kind, identity: kind };
  const key = idempotencyKey({ ...assignment, hint }, workId(message));
  await deps.receipts.once(key, deliveryOf(message), async () => {
    const why = passedOverDetail(cause.message);
    const error = new ReplicationError(cause.reason, why, { cause, requestId: cause.requestId });
    // The body has no identity, so that a redrive of the message does not count as a duplicate.
    const body = formatHint({ ...hint, kind: 'hint', identity: null, run: null });
    await quarantine({ error, body, hint, assignment }, message, deps);
    return PASSED_OVER;
  });
};

/** Returns the hint for this destination alone, so that a failure here does not repeat the work at the other destinations. */
const narrowed = ({ hint, rule, destination }: Assignment): Hint => ({
  ...hint,
  rule: rule.id,
  destination: destination.id,
});

/** Counts a finished hint for its run. A transfer that has stalled may send several hints, which count only once. */
const countForRun = async (
  hint: Hint,
  receipt: Receipt,
  message: QueueMessage,
  { runs, receipts }: Deps,
): Promise<void> => {
  const { run, key } = hint;
  if (run === null) return;
  const transfer = transferIn(hint);
  const { duplicate } =
    transfer === null
      ? { duplicate: false }
      : await receipts.once(`${transfer}/counted`, deliveryOf(message), () => Promise.resolve(receipt));
  if (!duplicate) runs.count(run, { kind: 'done', key, receipt });
};

/** Returns the memory that one copy takes. A small body is held as a whole, but a streamed body needs only its buffers. */
const weightOf = (sizeBytes: number | null): number =>
  Math.min(Math.max(sizeBytes ?? Infinity, MIN_WEIGHT_BYTES), STREAM_WEIGHT_BYTES);

const MIN_WEIGHT_BYTES = 512 * 1024;
const STREAM_WEIGHT_BYTES = 16 * 1024 * 1024;
