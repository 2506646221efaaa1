/** A policy of any kind, for example of an IAM role, a bucket or a queue. */
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

/** The principal that sent a request. */
export type Caller =
  | { kind: 'root'; accountId: string; arn: string; principalId: string }
  | {
      kind: 'session';
      accountId: string;
      /** For example `arn:aws:sts::111111111111:assumed-role/role-name/session-name`. */
      arn: string;
      /** For example `arn:aws:iam::111111111111:role/role-name`. */
      roleArn: string;
      /**
       * The role id and the session name, e.g. `AROA…:session-name`. In S3 events, userIdentity.principalId is this id with the prefix
       * `AWS:`.
       */
      principalId: string;
      /** When the session's credentials were issued, in ISO 8601. */
      issuedAt: string;
      /** The source identity, set when the role was assumed. When the session assumes another role, the new session keeps it. */
      sourceIdentity?: string;
      /** The current identity policies of the role. */
      policies(): PolicyDocument[];
      /** The permissions boundary of the role; `undefined` if it has none. */
      boundary?(): PolicyDocument | undefined;
    }
  | {
      kind: 'service';
      /** The service principal, e.g. `s3.amazonaws.com`. */
      service: string;
      sourceArn: string;
      sourceAccount: string;
    }
  | { kind: 'anonymous' };

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  /** When the credentials expire, in milliseconds since the epoch; absent for the keys of a root user. */
  expiresAtMs?: number;
}

/** The input of an authorization decision: whether the caller may do the action on the resource. */
export interface AccessQuestion {
  caller: Caller;
  /** The IAM action, e.g. `s3:GetObject`. */
  action: string;
  /** The ARN of the resource, or `*` for an action without a resource. */
  resource: string;
  /**
   * The account that owns the resource. If the caller belongs to the same account, either the identity policies or the resource policy
   * must allow the action. If the caller belongs to another account, both must allow the action.
   */
  resourceAccountId: string;
  resourcePolicy?: PolicyDocument | undefined;
  secureTransport: boolean;
  /** The condition keys of the request in lower case, e.g. `s3:prefix`, `sts:externalid`, `aws:sourceaccount`. */
  context?: Record<string, ContextValue> | undefined;
}

/** The value of a condition key. A key with several values has a list. */
export type ContextValue = string | readonly string[];

/** The result of a decision. `reason` has the wording of AWS, e.g. `because no identity-based policy allows the s3:GetObject action`. */
export type Decision = { allowed: true } | { allowed: false; reason: string };

export interface Authorizer {
  decide(question: AccessQuestion): Decision;
}

/** An authorizer that also keeps the policies of resources. */
export interface PolicyKeeper extends Authorizer {
  /**
   * Returns a policy as AWS stores it, with the ids of roles instead of their ARNs. Throws MalformedPolicy for a policy that AWS rejects,
   * InvalidPrincipal for a role that does not exist, and UnsupportedPolicy for a policy that the local AWS cannot evaluate.
   */
  keep(document: PolicyDocument, kind: PolicyKind): PolicyDocument;
  /** Returns a stored policy as AWS shows it: with the ARNs of the roles that still exist. */
  show(document: PolicyDocument): PolicyDocument;
}

/**
 * The kinds of policies. Identity policies have no principal. Resource policies and trust policies must have one. Trust policies have no
 * resource.
 */
export type PolicyKind = 'identity' | 'resource' | 'trust';
