/**
 * Ends the work on a message. The message is either given back to the queue or acknowledged. Before it is acknowledged, its
 * failed pieces are sent to the dead-letter queue, or to the live queue as new messages.
 */
import type { Assignment } from '../hint/route.ts';
import { retryDelaySeconds, RETRY_LIMIT } from './backoff.ts';
import type { DeadLetter } from './dead-letter.ts';
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import { reasonEntry } from '../model/reasons.ts';
import type { Hint } from '../hint/hint.ts';
import type { Deps, QueueMessage } from './deps.ts';
import type { OutcomeRecord } from './outcome.ts';

/** A piece of a message that failed. `body` is the message body for this piece alone. */
export interface Failure {
  error: ReplicationError;
  body: string;
  hint: Hint | null;
  assignment: Assignment | null;
}

/**
 * Settles a message after all of its pieces were attempted. Resolves to true if the message is to be acknowledged.
 *
 * While any piece of the message is worth another attempt, the whole message stays in the queue. In the next attempt, the
 * finished pieces count as duplicates. Failed pieces are quarantined only at the end, so that no piece is quarantined twice.
 */
export const settle = async (message: QueueMessage, failures: Failure[], deps: Deps): Promise<boolean> => {
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

/**
 * Gives the message back to the queue with a delay. If the delay cannot be set, the message comes back after the queue's own
 * visibility timeout.
 */
const retryLater = async (message: QueueMessage, failures: Failure[], deps: Deps): Promise<void> => {
  const outOfTime = failures.every(({ error }) => error.reason === 'out-of-time');
  const delaySeconds = outOfTime ? 0 : retryDelaySeconds(message.receiveCount, Math.random());
  await deps.liveQueue.retryLater(message, delaySeconds).catch((error: unknown) => {
    reportFailure('retry', { error: asReplicationError(error), assignment: null }, message, deps);
  });
};

/**
 * Sends the piece to the queue as a new message, and preserves the number of its attempts. Called if the invocation had too
 * little time for the piece. That is no fault of the object, because the large objects of one batch share the network. An object
 * that does not fit beside the others is given back as often as necessary.
 */
const startOver = async (failure: Failure, message: QueueMessage, deps: Deps): Promise<void> => {
  await deps.liveQueue.send(failure.body, letterOf(failure, message));
  reportFailure('retry', failure, message, deps);
};

/** Sends the failed piece to the dead-letter queue. Resolves when SQS has accepted the message. */
export const quarantine = async (failure: Failure, message: QueueMessage, deps: Deps): Promise<void> => {
  const { error } = failure;
  const exhausted = new ReplicationError('retries-exhausted', `${error.reason}: ${error.message}`, {
    cause: error,
    requestId: error.requestId,
  });
  const final = { ...failure, error: error.disposition === 'retry' ? exhausted : error };
  await deps.deadLetterQueue.send(failure.body, letterOf(final, message));
  reportFailure('quarantine', final, message, deps);
  const run = failure.hint?.run ?? null;
  if (run !== null) deps.runs.count(run, { kind: 'failed', reason: final.error.reason });
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

export const reportFailure = (
  ending: 'retry' | 'quarantine',
  { error, assignment }: Pick<Failure, 'error' | 'assignment'>,
  message: Pick<QueueMessage, 'receiveCount'>,
  { reporter }: Pick<Deps, 'reporter'>,
): void =>
  reporter.report({
    ...(assignment === null ? blank(message) : about(assignment, message)),
    ending,
    reason: error.reason,
    detail: error.message,
    requestId: error.requestId,
  });

type Common = Pick<
  OutcomeRecord,
  'rule' | 'sourceBucket' | 'destinationBucket' | 'destination' | 'key' | 'version' | 'attempts'
>;

/** Returns the common fields of a record without an assignment, for example about a malformed message. */
export const blank = (message: Pick<QueueMessage, 'receiveCount'>): Common => ({
  rule: null,
  sourceBucket: null,
  destinationBucket: null,
  destination: null,
  key: null,
  version: null,
  attempts: message.receiveCount,
});

/** Returns the common fields of a record about an assignment. */
export const about = (
  { rule, destination, hint }: Assignment,
  message: Pick<QueueMessage, 'receiveCount'>,
): Common => ({
  rule: rule.id,
  sourceBucket: hint.bucket,
  destinationBucket: destination.bucket,
  destination: destination.id,
  key: hint.key,
  version: hint.versionId,
  attempts: message.receiveCount,
});
