/** A piece of a message that failed, and how it is reported. */
import type { Assignment } from '../hint/route.ts';
import type { Hint } from '../hint/hint.ts';
import type { ReplicationError } from '../model/errors.ts';
import type { Deps, QueueMessage } from './deps.ts';
import type { OutcomeRecord } from './outcome.ts';
import { attemptsOf, firstSeenMsOf } from './retry.ts';

/** A piece of a message that failed. */
export interface Failure {
  error: ReplicationError;
  /** The message body for this piece alone. The dead-letter queue gets it. */
  body: string;
  /** The message body to send again. If this field is left out, `body` is sent. */
  again?: string;
  hint: Hint | null;
  assignment: Assignment | null;
  /** The failures whose pieces are merged into this one message; left out: the message is about this failure only. */
  merged?: Failure[];
}

export const allOf = (failure: Failure): Failure[] => failure.merged ?? [failure];

/** Reports each of the merged failures. Failures without a hint cannot be told apart, so they are reported as one. */
export const reportAll = (
  ending: 'retry' | 'wait' | 'quarantine',
  failure: Failure,
  message: QueueMessage,
  deps: Deps,
): void => {
  const { error } = failure;
  if (failure.hint === null) return reportFailure(ending, failure, message, deps);
  for (const each of allOf(failure)) reportFailure(ending, { ...each, error }, message, deps);
};

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

/** The fields from which the number of attempts and the time of the first attempt are calculated. */
export type Attempts = Pick<QueueMessage, 'receiveCount' | 'sentMs' | 'retry' | 'earlier'>;

/** Returns the number of attempts of work that has no message. */
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
