/**
 * What the parts of the local AWS owe each other. Types only.
 *
 * One front door receives every AWS request, finds out who is calling and which service is meant, and hands an
 * {@link AwsRequest} to that service. A service asks the {@link Authorizer} before it does anything.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';

/** Milliseconds since the epoch. Everything in the local AWS that depends on time asks this, so tests can move it. */
export interface Clock {
  now(): number;
}

/** An IAM, trust, bucket or queue policy, as JSON. */
export interface PolicyDocument {
  Version?: string;
  Id?: string;
  Statement: PolicyStatement | PolicyStatement[];
}

export interface PolicyStatement {
  Sid?: string;
  Effect: 'Allow' | 'Deny';
  Principal?: '*' | Record<string, string | string[]>;
  NotPrincipal?: '*' | Record<string, string | string[]>;
  Action?: string | string[];
  NotAction?: string | string[];
  Resource?: string | string[];
  NotResource?: string | string[];
  Condition?: Record<string, Record<string, unknown>>;
}

/** Who makes a request. */
export type Caller =
  | { kind: 'root'; accountId: string; arn: string; principalId: string }
  | {
      kind: 'session';
      accountId: string;
      /** arn:aws:sts::111111111111:assumed-role/role-name/session-name */
      arn: string;
      /** arn:aws:iam::111111111111:role/role-name */
      roleArn: string;
      /** AROA…:session-name, what S3 events carry as userIdentity.principalId (with the AWS: prefix added there). */
      principalId: string;
      /** The role's policies as they are now, plus the session policy if one was given. */
      policies(): PolicyDocument[];
    }
  | {
      kind: 'service';
      service: string;
      /** e.g. s3.amazonaws.com */ sourceArn: string;
      sourceAccount: string;
    }
  | { kind: 'anonymous' };

/** One AWS request after the front door. */
export interface AwsRequest {
  service: string;
  region: string;
  method: string;
  /** Still percent-encoded, without the query. */
  path: string;
  /** Without the question mark, still encoded. */
  query: string;
  headers: IncomingHttpHeaders;
  body: Readable;
  caller: Caller;
  secureTransport: boolean;
  requestId: string;
  sourceIp: string;
  /** e.g. `s3:PutObject`, `sqs:SendMessage`, `sts:AssumeRole`; set by the front door. */
  operation?: string;
}

export interface AwsService {
  handle(request: AwsRequest, response: ServerResponse): Promise<void>;
}

/** A question to IAM. */
export interface AccessQuestion {
  caller: Caller;
  /** e.g. `s3:GetObject` */
  action: string;
  /** ARN of the resource, or `*` for actions without one. */
  resource: string;
  /** The account that owns the resource: within one account either policy suffices, across accounts both must allow. */
  resourceAccountId: string;
  resourcePolicy?: PolicyDocument | undefined;
  secureTransport: boolean;
  /** Condition keys of this request, lower-cased, e.g. `s3:prefix`, `sts:externalid`, `aws:sourceaccount`. */
  context?: Record<string, string> | undefined;
}

/** `reason` is worded as AWS words it, e.g. `because no identity-based policy allows the s3:GetObject action`. */
export type Decision = { allowed: true } | { allowed: false; reason: string };

export interface Authorizer {
  decide(question: AccessQuestion): Decision;
}

/** How S3 and EventBridge reach a queue. */
export interface QueueSender {
  /**
   * Sends as an AWS service. Judged by the queue policy with aws:SourceArn and aws:SourceAccount.
   * `denied` when the policy refuses, `no-such-queue` when there is none with that ARN.
   */
  sendAsService(message: {
    queueArn: string;
    body: string;
    /** Of the message, as SQS knows them; SNS hands over those of a raw message. */
    attributes?: ReadonlyMap<string, { DataType: string; StringValue?: string; BinaryValue?: string }>;
    service: string;
    sourceArn: string;
    sourceAccount: string;
  }): 'sent' | 'denied' | 'no-such-queue';
  /** Would {@link sendAsService} be allowed? S3 checks this when a notification configuration is put. */
  maySend(message: {
    queueArn: string;
    service: string;
    sourceArn: string;
    sourceAccount: string;
  }): 'allowed' | 'denied' | 'no-such-queue';
}

/** The default event bus of an account and region. */
export interface EventBus {
  putEvent(event: {
    accountId: string;
    region: string;
    source: string;
    detailType: string;
    resources: string[];
    detail: Record<string, unknown>;
  }): void;
}

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  /** Milliseconds since the epoch; absent for root keys. */
  expiresAtMs?: number;
}

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
