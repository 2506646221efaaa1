/**
 * What an operator's commands need of the dead-letter queue and the live queue, in the words of SQS. The adapter is
 * `aws/dead-letter-queue.ts`.
 */

/** Message attributes as they travel: what was received is sent again unchanged, foreign types included. */
export type MessageAttributes = Readonly<
  Record<string, { dataType: string; text: string } | { dataType: string; bytes: Uint8Array }>
>;

/** A message in flight to us: invisible to others until its visibility timeout runs out. */
export interface ReceivedMessage {
  /** The same each time the message is received. */
  id: string;
  /** Of this receipt; the newest one counts. */
  receiptHandle: string;
  body: string;
  attributes: MessageAttributes;
  /** When it was sent (SQS moves keep the time of the first sending). Milliseconds since the epoch. */
  sentMs: number;
  /**
   * SQS put it into the queue by itself, because its receive count ran out. Its attributes, if any, then tell of an
   * earlier stay in the queue.
   */
  movedBySqs: boolean;
}

/** Approximate, as SQS says itself: right within about a minute of quiet. */
interface QueueState {
  visible: number;
  /** Received by somebody and neither deleted nor released. */
  inFlight: number;
  delayed: number;
  /** How long a message lives, counted from `sentMs`. */
  retentionMs: number;
}

/** One of SQS's own redrives (ListMessageMoveTasks). */
export interface MoveTask {
  /** Null: SQS tells it only while the task is running. */
  handle: string | null;
  status: 'RUNNING' | 'COMPLETED' | 'CANCELLING' | 'CANCELLED' | 'FAILED';
  startedMs: number;
  moved: number;
  /** Null until SQS has counted. */
  total: number | null;
  failureReason: string | null;
}

/** Every function throws {@link QueueError} and nothing else. */
export interface OperatorQueue {
  /** Names, for the person at the terminal. */
  readonly name: string;
  readonly liveName: string;
  /** For `aws sqs cancel-message-move-task` and the like. */
  readonly arn: string;
  readonly region: string;
  state(): Promise<QueueState>;
  /** Up to ten messages; waits `waitSeconds` (0–20) for the first. Empty: there is none visible. */
  receive(request: { visibilityTimeoutSeconds: number; waitSeconds: number }): Promise<ReceivedMessage[]>;
  /** Sets the visibility timeout of messages received before; 0 releases them. Those no longer held are left alone. */
  changeVisibility(messages: readonly ReceivedMessage[], seconds: number): Promise<void>;
  /** Sends copies to the live queue; returns those SQS has confirmed. */
  sendToLive(messages: readonly ReceivedMessage[]): Promise<ReceivedMessage[]>;
  /** Deletes from the dead-letter queue; returns those SQS has confirmed. */
  remove(messages: readonly ReceivedMessage[]): Promise<ReceivedMessage[]>;
  /** The last ten, newest first. */
  moveTasks(): Promise<MoveTask[]>;
  /**
   * Starts moving everything to the live queue. False: another task is running, there can be only one per queue.
   * `maxPerSecond` 1–500; null: SQS decides.
   */
  startMove(maxPerSecond: number | null): Promise<boolean>;
}

/** What can be wrong between an operator and a queue. Closed: the command line has a fix for each. */
export type QueueProblem =
  'no-credentials' | 'bad-credentials' | 'access-denied' | 'no-queue' | 'unreachable' | 'aws-failed';

/**
 * Why a queue could not be read or changed. Not a ReplicationError: those say what becomes of a hint, and here there
 * is no hint but a person at a terminal.
 */
export class QueueError extends Error {
  override readonly name = 'QueueError';
  readonly problem: QueueProblem;

  constructor(problem: QueueProblem, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.problem = problem;
  }
}
