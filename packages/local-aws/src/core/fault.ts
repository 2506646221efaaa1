import type { PropagationDelays } from './propagation.ts';
import type { AwsRequest } from './request.ts';

/** The faults that a test switches on. */
export interface Faults {
  /** The fault plan. It is called for every request over the network, every message and every invocation. */
  plan: FaultPlan | undefined;
  /**
   * Delays until changes of policies and of EventBridge take effect. Changes that were made before the delays were set have taken effect.
   */
  propagation?: PropagationDelays | undefined;
}

/** No faults, for services that run without a fault plan. */
export const NO_FAULTS: Readonly<Faults> = { plan: undefined };

/** A fault of a request. The fault plan chooses it before the service receives the request. */
export type Fault =
  | { kind: 'error'; status: number; code: string; message?: string }
  /** The service returns its throttling error. With `by: 'kms'`, S3 returns the error for a throttled KMS. */
  | { kind: 'throttle'; by?: 'service' | 'kms' }
  /** The service returns its error for expired credentials. */
  | { kind: 'expired-credentials' }
  /** The service checks the time of the signature, and sets the Date header of the response, by a clock that is ahead. */
  | { kind: 'clock-skew'; aheadMs: number }
  | { kind: 'reset-before' }
  /** The service handles the request, but the connection is cut before the response. */
  | { kind: 'reset-after' }
  /** The service handles the request but sends no response, and the connection stays open. */
  | { kind: 'lose-answer' }
  /** The connection is cut after this many bytes of the response's body. */
  | { kind: 'truncate'; afterBytes: number }
  /** The connection is cut after the service has received this many bytes of the request's body. */
  | { kind: 'truncate-request'; afterBytes: number }
  /** The response's body is sent at this rate. */
  | { kind: 'slow-answer'; bytesPerSecond: number }
  /** The request's body is read at this rate. */
  | { kind: 'slow-request'; bytesPerSecond: number }
  /** The service receives the request only after this time. */
  | { kind: 'delay'; byMs: number }
  /** The process of the Lambda function that sent the request is killed, before or after the service handles the request. */
  | { kind: 'kill-function'; when: 'before' | 'after' };

/** A fault of a message that a client, S3, EventBridge or SNS sends to a queue. */
export type SendingFault =
  /** The message becomes visible only after this time. */
  | { kind: 'delay-message'; byMs: number }
  /** `copies` further messages with the same body follow. S3 and EventBridge may also send an event more than once. */
  | { kind: 'duplicate-message'; copies: number }
  /** The message arrives after this many later messages to the same queue, or when {@link FaultPlan.release} is called. */
  | { kind: 'overtake-message'; by: number }
  /** The message arrives only when {@link FaultPlan.release} is called. */
  | { kind: 'hold-message' };

/** A fault that occurs when a message is received. */
export type ReceivingFault =
  /** The visibility timeout of the message ends after this time. The timeout of the queue or the request does not apply. */
  { kind: 'visible-again'; afterMs: number };

/** A fault that occurs when a message is deleted. */
export type DeletingFault =
  /** The deletion returns success, but the message becomes visible again when its visibility timeout ends. */
  { kind: 'forget-delete' };

/** A fault that occurs while a function is invoked. */
export type InvocationFault =
  /** The process is killed this long after it received the invocation. */
  | { kind: 'kill-invocation'; afterMs: number }
  /** Lambda ends the invocation as timed out after this time, although the function's deadline is later. */
  | { kind: 'time-out-invocation'; afterMs: number };

/** The properties of a message by which a fault plan decides. */
export interface MessageInQuestion {
  queueArn: string;
  body: string;
  /** The sending service, e.g. `s3.amazonaws.com`; absent if a client sends the message. */
  service?: string;
}

/**
 * Decides which faults are injected. The plan is a function that is called for each request. Messages and invocations have optional members
 * of their own.
 */
export interface FaultPlan {
  (request: AwsRequest): Fault | undefined;
  sending?(message: MessageInQuestion): SendingFault | undefined;
  /** Holds a message back. The plan later calls `send`, which puts the message into its queue. */
  hold?(message: MessageInQuestion, send: () => void, fault: SendingFault): void;
  /** Called after a message was sent. The plan may then send messages that it has held back. */
  sent?(message: MessageInQuestion): void;
  receiving?(message: MessageInQuestion): ReceivingFault | undefined;
  deleting?(message: MessageInQuestion): DeletingFault | undefined;
  /** Chooses which of `count` visible messages is received next. The oldest message has the index 0. */
  next?(queueArn: string, count: number): number;
  invocation?(functionName: string): InvocationFault | undefined;
  /** Sends all messages that are held back. */
  release?(): void;
}
