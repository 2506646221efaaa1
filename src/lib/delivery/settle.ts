/**
 * Ends the work on a message. Its failed pieces are sent on as new messages: to the queue that the message came from, to the
 * waiting queue of a destination, or to the dead-letter queue. Then the message is acknowledged.
 */
import {
  busySeconds,
  MAX_WAITING_MS,
  MIN_RETRYING_MS,
  NEWER_RELEASE_SECONDS,
  OUT_OF_TIME_LIMIT,
  RETRY_LIMIT,
  retryDelaySeconds,
  SHORT_TRIES,
} from './backoff.ts';
import { MAX_BODY_BYTES } from './dead-letter.ts';
import { asReplicationError } from '../model/errors.ts';
import { isPermission, type Reason } from '../model/reasons.ts';
import { formatSeveral } from '../hint/hint.ts';
import type { Deps, QueueMessage } from './deps.ts';
import { allOf, type Failure, reportAll, reportFailure } from './failure.ts';
import { quarantine } from './quarantine.ts';
import { afterAvoidance, afterFailure, mayBeGranted } from './retry.ts';

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
    await giveBack(message, { ...failures[0]!, error: asReplicationError(error) }, deps);
    return false;
  }
};

/**
 * Maximum number of failed pieces of one message that are sent on separately. If there are more, pieces are merged. A message
 * from S3 has one record, and one piece for each destination.
 */
const SEPARATE_PIECES = 10;

/**
 * Merges the pieces that failed for the same reason at the same destination, if there are many. Otherwise one hostile message could
 * become a hundred thousand messages at each attempt.
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

/**
 * Makes the whole message visible again, because a queue or table did not accept a record that must exist before the message is
 * acknowledged.
 */
export const giveBack = async (
  message: QueueMessage,
  failure: Pick<Failure, 'error' | 'assignment'>,
  deps: Deps,
): Promise<void> => {
  const isNewerRelease = failure.error.reason === 'newer-release';
  const seconds = isNewerRelease ? NEWER_RELEASE_SECONDS : delaySeconds(message.receiveCount);
  reportFailure('retry', failure, message, deps);
  // If the delay cannot be set, the message comes back after the queue's own visibility timeout.
  await deps.liveQueue.retryLater(message, seconds).catch((error: unknown) => {
    reportFailure('retry', { error: asReplicationError(error), assignment: null }, message, deps);
  });
};

/**
 * Gives a message back unread if a newer release wrote its attributes. The message is not sent again as a new one, because this release
 * would write its attributes in an older format. Resolves to false if this release knows the attributes.
 */
export const isNewer = async (message: QueueMessage, deps: Deps): Promise<boolean> => {
  if (message.newer === undefined) return false;
  await giveBack(message, { error: message.newer, assignment: null }, deps);
  return true;
};

const sendOn = async (failure: Failure, message: QueueMessage, deps: Deps): Promise<void> => {
  const { error } = failure;
  const isLasting = error.disposition === 'quarantine' && !mayBeGranted(message, error, deps.clock.now());
  if (isLasting || isExhausted(failure, message, deps)) await quarantine(failure, message, deps);
  else await tryAgain(failure, message, deps);
};

const isExhausted = ({ error }: Failure, message: QueueMessage, { clock }: Deps): boolean => {
  const { tries, waitingSinceMs } = afterFailure(message, error, clock.now());
  // If an invocation had too little time for the piece, the object is not the cause: the large objects of one batch share the network.
  if (error.reason === 'out-of-time') return tries >= OUT_OF_TIME_LIMIT;
  const forMs = clock.now() - waitingSinceMs;
  if (error.isAvoided || WITHOUT_TRY.has(error.reason)) return forMs >= MAX_WAITING_MS;
  return forMs >= MAX_WAITING_MS || (tries >= RETRY_LIMIT && forMs >= MIN_RETRYING_MS);
};

/**
 * Sends the failed piece again. At first the piece returns to its queue with a short delay. After several failures, or if the
 * destination is avoided, the piece goes to the waiting queue of the destination. No message is delayed for long, because a delayed
 * message cannot be received early.
 */
export const tryAgain = async (failure: Failure, message: QueueMessage, deps: Deps): Promise<void> => {
  const { error, body, again = body, assignment } = failure;
  if (WITHOUT_TRY.has(error.reason)) {
    const nowMs = deps.clock.now();
    const retry = afterAvoidance(message, error, nowMs);
    const isBusy = error.reason === 'key-busy';
    const seconds = isBusy ? busySeconds(nowMs - retry.waitingSinceMs, Math.random()) : NEWER_RELEASE_SECONDS;
    await deps.retries.again({ body: again, retry }, seconds);
    return reportAll('retry', failure, message, deps);
  }
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

/** The reasons for which no attempt was made. The piece is tried again until it has waited for too long. */
const WITHOUT_TRY: ReadonlySet<Reason> = new Set(['newer-release', 'key-busy']);

const delaySeconds = (tries: number): number =>
  retryDelaySeconds(Math.min(tries, SHORT_TRIES), Math.random());
