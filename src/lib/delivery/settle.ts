/**
 * Ends the work on a message. Its failed pieces are sent on as new messages: to the queue that the message came from, to the
 * waiting queue of a destination, or to the dead-letter queue. Then the message is acknowledged.
 */
import type { Assignment } from '../hint/route.ts';
import {
  MAX_WAITING_MS,
  MIN_RETRYING_MS,
  OUT_OF_TIME_LIMIT,
  RETRY_LIMIT,
  retryDelaySeconds,
  SHORT_TRIES,
} from './backoff.ts';
import type { DeadLetter } from './dead-letter.ts';
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import { isPermission, type Reason, reasonEntry } from '../model/reasons.ts';
import { type Hint, PASSED_OVER_KIND } from '../hint/hint.ts';
import type { Deps, QueueMessage } from './deps.ts';
import type { OutcomeRecord } from './outcome.ts';
import { afterAvoidance, afterFailure, attemptsOf, firstSeenMsOf, mayBeGranted } from './retry.ts';

/** A piece of a message that failed. */
export interface Failure {
  error: ReplicationError;
  /** The message body for this piece alone. The dead-letter queue gets it. */
  body: string;
  /** The message body that is sent again, if it is not `body`. */
  again?: string;
  hint: Hint | null;
  assignment: Assignment | null;
  /** What an operator should do; left out: what the reason says. */
  fix?: string;
}

/**
 * Settles a message after all of its pieces were attempted. Resolves to true if the message is to be acknowledged.
 *
 * Each failed piece is sent on before the message is acknowledged. If the function dies in between, the message is delivered
 * again, and the piece is attempted twice.
 */
export const settle = async (message: QueueMessage, failures: Failure[], deps: Deps): Promise<boolean> => {
  try {
    for (const failure of failures) await sendOn(failure, message, deps);
    return true;
  } catch (error) {
    reportFailure('retry', { ...failures[0]!, error: asReplicationError(error) }, message, deps);
    await giveBack(message, deps);
    return false;
  }
};

/** Gives the whole message back, because SQS did not accept one of its pieces. */
const giveBack = async (message: QueueMessage, deps: Deps): Promise<void> => {
  // If the delay cannot be set, the message comes back after the queue's own visibility timeout.
  await deps.liveQueue.retryLater(message, delaySeconds(message.receiveCount)).catch((error: unknown) => {
    reportFailure('retry', { error: asReplicationError(error), assignment: null }, message, deps);
  });
};

const sendOn = async (failure: Failure, message: QueueMessage, deps: Deps): Promise<void> => {
  const { error } = failure;
  const isLasting = error.disposition === 'quarantine' && !mayBeGranted(message, error, deps.clock.now());
  if (isLasting || isExhausted(failure, message, deps)) await quarantine(failure, message, deps);
  else await tryAgain(failure, message, deps);
};

const isExhausted = ({ error }: Failure, message: QueueMessage, { clock }: Deps): boolean => {
  const { tries, waitingSinceMs } = afterFailure(message, error, clock.now());
  // An invocation that had too little time for the piece is no fault of the object. The large objects of one batch share the network.
  if (error.reason === 'out-of-time') return tries >= OUT_OF_TIME_LIMIT;
  const forMs = clock.now() - waitingSinceMs;
  if (error.isAvoided) return forMs >= MAX_WAITING_MS;
  return forMs >= MAX_WAITING_MS || (tries >= RETRY_LIMIT && forMs >= MIN_RETRYING_MS);
};

/**
 * Sends the failed piece again: with a short delay to the queue that it came from, and after several failures, or if its destination
 * is avoided, to the waiting queue of its destination. A delayed message cannot be received early, so no message is delayed for long.
 */
export const tryAgain = async (failure: Failure, message: QueueMessage, deps: Deps): Promise<void> => {
  const { error, body, again = body, assignment } = failure;
  if (error.isAvoided && assignment !== null) {
    const retry = afterAvoidance(message, error, deps.clock.now());
    await deps.retries.wait(assignment, { body: again, retry });
    return reportFailure('wait', failure, message, deps);
  }
  const piece = { body: again, retry: afterFailure(message, error, deps.clock.now()) };
  const { tries } = piece.retry;
  if (error.reason === 'out-of-time') await deps.retries.again(piece, 0);
  else if (isPermission(error.reason)) await deps.retries.again(piece, delaySeconds(tries + 2));
  else if (tries > SHORT_TRIES && assignment !== null) await deps.retries.wait(assignment, piece);
  else await deps.retries.again(piece, delaySeconds(tries));
  reportFailure('retry', failure, message, deps);
  const run = failure.hint?.run ?? null;
  if (run !== null) deps.runs.count(run, { kind: 'tried' });
};

const delaySeconds = (tries: number): number =>
  retryDelaySeconds(Math.min(tries, SHORT_TRIES), Math.random());

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
  if (failure.hint !== null) countFailed(failure.hint, final.error.reason, deps);
};

const countFailed = (hint: Hint, reason: Reason, { runs }: Deps): void => {
  const { run, kind } = hint;
  if (run === null) return;
  runs.count(run, { kind: kind === PASSED_OVER_KIND ? 'passed-over' : 'failed', reason });
};

const letterOf = ({ error, hint, assignment, fix }: Failure, message: QueueMessage): DeadLetter => ({
  reason: error.reason,
  rule: assignment?.rule.id ?? hint?.rule ?? null,
  destination: assignment?.destination.id ?? hint?.destination ?? null,
  bucket: hint?.bucket ?? null,
  key: hint?.key ?? null,
  version: hint?.versionId ?? null,
  firstSeenMs: firstSeenMsOf(message),
  attempts: attemptsOf(message),
  requestId: error.requestId,
  detail: `${error.message}. ${fix ?? reasonEntry(error.reason).fix}`,
});

export const reportFailure = (
  ending: 'retry' | 'wait' | 'quarantine',
  { error, assignment }: Pick<Failure, 'error' | 'assignment'>,
  message: Attempts,
  { reporter }: Pick<Deps, 'reporter'>,
): void =>
  reporter.report({
    ...(assignment === null ? blank(message) : about(assignment, message)),
    ending,
    reason: error.reason,
    detail: error.message,
    requestId: error.requestId,
  });

/** The fields from which the number of attempts follows. */
export type Attempts = Pick<QueueMessage, 'receiveCount' | 'retry' | 'earlier'>;

/** The number of attempts of work that no message stands for. */
export const attempted = (receiveCount: number): Attempts => ({ receiveCount, retry: null, earlier: null });

type Common = Pick<
  OutcomeRecord,
  'rule' | 'sourceBucket' | 'destinationBucket' | 'destination' | 'key' | 'version' | 'attempts'
>;

/** Returns the common fields of a record without an assignment, for example about a malformed message. */
export const blank = (message: Attempts): Common => ({
  rule: null,
  sourceBucket: null,
  destinationBucket: null,
  destination: null,
  key: null,
  version: null,
  attempts: attemptsOf(message),
});

/** Returns the common fields of a record about an assignment. */
export const about = ({ rule, destination, hint }: Assignment, message: Attempts): Common => ({
  rule: rule.id,
  sourceBucket: hint.bucket,
  destinationBucket: destination.bucket,
  destination: destination.id,
  key: hint.key,
  version: hint.versionId,
  attempts: attemptsOf(message),
});
