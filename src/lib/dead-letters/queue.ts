/**
 * The port for an operator's commands on the dead-letter queue and the live queue, in SQS's terms. The adapter is
 * `aws/sqs/dead-letter-queue.ts`.
 */

/** Message attributes as SQS transports them: received attributes are sent again unchanged, including foreign types. */
export type MessageAttributes = Readonly<
  Record<string, { dataType: string; text: string } | { dataType: string; bytes: Uint8Array }>
>;

/** A message that we received: invisible to others until its visibility timeout ends. */
export interface ReceivedMessage {
  /** The same each time the message is received. */
  id: string;
  /** The handle of this receipt; only the newest one is valid. */
  receiptHandle: string;
  body: string;
  attributes: MessageAttributes;
  /** When the message was first sent; moves by SQS keep this time. Milliseconds since the epoch. */
  sentMs: number;
  /**
   * SQS itself put the message into the queue, because its receive count ran out. Its attributes, if any, then describe an earlier
   * stay in the queue.
   */
  movedBySqs: boolean;
}

/** Approximate, as SQS documents: exact after about a minute without changes. */
interface QueueState {
  visible: number;
  /** Received and neither deleted nor released. */
  inFlight: number;
  delayed: number;
  /** How long a message lives, counted from `sentMs`. */
  retentionMs: number;
}

/** One of SQS's own redrives (ListMessageMoveTasks). */
export interface MoveTask {
  /** Null: SQS reports it only while the task is running. */
  handle: string | null;
  status: 'RUNNING' | 'COMPLETED' | 'CANCELLING' | 'CANCELLED' | 'FAILED';
  startedMs: number;
  moved: number;
  /** Null until SQS has counted. */
  total: number | null;
  failureReason: string | null;
}

/** Every function throws only {@link QueueError}. */
export interface OperatorQueue {
  /** The name of the dead-letter queue, for the person at the terminal. */
  readonly name: string;
  readonly liveName: string;
  /** For `aws sqs cancel-message-move-task` and the like. */
  readonly arn: string;
  readonly region: string;
  state(): Promise<QueueState>;
  /** Up to ten messages; waits up to `waitSeconds` (0–20) for the first. Empty: no message is visible. */
  receive(request: { visibilityTimeoutSeconds: number; waitSeconds: number }): Promise<ReceivedMessage[]>;
  /** Sets the visibility timeout of received messages; 0 releases them. Ignores messages that are no longer held. */
  changeVisibility(messages: readonly ReceivedMessage[], seconds: number): Promise<void>;
  /** Sends copies to the live queue; returns the messages that SQS confirmed. */
  sendToLive(messages: readonly ReceivedMessage[]): Promise<ReceivedMessage[]>;
  /** Deletes from the dead-letter queue; returns the messages that SQS confirmed. */
  remove(messages: readonly ReceivedMessage[]): Promise<ReceivedMessage[]>;
  /** The last ten, newest first. */
  moveTasks(): Promise<MoveTask[]>;
  /**
   * Starts moving all messages to the live queue. False: another task is running; a queue can have only one.
   * `maxPerSecond` 1–500; null: SQS decides.
   */
  startMove(maxPerSecond: number | null): Promise<boolean>;
}

/** The problems between an operator and a queue. A closed list: the command line has a fix for each. */
export type QueueProblem =
  'no-credentials' | 'bad-credentials' | 'access-denied' | 'no-queue' | 'unreachable' | 'aws-failed';

/**
 * Why a queue could not be read or changed. Not a ReplicationError, which decides what happens to a hint: here a person at a terminal
 * waits for the answer.
 */
export class QueueError extends Error {
  override readonly name = 'QueueError';
  readonly problem: QueueProblem;

  constructor(problem: QueueProblem, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.problem = problem;
  }
}
