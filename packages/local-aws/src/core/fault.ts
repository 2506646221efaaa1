import type { AwsRequest } from './request.ts';

/** The fault of one request. The fault layer chooses it before the service sees the request. */
export type Fault =
  | { kind: 'error'; status: number; code: string; message?: string }
  /** The service is busy, in the words of each service. `kms`: the key service behind S3 is busy. */
  | { kind: 'throttle'; by?: 'service' | 'kms' }
  /** The credentials are refused as expired, in the words of each service. */
  | { kind: 'expired-credentials' }
  /** A clock that is this far ahead checks the request's time and dates the answer. */
  | { kind: 'clock-skew'; aheadMs: number }
  | { kind: 'reset-before' }
  /** The service does its work, but the connection is cut before the answer. */
  | { kind: 'reset-after' }
  /** The service does its work, but never answers, and the connection stays open. */
  | { kind: 'lose-answer' }
  /** The answer's body is cut after this many bytes. */
  | { kind: 'truncate'; afterBytes: number }
  /** The connection is cut when the service has had this many bytes of the request's body. */
  | { kind: 'truncate-request'; afterBytes: number }
  /** The answer's body is sent at this rate. */
  | { kind: 'slow-answer'; bytesPerSecond: number }
  /** The request's body is read at this rate. */
  | { kind: 'slow-request'; bytesPerSecond: number }
  /** The service receives the request only after this time. */
  | { kind: 'delay'; byMs: number }
  /** The function's process that sent the request is killed, before or after the request takes effect. */
  | { kind: 'kill-function'; when: 'before' | 'after' };

/** A fault of a message on its way into a queue, whether a client, S3, EventBridge or SNS sends it. */
export type SendingFault =
  /** The message becomes visible only after this time. */
  | { kind: 'delay-message'; byMs: number }
  /** This many further messages with the same body follow, as S3 and EventBridge may send them. */
  | { kind: 'duplicate-message'; copies: number }
  /** The message arrives after this many later messages to the same queue; see {@link FaultPlan.release}. */
  | { kind: 'overtake-message'; by: number }
  /** The message arrives only when {@link FaultPlan.release} is called. */
  | { kind: 'hold-message' };

/** A fault of a message that is received. */
export type ReceivingFault =
  /** The message's visibility timeout ends after this time, whatever the queue's own timeout is. */
  { kind: 'visible-again'; afterMs: number };

/** A fault of the deletion of a message. */
export type DeletingFault =
  /** The deletion is reported as successful, but the message comes back when its visibility timeout ends. */
  { kind: 'forget-delete' };

/** A fault of an invocation of a function. */
export type InvocationFault =
  /** The process is killed this long after it received the invocation. */
  | { kind: 'kill-invocation'; afterMs: number }
  /** Lambda ends the invocation as timed out, although the function was promised more time. */
  | { kind: 'time-out-invocation'; afterMs: number };

/** A message as the fault layer sees it. */
export interface MessageInQuestion {
  queueArn: string;
  body: string;
  /** e.g. `s3.amazonaws.com`; absent when a client sends it. */
  service?: string;
}

/**
 * The faults to inject, under a test's control. The plan itself is called for each request, its members for events without a request.
 * All members are optional, so any function from a request to a fault is a plan.
 */
export interface FaultPlan {
  (request: AwsRequest): Fault | undefined;
  sending?(message: MessageInQuestion): SendingFault | undefined;
  /** Holds a message back; `send` puts the message into its queue. */
  hold?(message: MessageInQuestion, send: () => void, fault: SendingFault): void;
  /** Called after a message was sent; held messages may follow. */
  sent?(message: MessageInQuestion): void;
  receiving?(message: MessageInQuestion): ReceivingFault | undefined;
  deleting?(message: MessageInQuestion): DeletingFault | undefined;
  /** Which of `count` visible messages is received next, the oldest being 0. */
  next?(queueArn: string, count: number): number;
  invocation?(functionName: string): InvocationFault | undefined;
  /** Sends all held messages. */
  release?(): void;
}
