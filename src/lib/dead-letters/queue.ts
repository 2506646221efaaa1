/**
 * The port for an operator's commands on the dead-letter queue. It uses the terms of SQS. Its adapter is
 * `aws/sqs/dead-letter-queue.ts`.
 */

import type { ForwardedMessage } from '../delivery/forwarding.ts';
import type { LetterKey } from '../delivery/known-letters.ts';

/** Message attributes as SQS transports them. Received attributes are sent again unchanged, even if their types are not ours. */
export type MessageAttributes = Readonly<
  Record<string, { dataType: string; text: string } | { dataType: string; bytes: Uint8Array }>
>;

/** A message that was received and is invisible to others. */
export interface Held {
  /** SQS's message id, which is the same each time the message is received. */
  id: string;
  /** The handle of this receive. Only the handle of the newest receive is valid. */
  receiptHandle: string;
}

/** A message that we received. It is invisible to others until its visibility timeout ends. */
export interface ReceivedMessage extends Held {
  body: string;
  attributes: MessageAttributes;
  /** When the message was first sent, in milliseconds since the epoch. If SQS moves the message, this time stays the same. */
  sentMs: number;
  /**
   * Whether SQS itself put the message into the queue, because the message had been received too often. In that case the
   * attributes of the message, if it has any, describe an earlier stay in the queue.
   */
  movedBySqs: boolean;
}

/** Returns a message in a form that fits into JSON, with everything that is needed to send it again. */
export const forwardable = ({
  body,
  attributes,
}: Pick<ReceivedMessage, 'attributes' | 'body'>): ForwardedMessage => ({
  body,
  attributes: Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      'text' in value
        ? value
        : { dataType: value.dataType, base64: Buffer.from(value.bytes).toString('base64') },
    ]),
  ),
});

/** The state of a queue. SQS documents the numbers as approximate. They are exact after about a minute without changes. */
interface QueueState {
  visible: number;
  /** Messages that were received and neither deleted nor released. */
  inFlight: number;
  delayed: number;
  /** How long SQS keeps a message, counted from `sentMs`. */
  retentionMs: number;
}

/** Every function throws only {@link QueueError}. */
export interface OperatorQueue {
  /** The name of the dead-letter queue, for messages to the operator. */
  readonly name: string;
  readonly liveName: string;
  readonly region: string;
  state(): Promise<QueueState>;
  /**
   * Receives up to ten messages. Waits up to `waitSeconds` (0–20) for the first. Returns an empty array if no message is visible.
   */
  receive(request: { visibilityTimeoutSeconds: number; waitSeconds: number }): Promise<ReceivedMessage[]>;
  /** Sets the visibility timeout of received messages; 0 releases them. Ignores messages that are no longer held. */
  changeVisibility(messages: readonly Held[], seconds: number): Promise<void>;
  /**
   * Makes the replicate function send copies to the queues that the messages return to. Returns the messages whose sending SQS
   * confirmed.
   */
  sendBack(messages: readonly ReceivedMessage[]): Promise<ReceivedMessage[]>;
  /** Makes the replicate function forget that the queue has these letters, before they are deleted permanently. */
  forget(letters: readonly LetterKey[]): Promise<void>;
  /** Deletes messages from the dead-letter queue. Returns the messages whose deletion SQS confirmed. */
  remove(messages: readonly Held[]): Promise<Held[]>;
}

/**
 * The problems that an operator may have with a queue. The list is closed, because the command line has a fix for each problem.
 */
export type QueueProblem =
  'no-credentials' | 'bad-credentials' | 'access-denied' | 'no-queue' | 'unreachable' | 'aws-failed';

/**
 * Thrown if a queue could not be read or changed. It is not a ReplicationError, because no hint failed: a person at a terminal
 * waits for the result.
 */
export class QueueError extends Error {
  override readonly name = 'QueueError';
  readonly problem: QueueProblem;

  constructor(problem: QueueProblem, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.problem = problem;
  }
}
