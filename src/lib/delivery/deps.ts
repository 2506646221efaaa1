/** The dependencies of one invocation of the replicate function or the transfer function. */
import type { Brakes } from './brakes.ts';
import type { Hint } from '../hint/hint.ts';
import type { Circuits } from './circuits.ts';
import type { Budget } from '../model/concurrency.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { ReplicationError } from '../model/errors.ts';
import type { TextAttributes } from './text-attributes.ts';
import type { KnownLetters } from './known-letters.ts';
import type { KnownStack } from '../converge/stack-listing.ts';
import type { Neighbourhoods } from './neighbourhoods.ts';
import type { Receipt, Reporter } from './outcome.ts';
import type { Buckets, Clock, Invocation } from '../model/ports.ts';
import type { Announcements } from '../model/replica-event.ts';
import type { RunCounts } from './run-counts.ts';
import type { ReplicationConfiguration, RuleDestination } from '../model/rule.ts';
import { attemptsOf, type Origin, type RetriedPiece, type Retry, workId } from './retry.ts';
import type { VersionReceipts } from '../replica/version-receipt.ts';
import type { ServerSide } from '../copy/way.ts';
import type { GetSigner } from '../replica/stamp-signature.ts';
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
  /** The queue that the message first came from. */
  origin: Origin;
  /** The earlier attempts; null: the message was not sent again since it was first sent or redriven. */
  retry: Retry | null;
  /** The dead letter of the message from an earlier stay in the dead-letter queue; null: none since it was last sent. */
  earlier: DeadLetter | null;
  /** Set if a newer release wrote the attributes, so that `retry` and `earlier` are unknown. */
  newer?: ReplicationError;
}

/** A message of a waiting queue. */
export interface WaitingMessage extends QueueMessage {
  /** The attributes with which the message is sent back. */
  attributes: TextAttributes;
}

/** One delivery of a message. It says which idempotency records in progress the work may take over. */
export interface Delivery {
  /** The message, or the invocation if the work has no message. */
  message: string;
  /** Grows with every delivery of the message. */
  delivery: number;
}

/** Returns the delivery of a message. A message that was sent again counts as a later delivery of the first message. */
export const deliveryOf = (message: QueueMessage): Delivery => ({
  message: workId(message),
  delivery: attemptsOf(message),
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

/** The queue that the messages of an invocation came from. */
export interface LiveQueue {
  /** Makes the message visible again after the delay. Until then the message is in flight. */
  retryLater(message: QueueMessage, delaySeconds: number): Promise<void>;
}

/** The queues to which failed pieces of messages are sent as new messages. Each method resolves when SQS has accepted the message. */
export interface Retries {
  /** Sends the piece to the queue that it came from. The message can be received after the delay. It is not in flight until then. */
  again(piece: RetriedPiece, delaySeconds: number): Promise<void>;
  /** Puts the piece into the waiting queue of a destination. */
  wait(where: RuleDestination, piece: RetriedPiece): Promise<void>;
}

/** The waiting queues of all destinations. No function polls them. Only the schedule and an operator's command receive from them. */
export interface WaitingQueues {
  /** Receives at most `limit` messages, up to ten. They are hidden for half a minute. An empty list means that no message is visible. */
  receive(where: RuleDestination, limit: number): Promise<WaitingMessage[]>;
  /**
   * Sends the messages unchanged to the queues that they came from. Removes the messages that SQS has accepted from the waiting
   * queue. Resolves to the number of messages that were sent.
   */
  letBack(where: RuleDestination, messages: readonly WaitingMessage[]): Promise<number>;
  /** Removes messages whose work is done, or that another queue has accepted. */
  remove(where: RuleDestination, messages: readonly QueueMessage[]): Promise<void>;
  /** The number of visible messages in the live queue. It is approximate. */
  liveMessages(): Promise<number>;
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
  versionReceipts: Pick<VersionReceipts, 'keep'>;
  liveQueue: LiveQueue;
  retries: Retries;
  waiting: WaitingQueues;
  circuits: Circuits;
  brake: Brakes;
  deadLetterQueue: DeadLetterSender;
  letters: KnownLetters;
  reporter: Reporter;
  runs: RunCounts;
  transfers: Transfers;
  serverSide: ServerSide;
  signer: GetSigner;
  /** Limits how many bytes of memory the bodies take at once. */
  memory: Budget;
  /** The places where keys may be neighbours; left out: nothing is remembered after the batch. */
  neighbourhoods?: Neighbourhoods;
  /** The event bus to which replicas are announced; left out: nothing is announced. */
  announcements?: Announcements;
  /** The key with many versions that was listed last; left out: nothing is remembered after a listing. */
  stack?: KnownStack;
  clock: Clock;
  invocation: Invocation;
}

/** The dependencies of one invocation of the transfer function. Its messages come from the transfer queue. */
export interface TransferDeps extends Deps {
  hints: HintQueue;
  /** The name of the sessions in which this deployment writes replicas. */
  sessionName: string;
}

/**
 * The queue for the hints of transfers: the live queue, even if the invocation's messages come from another queue. If a hint has a kind
 * that only runs send, it goes to the queue of runs, because no other queue accepts it.
 */
interface HintQueue {
  /** Sends a new message. Resolves when SQS has accepted the message. */
  send(hint: Hint): Promise<void>;
}
