/**
 * The stacks of `destination/template.yml` that the rules need, with their parameters. The template creates the roles for one bucket, so
 * there is one stack for each bucket and role.
 */
import { partitionOfRegion } from '../lib/configuration/aws-syntax.ts';
import type { Configuration } from '../lib/configuration/configuration.ts';
import { resourceNames } from '../lib/configuration/resource-names.ts';
import { DEFAULT_MAX_RETENTION_DAYS } from '../lib/configuration/destination-schema.ts';
import {
  accountOfArn,
  type ReplicationRule,
  type RoleDestination,
  type RuleDestination,
  ruleDestinations,
} from '../lib/model/rule.ts';
import { plainStart } from './cloudformation.ts';
import { sourcePolicies } from './source-policy.ts';

export interface DestinationStack {
  stackName: string;
  /** The account in which the stack is deployed: that of the role. */
  account: string;
  region: string;
  roleArn: string;
  bucket: string;
  /** Ids of the rules whose replicas the role writes. */
  rules: string[];
  parameters: Record<string, string>;
}

/** Settings that the rules do not contain. */
export interface StackChoices {
  /** The account of the stack that replicates. */
  sourceAccount: string;
  createBucket: boolean;
  /** Whether a bucket that is created has Object Lock. */
  enableObjectLock: boolean;
  /** The default retention of a vault; null: none is given. */
  retention: { mode: 'COMPLIANCE' | 'GOVERNANCE'; days: number } | null;
}

export interface DestinationStacks {
  stacks: DestinationStack[];
  /** Why the template cannot create some of the roles. Each text also says what to do. */
  problems: string[];
}

/** Returns the stacks for `chosen`. Their parameters allow what all rules with the same bucket and role need. */
export const destinationStacks = (
  configuration: Configuration,
  chosen: readonly RuleDestination[],
  choices: StackChoices,
): DestinationStacks => {
  const all = Map.groupBy(ruleDestinations(configuration.replication).flatMap(withRole), stackKey);
  const groups = [...new Set(chosen.flatMap(withRole).map(stackKey))].flatMap((key) => {
    const group = all.get(key);
    return group === undefined ? [] : [group];
  });
  const judged = groups.map((group) => ({ group, problems: problemsOf(group, [...all.values()], choices) }));
  const stacks = judged
    .filter(({ problems }) => problems.length === 0)
    .flatMap(({ group }) => stackFor(group, configuration, choices));
  return { stacks: withUniqueNames(stacks), problems: judged.flatMap(({ problems }) => problems) };
};

/** A destination of a rule that is written with a role. */
interface RoleWritten {
  rule: ReplicationRule;
  destination: RoleDestination;
}

const withRole = ({ rule, destination }: RuleDestination): RoleWritten[] =>
  destination.service === null ? [{ rule, destination }] : [];

const stackKey = ({ destination: { roleArn, bucket } }: RoleWritten): string => `${roleArn} ${bucket}`;

const stackFor = (
  group: readonly RoleWritten[],
  configuration: Configuration,
  choices: StackChoices,
): DestinationStack[] => {
  const [first] = group;
  if (first === undefined) return [];
  const { bucket, region, roleArn } = first.destination;
  return [
    {
      stackName: stackPart(roleName(roleArn)),
      account: accountOfArn(roleArn),
      region,
      roleArn,
      bucket,
      rules: [...new Set(group.map(({ rule }) => rule.id))],
      parameters: {
        ...identity(first, configuration, choices),
        ...permissions(group),
        ...sources(roleArn, configuration),
        ...creation(choices),
      },
    },
  ];
};

const identity = (
  { destination: { bucket, roleArn, externalId, account } }: RoleWritten,
  { deployment, stack }: Configuration,
  { sourceAccount }: StackChoices,
): Record<string, string> => ({
  SourceRoleArn: `arn:${partitionOfRegion(deployment.region)}:iam::${sourceAccount}:role${stack.rolePath}${resourceNames(deployment).replicateRole}`,
  ExternalId: externalId,
  BucketName: bucket,
  BucketAccount: account === accountOfArn(roleArn) ? '' : account,
  RoleName: roleName(roleArn),
  RolePath: rolePath(roleArn),
});

/**
 * Every parameter is given, because CloudFormation keeps the old value of a parameter that is not given. So the roles may do
 * exactly what the rules need, and lose all earlier permissions. A KMS key that no rule names is kept, because it may be the
 * default encryption of the bucket.
 */
const permissions = (group: readonly RoleWritten[]): Record<string, string> => {
  const yesIf = (uses: (each: RoleWritten) => boolean): string => (group.some(uses) ? 'yes' : 'no');
  const locking = group.filter(({ destination }) => destination.objectLock !== 'ignore');
  const key = group.find(({ destination }) => destination.kmsKeyArn !== null)?.destination.kmsKeyArn;
  return {
    Prefix: plainStart(commonStart(group.map(replicaPrefix))),
    ReplicateDeletes: yesIf(({ rule }) => rule.deletes === 'replicate'),
    ReplicateAcl: yesIf(({ rule }) => rule.acl === 'replicate'),
    ObjectLock: yesIf(({ destination }) => destination.objectLock !== 'ignore'),
    MaxRetentionDays: String(maxRetentionDays(locking)),
    ...(key ? { KmsKeyArn: key } : {}),
  };
};

