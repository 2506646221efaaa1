import type { CloudFormationResource, Resources } from './cloudformation.ts';
import { characters, ROLE_CHARACTERS } from './policy-size.ts';
import type { SubscribedBucket } from './source-buckets.ts';

/** Why a stack is too large, and whether a second stack would help. */
export interface Excess {
  found: string;
  /** The bucket that exceeds a limit by itself; null: the stack has too many buckets and roles. */
  bucket: string | null;
}

/**
 * Reports everything that AWS would refuse because it is too large. AWS usually refuses such a resource only after a part of the
 * deployment is done. Everything counted here grows with the number of buckets, rules and destinations.
 */
export const excessOf = (resources: Resources, buckets: readonly SubscribedBucket[]): Excess[] => [
  ...longPolicies(resources),
  ...tooManyPolicies(resources),
  ...tooManyResources(resources),
  ...tooManyFilters(buckets),
];

/**
 * Maximum number of managed policies of a role. The quota is 10. A deployment that changes the source buckets attaches new policies before
 * it detaches the old ones.
 */
const MANAGED_POLICIES = 5;

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html */
const QUEUE_POLICY_CHARACTERS = 8192;

const longPolicies = (resources: Resources): Excess[] => {
  const roles = ofType(resources, 'AWS::IAM::Role').map(([id, { Properties }]) => ({
    owner: `the role ${id}`,
    size: characters(Properties?.['Policies']),
    limit: ROLE_CHARACTERS,
  }));
  const queues = ofType(resources, 'AWS::SQS::QueuePolicy').map(([id, { Properties }]) => ({
    owner: id.replace(/Policy$/, ''),
    size: characters(Properties?.['PolicyDocument']),
    limit: QUEUE_POLICY_CHARACTERS,
  }));
  return [...roles, ...queues]
    .filter(({ size, limit }) => size > limit)
    .map(({ owner, size, limit }) => ({
      found: `the policies of ${owner} would have about ${size} characters, while AWS allows ${limit}`,
      bucket: null,
    }));
};

const tooManyPolicies = (resources: Resources): Excess[] =>
  ofType(resources, 'AWS::IAM::Role').flatMap(([id, { Properties }]) => {
    const own = [Properties?.['ManagedPolicyArns'] ?? []].flat().length;
    const attached = ofType(resources, 'AWS::IAM::ManagedPolicy').filter(
      ([, policy]) => JSON.stringify(policy.Properties?.['Roles']) === JSON.stringify([{ Ref: id }]),
    ).length;
    if (own + attached <= MANAGED_POLICIES) return [];
    const found = `the role ${id} would need ${own + attached} managed policies, while ${MANAGED_POLICIES} can be attached and changed`;
    return [{ found, bucket: null }];
  });

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const STACK_RESOURCES = 500;

/** Maximum number of resources that the framework adds: functions, their log groups, mappings and schedules, and its bucket. */
export const FRAMEWORK_RESOURCES = 30;

const tooManyResources = (resources: Resources): Excess[] => {
  const count = Object.keys(resources).length + FRAMEWORK_RESOURCES;
  if (count <= STACK_RESOURCES) return [];
  const found = `the stack would have about ${count} resources, while CloudFormation allows ${STACK_RESOURCES}`;
  return [{ found, bucket: null }];
};

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html */
const BUCKET_NOTIFICATIONS = 100;

const tooManyFilters = (buckets: readonly SubscribedBucket[]): Excess[] =>
  buckets
    .filter(({ events, filters }) => events === 's3' && filters.length > BUCKET_NOTIFICATIONS)
    .map(({ bucket, filters }) => ({
      found: `${bucket} would have ${filters.length} notifications, while S3 allows ${BUCKET_NOTIFICATIONS} in a bucket`,
      bucket,
    }));

/** The fix for a bucket that exceeds a limit by itself. The fix for too many buckets depends on all rules: see split.ts. */
export const fixOfBucket = (bucket: string): string =>
  `write \`events: eventbridge\` in all rules of ${bucket}, or give them fewer prefixes: one rule can have a common prefix of several`;

const ofType = (resources: Resources, type: string): [string, CloudFormationResource][] =>
  Object.entries(resources).filter(([, { Type }]) => Type === type);
