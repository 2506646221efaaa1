/** What one invocation of the replicate function is given to work with. */
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

/** The dead-letter queue, as far as a worker uses it. */
export interface DeadLetterSender {
  /** Resolves when SQS has accepted it. */
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
  /** Bytes of memory that bodies may take at once. */
  memory: Budget;
  clock: Clock;
  invocation: Invocation;
}

/** What one invocation of the transfer function is given: its messages come from the queue of ranges. */
export interface TransferDeps extends Deps {
  hints: HintQueue;
  /** The name of the sessions in which this deployment writes replicas. */
  sessionName: string;
}

/** The queue that hints go into, whatever queue a message came from. */
interface HintQueue {
  /** Resolves when SQS has accepted it. */
  send(body: string): Promise<void>;
}
