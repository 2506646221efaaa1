import type { CloudFormationResource, Resources } from './cloudformation.ts';

/**
 * Reports policies that are too long for AWS. Policies grow with the number of buckets and roles. Without this check, AWS would
 * refuse such a policy only when part of the deployment is already done.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (all inline policies of a role together)
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
 */
export function checkPolicySizes(resources: Resources): { found: string; fix: string }[] {
  const inline = ofType(resources, 'AWS::IAM::Policy').reduce(
    (sum, policy) => sum + characters(policy.Properties?.['PolicyDocument']),
    0,
  );
  const sizes = [
    {
      policy: 'the replicate role',
      size: characters(resources['ReplicateRole']?.Properties?.['Policies']),
      limit: 10_240,
    },
    {
      policy: 'the backfill role',
      size: characters(resources['BackfillRole']?.Properties?.['Policies']),
      limit: 10_240,
    },
    {
      policy: 'the batch role',
      size: characters(resources['BatchRole']?.Properties?.['Policies']),
      limit: 10_240,
    },
    { policy: 'the subscribe role', size: inline, limit: 10_240 },
    {
      policy: 'the live queue',
      size: characters(resources['LiveQueuePolicy']?.Properties?.['PolicyDocument']),
      limit: 8192,
    },
  ];
  return sizes
    .filter(({ size, limit }) => size > limit)
    .map(({ policy, size, limit }) => ({
      found: `so many buckets and roles that the policy of ${policy} would have about ${size} characters, while AWS allows ${limit}`,
      fix: 'deploy some of the rules as a second stack: a copy of this directory with another `name`',
    }));
}

const ofType = (resources: Resources, type: string): CloudFormationResource[] =>
  Object.values(resources).filter(({ Type }) => Type === type);

/** Returns the approximate length of a policy after CloudFormation has replaced all references by their values. */
const characters = (policy: unknown): number => JSON.stringify(policy, resolve)?.length ?? 0;

function resolve(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('Fn::Sub' in value) return String(value['Fn::Sub']).replaceAll(/\$\{AWS::\w+\}/g, 'x'.repeat(12));
  // The value is the ARN or name of a queue, table or log group of this stack.
  if ('Fn::GetAtt' in value || 'Ref' in value) return 'x'.repeat(100);
  return value;
}
