/**
 * The sessions in which a function uses the roles of the buckets. A session is for one bucket and one job, and the session policy limits it
 * to these. The session policy does not protect against a stolen function role, because the caller of AssumeRole chooses the policy. Only
 * the roles in the destination account limit what a stolen function role may do.
 */
import {
  compareRoleArn,
  copiesInsideS3,
  type ReplicationConfiguration,
  type ReplicationRule,
  type RoleDestination,
  type Source,
} from '../../../model/rule.ts';

/**
 * The job of a session at destinations. `inspect` reads with the writing role, to see what that role sees. `probe` may write, to find out
 * whether S3 would accept a write. A probe aborts its uploads, and its deletes have a condition that cannot be met.
 */
export type Job = 'write' | 'compare' | 'inspect' | 'probe';

/** The parameters with which a session is begun. */
export interface SessionRequest {
  bucket: string;
  roleArn: string;
  externalId: string | null;
  /** The policy of the session as JSON; null: the session has all permissions of the role. */
  policy: string | null;
  /** The role that is assumed if `roleArn` cannot be assumed; null: no other role is tried. */
  otherwise: string | null;
  /** Whether the session names the function that began it. */
  saysWho: boolean;
}

export interface Sessions {
  source(source: Source, roleArn: string): SessionRequest;
  destination(destination: RoleDestination): SessionRequest;
}

/** Sessions with all permissions of their role. */
export const WIDE_SESSIONS: Sessions = {
  source: ({ bucket, externalId }, roleArn) => ({ ...PLAIN, bucket, roleArn, externalId }),
  destination: ({ bucket, roleArn, externalId }) => ({ ...PLAIN, bucket, roleArn, externalId }),
};

const PLAIN = { policy: null, otherwise: null, saysWho: false };

/** Returns sessions that may do only what their rule and the job of the function need. */
export const narrowSessions = ({ rules }: ReplicationConfiguration, job: Job): Sessions => {
  const ruleOf = new Map<object, ReplicationRule>(
    rules.flatMap((rule) => [rule.source, ...rule.destinations].map((place) => [place, rule] as const)),
  );
  const found = (place: Source | RoleDestination): ReplicationRule => {
    const rule = ruleOf.get(place);
    if (rule === undefined) throw new Error(`no rule has the bucket ${place.bucket}`);
    return rule;
  };
  return {
    source: (source, roleArn) => ({
      ...WIDE_SESSIONS.source(source, roleArn),
      policy: policyOf(readingStatements(found(source), roleArn)),
    }),
    destination(destination) {
      const rule = found(destination);
      const { bucket, roleArn, externalId } = destination;
      const policy = policyOf(STATEMENTS[job](rule, destination));
      const session = { bucket, externalId, saysWho: true, policy };
      return job === 'compare'
        ? // The stack of an older template has no separate role for comparing.
          { ...session, roleArn: compareRoleArn(roleArn), otherwise: roleArn }
        : { ...session, roleArn, otherwise: null };
    },
  };
};

interface Allowed {
  Action: string[];
  Resource: string[];
}

const policyOf = (statements: Allowed[]): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({ Effect: 'Allow', ...statement })),
  });

const READ = ['s3:Get*', 's3:List*'];

/**
 * Returns the permissions that do not concern one bucket: actions on KMS keys, and the listing of the account's own buckets. The
 * KMS keys are not named, because only the destination account knows their names.
 */
const elsewhere = (...keyActions: string[]): Allowed => ({
  Action: [...keyActions.map((action) => `kms:${action}`), 's3:ListAllMyBuckets'],
  Resource: ['*'],
});

const readingStatements = ({ source, restore }: ReplicationRule, roleArn: string): Allowed[] => {
  const { whole, under } = arnsOf(source.bucket, roleArn);
  return [
    {
      Action: [...READ, ...(restore === null ? [] : ['s3:RestoreObject'])],
      Resource: [whole, under(source.prefix)],
    },
    elsewhere('Decrypt'),
  ];
};

const comparingStatements = (
  rule: ReplicationRule,
  { bucket, roleArn, prefix }: RoleDestination,
): Allowed[] => {
  const { whole, under } = arnsOf(bucket, roleArn);
  return [{ Action: READ, Resource: [whole, under(prefix ?? rule.source.prefix)] }, elsewhere('Decrypt')];
};

const writingStatements = (rule: ReplicationRule, destination: RoleDestination): Allowed[] => {
  const { bucket, roleArn } = destination;
  const { whole, under } = arnsOf(bucket, roleArn);
  const replicas = under(destination.prefix ?? rule.source.prefix);
  const copied = copiesInsideS3(rule, destination) ? [arnsOf(rule.source.bucket, roleArn).under('')] : [];
  return [
    { Action: READ, Resource: [whole, replicas, ...copied] },
    {
      Action: [
        's3:PutObject',
        's3:PutObjectTagging',
        's3:PutObjectVersionTagging',
        ...(rule.deletes === 'replicate' ? ['s3:DeleteObject'] : []),
        ...(destination.objectLock === 'ignore' ? [] : ['s3:PutObjectRetention', 's3:PutObjectLegalHold']),
        ...(rule.acl === 'replicate' ? ['s3:PutObjectAcl', 's3:PutObjectVersionAcl'] : []),
      ],
      Resource: [replicas],
    },
    // The sweep also aborts uploads that an earlier configuration left under another prefix.
    { Action: ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'], Resource: [under('')] },
    elsewhere('Decrypt', 'GenerateDataKey'),
  ];
};

/** The keys of a probe begin with this name. No object has such a key. */
export const PROBE_KEY = 's3-replicator-probe-';

/**
 * Returns the statements of a probe. It tests its permission to delete with a key that no object has, and may delete no other
 * key.
 */
const probingStatements = (rule: ReplicationRule, destination: RoleDestination): Allowed[] => {
  const { under } = arnsOf(destination.bucket, destination.roleArn);
  const probes = `${under(destination.prefix ?? rule.source.prefix)}${PROBE_KEY}*`;
  return [
    ...writingStatements({ ...rule, deletes: 'ignore' }, destination),
    ...(rule.deletes === 'replicate' ? [{ Action: ['s3:DeleteObject'], Resource: [probes] }] : []),
  ];
};

const STATEMENTS: Record<Job, (rule: ReplicationRule, destination: RoleDestination) => Allowed[]> = {
  write: writingStatements,
  compare: comparingStatements,
  inspect: comparingStatements,
  probe: probingStatements,
};

const arnsOf = (bucket: string, roleArn: string) => {
  const whole = `arn:${roleArn.split(':')[1]}:s3:::${bucket}`;
  return {
    /** The bucket itself. */
    whole,
    /** The objects whose keys begin with the prefix, and perhaps more. */
    under: (prefix: string): string => `${whole}/${beginningOf(prefix)}*`,
  };
};

/**
 * Maximum length of a prefix in a session policy. A policy has at most 2,048 characters, and AWS packs it into a space of unpublished
 * size. With this limit, a policy needs less than that, whatever the names are.
 */
const LONGEST_PREFIX = 100;

/**
 * Returns the part of a prefix that can stand in a session policy. A shorter prefix allows more than the whole one, but never less. The
 * result ends before the first character that is not printable ASCII, because AWS does not document how IAM compares such characters.
 */
const beginningOf = (prefix: string): string => /^[ -~]*/.exec(prefix)?.[0].slice(0, LONGEST_PREFIX) ?? '';
