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
  | { kind: 'error'; status: number; code: string }
  | { kind: 'reset-before' }
  /** The service does its work, then the connection is cut instead of the answer. */
  | { kind: 'reset-after' }
  /** The answer's body is cut after this many bytes. */
  | { kind: 'truncate'; afterBytes: number };

/** Under test control; asked for each request. `operation` is e.g. `s3:PutObject`, `sqs:SendMessage` where the front door can tell, else `service:METHOD`. */
export type FaultPlan = (request: AwsRequest) => Fault | undefined;
