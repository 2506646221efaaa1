/** The elements of CloudFormation templates from which the stack is built. */

export interface CloudFormationResource {
  Type: string;
  Properties?: Record<string, unknown>;
  DependsOn?: string[];
  DeletionPolicy?: 'RetainExceptOnCreate';
  UpdateReplacePolicy?: 'Retain';
}

/**
 * CloudFormation keeps such a resource when the stack is removed. When the creation of the resource itself is rolled back, CloudFormation
 * deletes it, so that a first deployment that fails leaves nothing behind.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
 */
export const OUTLIVES_THE_STACK = {
  DeletionPolicy: 'RetainExceptOnCreate',
  UpdateReplacePolicy: 'Retain',
} as const;

export type Resources = Record<string, CloudFormationResource>;

export interface Statement {
  Sid?: string;
  Effect: 'Allow' | 'Deny';
  Principal?: unknown;
  Action: string | string[];
  /** Absent in trust policies. */
  Resource?: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

/**
 * A `Ref`. It gives the value of a pseudo parameter, or the value that CloudFormation returns for a resource. For a queue, this
 * value is the queue's URL.
 */
export const ref = (logicalId: string): object => ({ Ref: logicalId });

export const attribute = (logicalId: string, name: string): object => ({ 'Fn::GetAtt': [logicalId, name] });

/** A text that contains variables like `${AWS::Partition}`. */
export const substitute = (text: string): object => ({ 'Fn::Sub': text });

export const ACCOUNT_ID = ref('AWS::AccountId');

export const policyDocument = (statements: Statement[]): object => ({
  Version: '2012-10-17',
  Statement: statements,
});

export const bucketArn = (bucket: string): object => substitute(`arn:\${AWS::Partition}:s3:::${bucket}`);

/**
 * The ARN of all objects of a bucket under a prefix. In an IAM policy `*`, `?` and `${` have a special meaning, and characters
 * above U+00FF are not allowed. So the prefix is cut before the first character that is not plain. The statement then covers
 * somewhat more keys of the same bucket.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html
 */
export const objectsArn = (bucket: string, prefix: string): object =>
  substitute(`arn:\${AWS::Partition}:s3:::${bucket}/${plainStart(prefix)}*`);

export const plainStart = (prefix: string): string => /^[A-Za-z0-9!_.'()/=@:+, ~-]*/.exec(prefix)?.[0] ?? '';

/**
 * Keeps only the letters and digits of a name, because CloudFormation allows no other characters in logical ids: `my-bucket.logs`
 * becomes `MyBucketLogs`.
 */
export const pascalCase = (name: string): string =>
  name
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

/**
 * A statement that denies a role access to the buckets of all other accounts. Names of buckets are global, so the name of a deleted
 * bucket may belong to another account by now. Actions that concern no bucket are not denied, whether or not AWS gives them an
 * account.
 */
export const denyOtherOwners = (accounts: unknown[]): Statement => ({
  Sid: 'OtherOwners',
  Effect: 'Deny',
  Action: 's3:*',
  Resource: '*',
  Condition: {
    StringNotEquals: { 'aws:ResourceAccount': oneOrAll(accounts) },
    Null: { 'aws:ResourceAccount': 'false' },
  },
});

/** Returns the accounts without repetitions. Null stands for the account of the stack. */
export const accountsOf = (accounts: (string | null)[]): unknown[] =>
  [...new Set(accounts)].map((account) => account ?? ACCOUNT_ID);

export const oneOrAll = (values: unknown[]): unknown => (values.length === 1 ? values[0] : values);

/** After a refusal, a role asks whether a bucket is one of its own account. The action has no resource. */
export const LIST_OWN_BUCKETS: Statement = {
  Sid: 'OwnBuckets',
  Effect: 'Allow',
  Action: ['s3:ListAllMyBuckets'],
  Resource: '*',
};

/** A statement that denies requests without TLS to a queue or a topic. */
export const denyWithoutTls = (action: string, resource: unknown): Statement => ({
  Sid: 'TlsOnly',
  Effect: 'Deny',
  Principal: '*',
  Action: action,
  Resource: resource,
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
});