const maxRetentionDays = (locking: readonly RoleWritten[]): number =>
  locking.length === 0
    ? DEFAULT_MAX_RETENTION_DAYS
    : Math.max(...locking.map(({ destination }) => destination.maxRetentionDays));

const sources = (roleArn: string, configuration: Configuration): Record<string, string> => {
  const { destinations } = sourcePolicies(configuration, configuration.replication.rules);
  const nothing = { SourceBucketName: '', SourceBucketAccount: '', SourceKmsKeyArn: '' };
  return { ...nothing, ...destinations.find((each) => each.roleArn === roleArn)?.parameters };
};

const creation = ({ createBucket, enableObjectLock, retention }: StackChoices): Record<string, string> => ({
  ...(createBucket ? { CreateBucket: 'yes' } : {}),
  ...(createBucket && enableObjectLock ? { EnableObjectLock: 'yes' } : {}),
  ...(retention === null
    ? {}
    : { DefaultRetentionMode: retention.mode, DefaultRetentionDays: String(retention.days) }),
});

const replicaPrefix = ({ rule, destination }: RoleWritten): string =>
  destination.prefix ?? rule.source.prefix;

/** Returns the text with which all these texts begin. */
const commonStart = ([first = '', ...others]: readonly string[]): string => {
  let { length } = first;
  while (!others.every((other) => other.startsWith(first.slice(0, length)))) length -= 1;
  return first.slice(0, length);
};

/** Returns the path of a role, which begins and ends with a slash. */
const rolePath = (roleArn: string): string => roleArn.replace(/^.*?:role(\/(.*\/)?)[^/]+$/, '$1');

const roleName = (roleArn: string): string => roleArn.split('/').at(-1) ?? '';

/** Stack names have letters, digits and hyphens, and begin with a letter. */
const stackPart = (name: string): string =>
  name.replaceAll(/[^A-Za-z0-9]+/g, '-').replace(/^(?![A-Za-z])/, 's3-replicator-');

/**
 * Makes the names of the stacks unique. Two roles whose names differ only in characters other than letters and digits would give
 * the same stack name.
 */
const withUniqueNames = (stacks: DestinationStack[]): DestinationStack[] =>
  stacks.map((stack) => {
    const alike = stacks.filter(
      (other) =>
        other.stackName === stack.stackName &&
        other.account === stack.account &&
        other.region === stack.region,
    );
    return alike.length === 1
      ? stack
      : { ...stack, stackName: `${stack.stackName}-${stackPart(stack.bucket)}` };
  });

/** The template adds `-compare` to the name, and names of roles have at most 64 characters. */
const MAXIMUM_ROLE_NAME_LENGTH = 56;

const problemsOf = (
  group: readonly RoleWritten[],
  all: readonly (readonly RoleWritten[])[],
  { createBucket, retention }: StackChoices,
): string[] => {
  const [first] = group;
  if (first === undefined) return [];
  const { roleArn, bucket, account } = first.destination;
  const others = all.flatMap(([other]) =>
    other?.destination.roleArn === roleArn && other.destination.bucket !== bucket
      ? [other.destination.bucket]
      : [],
  );
  const longest = maxRetentionDays(group.filter(({ destination }) => destination.objectLock !== 'ignore'));
  const found: [boolean, string][] = [
    [others.length > 0, `it writes ${others.join(', ')} too: give each bucket a role of its own`],
    [
      roleName(roleArn).length > MAXIMUM_ROLE_NAME_LENGTH,
      `its name has more than ${MAXIMUM_ROLE_NAME_LENGTH} characters: shorten it`,
    ],
    ...differing(group),
    [
      createBucket && account !== accountOfArn(roleArn),
      `${account} owns the bucket: create the bucket there, and leave out --create-bucket`,
    ],
    [
      retention !== null && retention.days >= longest,
      `--retention-days must be less than \`maxRetentionDays\` of the rules, which is ${longest}`,
    ],
  ];
  return found.flatMap(([isWrong, problem]) => (isWrong ? [`${roleArn} for ${bucket}: ${problem}`] : []));
};

/** The template has one parameter for each of these options. */
const differing = (group: readonly RoleWritten[]): [boolean, string][] =>
  (['externalId', 'region', 'kmsKeyArn'] as const).map((option) => {
    const values = new Set(group.flatMap(({ destination }) => destination[option] ?? []));
    return [
      values.size > 1,
      `rules give it different values of \`${option}\`: give them the same, or roles of their own`,
    ];
  });
