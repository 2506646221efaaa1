/**
 * One batch of messages from the live queue. A message is acknowledged only when everything it asks for was replicated,
 * skipped with a counted reason, or is safely in the dead-letter queue.
 */
import { type Assignment, assign, identityOf } from './assignment.ts';
import { retryDelaySeconds, RETRY_LIMIT } from './backoff.ts';
import type { Budget } from './concurrency.ts';
import { converge } from './converge.ts';
import { SMALL_OBJECT_BYTES } from './copy.ts';
import type { DeadLetter } from './dead-letter.ts';
import { ReplicationError, reasonEntry } from './errors.ts';
import { formatHint, type Hint, parseMessage } from './hint.ts';
import { type OutcomeRecord, type Receipt, type Reporter, receiptOf } from './outcome.ts';
import type { Buckets, Clock, Invocation } from './ports.ts';
import type { ReplicationConfiguration } from './rule.ts';

/** A message as SQS delivered it. */
export interface QueueMessage {
  messageId: string;
  receiptHandle: string;
  body: string;
  /** How often it was received, this time included. */
  receiveCount: number;
  /** Milliseconds since the epoch: when it was first put into the queue it came from. */
  sentMs: number;
  /** Of an earlier stay in the dead-letter queue; null for a message that was never there. */
  earlier: DeadLetter | null;
}

/** Runs work once per identity; a finished duplicate gets the stored receipt. Throws `in-progress` for a concurrent one. */
export interface Receipts {
  once(identity: string, work: () => Promise<Receipt>): Promise<{ receipt: Receipt; duplicate: boolean }>;
}

/** The queue a message came from. */
export interface LiveQueue {
  /** Makes the message visible again after the delay. */
  retryLater(message: QueueMessage, delaySeconds: number): Promise<void>;
  /** A new message, with a receive count of its own and the letter as its past. Resolves when SQS has accepted it. */
  send(body: string, letter: DeadLetter): Promise<void>;
}

export interface DeadLetterQueue {
  /** Resolves when SQS has accepted it. */
  send(body: string, letter: DeadLetter): Promise<void>;
}

export interface Deps {
  configuration: ReplicationConfiguration;
  buckets: Buckets;
  receipts: Receipts;
  liveQueue: LiveQueue;
  deadLetterQueue: DeadLetterQueue;
  reporter: Reporter;
  /** Bytes of memory that bodies may take at once. */
  memory: Budget;
  clock: Clock;
  invocation: Invocation;
}

/** Processes the messages concurrently, but one key at one destination strictly one after the other. Never throws. */
export const replicateBatch = async (messages: QueueMessage[], deps: Deps): Promise<{ failed: string[] }> => {
  const inOrder = createKeyOrder();
  const failed = await Promise.all(
    messages.map(async (message) =>
      (await processMessage(message, deps, inOrder)) ? [] : [message.messageId],
    ),
  );
  return { failed: failed.flat() };
};

/** A piece of a message that could not be done, and what the dead-letter queue would be sent for it. */
interface Failure {
  error: ReplicationError;
  body: string;
  hint: Hint | null;
  assignment: Assignment | null;
}

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
      const failure = await inOrder(assignment, () => attempt(assignment, message, deps));
      if (failure !== null) failures.push(failure);
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

const attempt = async (
  assignment: Assignment,
  message: QueueMessage,
  deps: Deps,
): Promise<Failure | null> => {
  const { rule, destination, hint } = assignment;
  const work = async (): Promise<Receipt> => {
    const startedMs = deps.clock.now();
    assertTimeLeft(deps);
    const convergence = await converge(
      { rule, destination, key: hint.key, expectedBytes: hint.sizeBytes },
      { ...deps, source: deps.buckets.source(rule), destination: deps.buckets.destination(destination) },
    );
    return receiptOf(convergence, startedMs, deps.clock.now());
  };
  try {
    const { receipt, duplicate } = await deps.memory.run(weightOf(hint.sizeBytes), () =>
      deps.receipts.once(identityOf(assignment, message.messageId), work),
    );
    deps.reporter.report({ ...about(assignment, message), ending: 'done', duplicate, ...receipt });
    return null;
  } catch (error) {
    const narrowed = { ...hint, rule: rule.id, destination: destination.id };
    return { error: asReplicationError(error), body: formatHint(narrowed), hint, assignment };
  }
};

/**
 * While anything of the message is worth another try, all of it stays in the queue: what is done is then a duplicate, and
 * what must be quarantined is not quarantined twice.
 */
