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
import { type DeadLetter, MAX_BODY_BYTES, piecesOf } from './dead-letter.ts';
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import { isPermission, type Reason, reasonEntry } from '../model/reasons.ts';
import { formatSeveral, type Hint, PASSED_OVER_KIND } from '../hint/hint.ts';
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
  /** The failures whose pieces travel in this one message; left out: only this one. */
  merged?: Failure[];
}

/**
 * Settles a message after all of its pieces were attempted. Resolves to true if the message is to be acknowledged.
 *
 * Each failed piece is sent on before the message is acknowledged. If the function dies in between, the message is delivered
 * again, and the piece is attempted twice.
 */
export const settle = async (message: QueueMessage, failures: Failure[], deps: Deps): Promise<boolean> => {
  try {
    for (const failure of merged(failures)) await sendOn(failure, message, deps);
    return true;
  } catch (error) {
    reportFailure('retry', { ...failures[0]!, error: asReplicationError(error) }, message, deps);
    await giveBack(message, deps);
    return false;
  }
};

/** How many pieces of one message are sent on separately. A message of S3 has one record, and one piece for each destination. */
const SEPARATE_PIECES = 10;

/**
 * Merges the pieces that failed for the same reason at the same destination, if there are many. Otherwise one hostile message would become
 * a hundred thousand messages, time and again.
 */
const merged = (failures: Failure[]): Failure[] => {
  if (failures.length <= SEPARATE_PIECES) return failures;
  const alike = Map.groupBy(failures, ({ error, assignment }) =>
    JSON.stringify([error.reason, error.isAvoided, assignment?.rule.id, assignment?.destination.id]),
  );
  return [...alike.values()].flatMap((group) => partsOf(group).map(mergedInto));
};

const mergedInto = (group: Failure[]): Failure => {
  const [first] = group;
  if (first === undefined || group.length === 1) return first!;
  return {
    ...first,
    body: formatSeveral(group.map(({ body }) => body)),
    again: formatSeveral(group.map(({ body, again = body }) => again)),
    merged: group,
  };
};

/** Cuts a group so that each part fits into a message. The bodies are ASCII, and each is written as a JSON text. */
const partsOf = (group: Failure[]): Failure[][] => {
  const parts: Failure[][] = [];
  let bytes = Infinity;
  for (const failure of group) {
    const { body, again = body } = failure;
    const size = Math.max(JSON.stringify(body).length, JSON.stringify(again).length) + 1;
    bytes += size;
    if (bytes > MAX_BODY_BYTES - 100) {
      parts.push([failure]);
      bytes = size;
    } else parts.at(-1)?.push(failure);
  }
  return parts;
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
    return reportAll('wait', failure, message, deps);
  }
  const piece = { body: again, retry: afterFailure(message, error, deps.clock.now()) };
  const { tries } = piece.retry;
  if (error.reason === 'out-of-time') await deps.retries.again(piece, 0);
  else if (isPermission(error.reason)) await deps.retries.again(piece, delaySeconds(tries + 2));
  else if (tries > SHORT_TRIES && assignment !== null) await deps.retries.wait(assignment, piece);
  else await deps.retries.again(piece, delaySeconds(tries));
  reportAll('retry', failure, message, deps);
  for (const { hint } of allOf(failure))
    if (hint !== null && hint.run !== null) deps.runs.count(hint.run, { kind: 'tried' });
};

const allOf = (failure: Failure): Failure[] => failure.merged ?? [failure];

/** Records without a hint have nothing that tells them apart, so they are reported once. */
const reportAll = (
  ending: 'retry' | 'wait' | 'quarantine',
  failure: Failure,
  message: QueueMessage,
  deps: Deps,
): void => {
  const { error } = failure;
  if (failure.hint === null) return reportFailure(ending, failure, message, deps);
  for (const each of allOf(failure)) reportFailure(ending, { ...each, error }, message, deps);
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
  const pieces = piecesOf(failure.body);
  for (const [index, piece] of pieces.entries()) {
    const letter = letterOf(final, message);
    const part = pieces.length === 1 ? '' : `piece ${index + 1} of ${pieces.length} of a long message: `;
    await deps.deadLetterQueue.send(piece, { ...letter, detail: part + letter.detail });
  }
  reportAll('quarantine', final, message, deps);
  for (const { hint } of allOf(failure)) if (hint !== null) countFailed(hint, final.error.reason, deps);
};

const countFailed = (hint: Hint, reason: Reason, { runs }: Deps): void => {
  const { run, kind } = hint;
  if (run === null) return;
  runs.count(run, { kind: kind === PASSED_OVER_KIND ? 'passed-over' : 'failed', reason });
};

const letterOf = (
  { error, hint, assignment, fix, merged: all = [] }: Failure,
  message: QueueMessage,
): DeadLetter => ({
  reason: error.reason,
  rule: assignment?.rule.id ?? hint?.rule ?? null,
  destination: assignment?.destination.id ?? hint?.destination ?? null,
  bucket: hint?.bucket ?? null,
  key: hint?.key ?? null,
  version: hint?.versionId ?? null,
  firstSeenMs: firstSeenMsOf(message),
  attempts: attemptsOf(message),
  requestId: error.requestId,
  detail: `${all.length > 1 ? `${all.length} pieces of one message, the first: ` : ''}${error.message}. ${fix ?? reasonEntry(error.reason).fix}`,
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

/** The fields from which the number of attempts and the time of the first follow. */
export type Attempts = Pick<QueueMessage, 'receiveCount' | 'sentMs' | 'retry' | 'earlier'>;

/** The number of attempts of work that no message stands for. */
export const attempted = (receiveCount: number): Attempts => ({
  receiveCount,
  sentMs: 0,
  retry: null,
  earlier: null,
});

type Common = Pick<
  OutcomeRecord,
  | 'rule'
  | 'sourceBucket'
  | 'destinationBucket'
  | 'destination'
  | 'key'
  | 'version'
  | 'sizeBytes'
  | 'attempts'
  | 'firstSeen'
>;

/** Returns the common fields of a record without an assignment, for example about a malformed message. */
export const blank = (message: Attempts): Common => ({
  rule: null,
  sourceBucket: null,
  destinationBucket: null,
  destination: null,
  key: null,
  version: null,
  sizeBytes: null,
  attempts: attemptsOf(message),
  firstSeen: firstSeenOf(message),
});

/** Returns the common fields of a record about an assignment. */
export const about = ({ rule, destination, hint }: Assignment, message: Attempts): Common => ({
  rule: rule.id,
  sourceBucket: hint.bucket,
  destinationBucket: destination.bucket,
  destination: destination.id,
  key: hint.key,
  version: hint.versionId,
  sizeBytes: hint.sizeBytes,
  attempts: attemptsOf(message),
  firstSeen: firstSeenOf(message),
});

const firstSeenOf = (message: Attempts): string | null => {
  const ms = firstSeenMsOf(message);
  return ms === 0 ? null : new Date(ms).toISOString();
};
