/**
 * One batch of messages from the live queue. A message is acknowledged only when everything it asks for was replicated,
 * skipped with a counted reason, or is safely in the dead-letter queue.
 */
import { type Assignment, assign, identityOf } from '../hint/route.ts';
import { converge } from '../converge/converge.ts';
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import { absenceIsDeletion, concernOf, formatHint, type Hint, isExtra, parseMessage } from '../hint/hint.ts';
import type { Deps, QueueMessage } from '../delivery/deps.ts';
import { PASSED_OVER, type Receipt, receiptOf } from '../delivery/outcome.ts';
import { isReplicator } from '../hint/session-name.ts';
import { about, blank, type Failure, quarantine, settle } from '../delivery/settle.ts';
import { dropUnneeded } from '../transfer/end-transfer.ts';
import { transferIn } from '../transfer/transfer-hint.ts';
import { isTransferring, type PassedOver } from '../converge/convergence.ts';

/** Processes the messages concurrently, but one key at one destination strictly one after the other. Never throws. */
export const replicateBatch = async (messages: QueueMessage[], deps: Deps): Promise<{ failed: string[] }> => {
  const inOrder = createKeyOrder();
  const failed = await Promise.all(
    messages.map(async (message) =>
      (await processMessage(message, deps, inOrder)) ? [] : [message.messageId],
    ),
  );
  await deps.runs.flush();
  return { failed: failed.flat() };
};

/** True: acknowledge. */
const processMessage = async (message: QueueMessage, deps: Deps, inOrder: KeyOrder): Promise<boolean> => {
  const failures: Failure[] = [];
  const assignments: Assignment[] = [];
  for (const part of parseMessage(message.body)) {
    if (part.kind === 'test-event')
      deps.reporter.report({ ...blank(message), ending: 'skip', why: 'test-event' });
    else if (part.kind === 'malformed') failures.push(malformed(part));
    else collect(part.hint, message, deps, assignments, failures);
  }
  await Promise.all(
    assignments.map(async (assignment) => {
      failures.push(...(await inOrder(assignment, () => attempt(assignment, message, deps))));
    }),
  );
  return await settle(message, failures, deps);
};

const malformed = (part: { why: string; body: string }): Failure => ({
  error: new ReplicationError('malformed-message', part.why),
  body: part.body,
  hint: null,
  assignment: null,
});

const collect = (
  hint: Hint,
  message: QueueMessage,
  deps: Deps,
  assignments: Assignment[],
  failures: Failure[],
): void => {
  try {
    const assigned = assign(deps.configuration, hint);
    assignments.push(...assigned);
    if (assigned.length === 0) {
      const where = { sourceBucket: hint.bucket, key: hint.key, version: hint.versionId };
      deps.reporter.report({ ...blank(message), ...where, ending: 'skip', why: 'no-rule' });
    }
  } catch (error) {
    failures.push({ error: asReplicationError(error), body: formatHint(hint), hint, assignment: null });
  }
};

const attempt = async (assignment: Assignment, message: QueueMessage, deps: Deps): Promise<Failure[]> => {
  const { rule, destination, hint } = assignment;
  if (hint.run !== null && (await deps.runs.isStopped(hint.run))) {
    deps.runs.count(hint.run, { kind: 'dropped' });
    deps.reporter.report({ ...about(assignment, message), ending: 'skip', why: 'run-stopped' });
    return [];
  }
  const narrowed = { ...hint, rule: rule.id, destination: destination.id };
  let goesOn = false;
  const work = async (): Promise<Receipt> => {
    const startedMs = deps.clock.now();
    assertTimeLeft(deps);
    const convergence = await converge(
      {
        rule,
        destination,
        key: hint.key,
        versionId: hint.versionId,
        expectedBytes: hint.sizeBytes,
        concern: concernOf(hint),
        absenceIsDeletion: absenceIsDeletion(hint),
        byReplicator: isReplicator(hint.principalId),
        onlyStamped: isExtra(hint),
        run: hint.run,
      },
      {
        ...deps,
        source: deps.buckets.source(rule),
        destination: deps.buckets.destination(destination),
        passOver: (version) => quarantineVersion(version, assignment, message, deps),
      },
    );
    goesOn = isTransferring(convergence);
    if (!goesOn && transferIn(hint) !== null) await dropUnneeded(assignment, convergence.outcome, deps);
    return receiptOf(convergence, startedMs, deps.clock.now());
  };
  try {
    const { receipt, duplicate } = await deps.memory.run(weightOf(hint.sizeBytes), () =>
      deps.receipts.once(identityOf(assignment, message.messageId), work),
    );
    deps.reporter.report({ ...about(assignment, message), ending: 'done', duplicate, ...receipt });
    if (!duplicate && !goesOn) await countForRun(hint, receipt, deps);
    return [];
  } catch (error) {
    return [{ error: asReplicationError(error), body: formatHint(narrowed), hint, assignment }];
  }
};

/** A transfer sends several hints where it was forgotten, and they are one. */
const countForRun = async (hint: Hint, receipt: Receipt, { runs, receipts }: Deps): Promise<void> => {
  const { run, key } = hint;
  if (run === null) return;
  const transfer = transferIn(hint);
  const { duplicate } =
    transfer === null
      ? { duplicate: false }
      : await receipts.once(`${transfer}/counted`, () => Promise.resolve(receipt));
  if (!duplicate) runs.count(run, { kind: 'done', key, receipt });
};

/** Once for each version, however often the hint is tried: the receipts see to that. */
const quarantineVersion = async (
  { versionId, reason }: PassedOver,
  assignment: Assignment,
  message: QueueMessage,
  deps: Deps,
): Promise<void> => {
  const { rule, destination } = assignment;
  const kind = 'passed-over';
  const hint = {
    ...assignment.hint,
    versionId,
    kind,
    identity: kind,
    rule: rule.id,
    destination: destination.id,
  };
  await deps.receipts.once(identityOf({ ...assignment, hint }, message.messageId), async () => {
    const error = new ReplicationError(reason, 'passed over: newer versions are replicated without this one');
    // Sent again it asks anew.
    const body = formatHint({ ...hint, kind: 'hint', identity: null });
    await quarantine({ error, body, hint, assignment }, message, deps);
    return PASSED_OVER;
  });
};

/** Work that starts when the invocation is nearly over would be cut off in the middle. */
const assertTimeLeft = (deps: Deps): void => {
  if (deps.clock.now() >= deps.invocation.deadlineMs) {
    throw new ReplicationError('out-of-time', 'the invocation is nearly over');
  }
};

/** What one copy holds in memory: a small body whole, a streamed one its buffers. */
const weightOf = (sizeBytes: number | null): number =>
  Math.min(Math.max(sizeBytes ?? Infinity, MIN_WEIGHT_BYTES), STREAM_WEIGHT_BYTES);

const MIN_WEIGHT_BYTES = 512 * 1024;
const STREAM_WEIGHT_BYTES = 16 * 1024 * 1024;

type KeyOrder = <T>(assignment: Assignment, work: () => Promise<T>) => Promise<T>;

/** Chains work on the same key and destination: two at once would only lose races against each other. */
const createKeyOrder = (): KeyOrder => {
  const last = new Map<string, Promise<unknown>>();
  return (assignment, work) => {
    const chain = JSON.stringify([
      assignment.destination.bucket,
      assignment.destination.prefix,
      assignment.hint.key,
    ]);
    const result = (last.get(chain) ?? Promise.resolve()).then(work);
    last.set(
      chain,
      result.catch(() => undefined),
    );
    return result;
  };
};