const settle = async (message: QueueMessage, failures: Failure[], deps: Deps): Promise<boolean> => {
  const exhausted = message.receiveCount >= RETRY_LIMIT;
  const retries = failures.filter(({ error }) => error.disposition === 'retry');
  if (retries.length > 0 && !exhausted) {
    for (const failure of failures) reportFailure('retry', failure, message, deps);
    await retryLater(message, retries, deps);
    return false;
  }
  try {
    for (const failure of failures) {
      if (failure.error.reason === 'out-of-time') await startOver(failure, message, deps);
      else await quarantine(failure, message, deps);
    }
    return true;
  } catch (error) {
    reportFailure('retry', { ...failures[0]!, error: asReplicationError(error) }, message, deps);
    await retryLater(message, failures, deps);
    return false;
  }
};

/** Where the delay cannot be set, the queue's own visibility timeout brings the message back, only later. */
const retryLater = async (message: QueueMessage, failures: Failure[], deps: Deps): Promise<void> => {
  const outOfTime = failures.every(({ error }) => error.reason === 'out-of-time');
  const delaySeconds = outOfTime ? 0 : retryDelaySeconds(message.receiveCount, Math.random());
  await deps.liveQueue.retryLater(message, delaySeconds).catch((error: unknown) => {
    const failure = { error: asReplicationError(error), body: '', hint: null, assignment: null };
    reportFailure('retry', failure, message, deps);
  });
};

/**
 * The time that others took is no failure of this object: large ones of one batch share the network, and what does not fit
 * beside the others is given back, again and again if it must. As a new message it has all its tries before it.
 */
const startOver = async (failure: Failure, message: QueueMessage, deps: Deps): Promise<void> => {
  await deps.liveQueue.send(failure.body, letterOf(failure, message));
  reportFailure('retry', failure, message, deps);
};

const quarantine = async (failure: Failure, message: QueueMessage, deps: Deps): Promise<void> => {
  const { error } = failure;
  const exhausted = new ReplicationError('retries-exhausted', `${error.reason}: ${error.message}`, {
    cause: error,
    requestId: error.requestId,
  });
  const final = { ...failure, error: error.disposition === 'retry' ? exhausted : error };
  await deps.deadLetterQueue.send(failure.body, letterOf(final, message));
  reportFailure('quarantine', final, message, deps);
};

const letterOf = ({ error, hint, assignment }: Failure, message: QueueMessage): DeadLetter => ({
  reason: error.reason,
  rule: assignment?.rule.id ?? hint?.rule ?? null,
  destination: assignment?.destination.id ?? hint?.destination ?? null,
  bucket: hint?.bucket ?? null,
  key: hint?.key ?? null,
  version: hint?.versionId ?? null,
  firstSeenMs: message.earlier?.firstSeenMs ?? message.sentMs,
  attempts: message.receiveCount + (message.earlier?.attempts ?? 0),
  requestId: error.requestId,
  detail: `${error.message}. ${reasonEntry(error.reason).fix}`,
});

const reportFailure = (
  ending: 'retry' | 'quarantine',
  { error, assignment }: Failure,
  message: QueueMessage,
  deps: Deps,
): void =>
  deps.reporter.report({
    ...(assignment === null ? blank(message) : about(assignment, message)),
    ending,
    reason: error.reason,
    detail: error.message,
    requestId: error.requestId,
  });

/** Work that starts when the invocation is nearly over would be cut off in the middle. */
const assertTimeLeft = (deps: Deps): void => {
  if (deps.clock.now() >= deps.invocation.deadlineMs) {
    throw new ReplicationError('out-of-time', 'the invocation is nearly over');
  }
};

/** What one copy holds in memory: a small body whole, a streamed one its buffers. */
const weightOf = (sizeBytes: number | null): number =>
  sizeBytes !== null && sizeBytes <= SMALL_OBJECT_BYTES
    ? Math.max(sizeBytes, MIN_WEIGHT_BYTES)
    : STREAM_WEIGHT_BYTES;

const MIN_WEIGHT_BYTES = 512 * 1024;
const STREAM_WEIGHT_BYTES = 16 * 1024 * 1024;

/** Anything that is not ours is a fault of this program or of a library: tried again, and quarantined in the end. */
const asReplicationError = (error: unknown): ReplicationError =>
  error instanceof ReplicationError
    ? error
    : new ReplicationError('service-error', error instanceof Error ? error.message : String(error), {
        cause: error,
      });

type Common = Pick<
  OutcomeRecord,
  'rule' | 'sourceBucket' | 'destinationBucket' | 'destination' | 'key' | 'version' | 'attempts'
>;

const blank = (message: QueueMessage): Common => ({
  rule: null,
  sourceBucket: null,
  destinationBucket: null,
  destination: null,
  key: null,
  version: null,
  attempts: message.receiveCount,
});

const about = ({ rule, destination, hint }: Assignment, message: QueueMessage): Common => ({
  rule: rule.id,
  sourceBucket: hint.bucket,
  destinationBucket: destination.bucket,
  destination: destination.id,
  key: hint.key,
  version: hint.versionId,
  attempts: message.receiveCount,
});

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
