/** The dependencies of one invocation of the replicate function or the transfer function. */
import type { Budget } from '../model/concurrency.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { Receipt, Reporter } from './outcome.ts';
import type { Buckets, Clock, Invocation } from '../model/ports.ts';
import type { RunCounts } from './run-counts.ts';
import type { ReplicationConfiguration } from '../model/rule.ts';
import type { ServerSide } from '../copy/way.ts';
import type { Transfers } from '../copy/transfer/transfer.ts';

/** A message as SQS delivered it. */
export interface QueueMessage {
  messageId: string;
  receiptHandle: string;
  body: string;
  /** How often the message was received, including this time. */
  receiveCount: number;
  /** When the message was first put into this queue, in milliseconds since the epoch. */
  sentMs: number;
  /** The dead letter of the message from an earlier stay in the dead-letter queue; null: the message was never there. */
  earlier: DeadLetter | null;
}

/** One delivery of a message. It says which idempotency records in progress the work may take over. */
export interface Delivery {
  /** The message, or the invocation if the work has no message. */
  message: string;
  /** Grows with every delivery of the message. */
  delivery: number;
}

export const deliveryOf = ({ messageId, receiveCount }: QueueMessage): Delivery => ({
  message: messageId,
  delivery: receiveCount,
});

/**
 * Runs work once per idempotency key. A duplicate of finished work resolves to the stored receipt. A duplicate of work that is
 * still running throws `in-progress`, unless an earlier delivery of the same message began that work: that delivery has most
 * likely died, so the work is done again. Throws `crashed-or-timed-out` if too many deliveries of the message have died in a row.
 */
export interface Receipts {
  once(
    key: string,
    delivery: Delivery,
    work: () => Promise<Receipt>,
  ): Promise<{ receipt: Receipt; duplicate: boolean }>;
}

/** The queue that a message came from. */
export interface LiveQueue {
  /** Makes the message visible again after the delay. */
  retryLater(message: QueueMessage, delaySeconds: number): Promise<void>;
  /**
   * Sends a new message, which has its own receive count. `letter` preserves the number of earlier attempts. Resolves when SQS
   * has accepted the message.
   */
  send(body: string, letter: DeadLetter): Promise<void>;
}

/** The part of the dead-letter queue that a worker uses. */
export interface DeadLetterSender {
  /** Sends a new message. Resolves when SQS has accepted the message. */
  send(body: string, letter: DeadLetter): Promise<void>;
}

export interface Deps {
  configuration: ReplicationConfiguration;
  buckets: Buckets;
  receipts: Receipts;
  liveQueue: LiveQueue;
  deadLetterQueue: DeadLetterSender;
  reporter: Reporter;
  runs: RunCounts;
  transfers: Transfers;
  serverSide: ServerSide;
  /** Limits how many bytes of memory the bodies take at once. */
  memory: Budget;
  clock: Clock;
  invocation: Invocation;
}

/** The dependencies of one invocation of the transfer function. Its messages come from the transfer queue. */
export interface TransferDeps extends Deps {
  hints: HintQueue;
  /** The name of the sessions in which this deployment writes replicas. */
  sessionName: string;
}

/** The queue for hints. Hints go to this queue even if the invocation's messages come from another queue. */
interface HintQueue {
  /** Sends a new message. Resolves when SQS has accepted the message. */
  send(body: string): Promise<void>;
}
