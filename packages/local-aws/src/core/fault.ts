import type { AwsRequest } from './request.ts';

/** A verdict of the fault layer about one request, given before the service sees it. */
export type Fault =
  | { kind: 'error'; status: number; code: string; message?: string }
  /** The service is busy, in the words of each service. `kms`: the key service behind S3 is. */
  | { kind: 'throttle'; by?: 'service' | 'kms' }
  /** The credentials are refused as expired, in the words of each service. */
  | { kind: 'expired-credentials' }
  /** This request is judged, and its answer dated, by a clock that is so far ahead. */
  | { kind: 'clock-skew'; aheadMs: number }
  | { kind: 'reset-before' }
  /** The service does its work, then the connection is cut instead of the answer. */
  | { kind: 'reset-after' }
  /** The service does its work and nobody ever hears of it: no answer, and the connection stays open. */
  | { kind: 'lose-answer' }
  /** The answer's body is cut after this many bytes. */
  | { kind: 'truncate'; afterBytes: number }
  /** The connection is cut when the service has had this many bytes of the request's body. */
  | { kind: 'truncate-request'; afterBytes: number }
  /** The answer's body trickles. */
  | { kind: 'slow-answer'; bytesPerSecond: number }
  /** The request's body is read at this rate. */
  | { kind: 'slow-request'; bytesPerSecond: number }
  /** The service gets to see the request only after a while. */
  | { kind: 'delay'; byMs: number }
  /** The function's process that makes the request is killed, before or after it takes effect. */
  | { kind: 'kill-function'; when: 'before' | 'after' };

/** What may befall a message on its way into a queue, whether a client sends it, or S3, EventBridge or SNS. */
export type SendingFault =
  /** It becomes visible only later. */
  | { kind: 'delay-message'; byMs: number }
  /** Further messages with the same body, as S3 and EventBridge may send them. */
  | { kind: 'duplicate-message'; copies: number }
  /** It arrives after so many that were sent later to the same queue; see {@link FaultPlan.release}. */
  | { kind: 'overtake-message'; by: number }
  /** It arrives only when the plan is told to release what it holds. */
  | { kind: 'hold-message' };

/** What may befall a message that is received. */
export type ReceivingFault =
  /** Its visibility timeout ends in the middle of the work, whatever the queue says. */
  { kind: 'visible-again'; afterMs: number };

/** What may befall the deletion of a message. */
export type DeletingFault =
  /** It is answered with success, and the message comes back when its visibility timeout ends. */
  { kind: 'forget-delete' };

/** What may befall an invocation of a function. */
export type InvocationFault =
  /** The process is killed that long after it was given the invocation. */
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
 * Under test control; the function itself is asked for each request, its members for what happens without one. All members are
 * optional, so any function from a request to a fault is a plan.
 */
export interface FaultPlan {
  (request: AwsRequest): Fault | undefined;
  sending?(message: MessageInQuestion): SendingFault | undefined;
  /** Keeps a message back; `send` puts it in its queue. */
  hold?(message: MessageInQuestion, send: () => void, fault: SendingFault): void;
  /** Tells that a message was sent, after which held ones may follow. */
  sent?(message: MessageInQuestion): void;
  receiving?(message: MessageInQuestion): ReceivingFault | undefined;
  deleting?(message: MessageInQuestion): DeletingFault | undefined;
  /** Which of so many visible messages is received next, the oldest being 0. */
  next?(queueArn: string, count: number): number;
  invocation?(functionName: string): InvocationFault | undefined;
  /** Sends everything that is held. */
  release?(): void;
}
