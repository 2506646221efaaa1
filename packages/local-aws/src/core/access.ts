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

/** The maker of a request. */
export type Caller =
  | { kind: 'root'; accountId: string; arn: string; principalId: string }
  | {
      kind: 'session';
      accountId: string;
      /** arn:aws:sts::111111111111:assumed-role/role-name/session-name */
      arn: string;
      /** arn:aws:iam::111111111111:role/role-name */
      roleArn: string;
      /** AROA…:session-name. S3 events carry it as userIdentity.principalId, with the prefix AWS:. */
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

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  /** Milliseconds since the epoch; absent for root keys. */
  expiresAtMs?: number;
}

/** A question to IAM: whether the caller may do the action to the resource. */
export interface AccessQuestion {
  caller: Caller;
  /** e.g. `s3:GetObject` */
  action: string;
  /** ARN of the resource, or `*` for actions without one. */
  resource: string;
  /** The account that owns the resource. Within one account either policy suffices; across accounts both must allow the action. */
  resourceAccountId: string;
  resourcePolicy?: PolicyDocument | undefined;
  secureTransport: boolean;
  /** Condition keys of this request, lower-cased, e.g. `s3:prefix`, `sts:externalid`, `aws:sourceaccount`. */
  context?: Record<string, string> | undefined;
}

/** `reason` has AWS's wording, e.g. `because no identity-based policy allows the s3:GetObject action`. */
export type Decision = { allowed: true } | { allowed: false; reason: string };

export interface Authorizer {
  decide(question: AccessQuestion): Decision;
}
