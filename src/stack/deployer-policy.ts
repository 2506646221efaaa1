/** The least IAM policies of people and pipelines that deploy: the stack of the source account, and those of destinations. */
import type { Configuration } from '../lib/configuration/configuration.ts';
import { COMMAND_ROWS, type Needs } from './command-rows.ts';
import { STACK_NEEDS, templateNeeds, type TemplateResources } from './deployer-needs.ts';
import type { DestinationStack } from './destination-stacks.ts';
import { type IdentityPolicy, policyOfNeeds, statementsIn } from './people-policy.ts';
import { arnsIn } from './places.ts';

/**
 * Returns the policy that allows `serverless deploy` and `serverless remove`, and deployments of the template by CloudFormation alone.
 * `resources` are those of the compiled template.
 */
export const deployerPolicy = (
  resources: TemplateResources,
  configuration: Configuration,
  account: string,
): IdentityPolicy =>
  policyOfNeeds(
    [
      STACK_NEEDS,
      FRAMEWORK_NEEDS,
      ...templateNeeds(resources),
      ...Object.values(COMMAND_ROWS).flatMap(({ person, needs }) => (person === 'deployer' ? [needs] : [])),
    ],
    configuration,
    account,
  );

/**
 * Further permissions that the Serverless framework and the plugin of this package need. Lambda reads the code of a function from the
 * bucket with the permissions of whoever deploys.
 */
const FRAMEWORK_NEEDS: Needs = {
  'code bucket': ['s3:ListBucket'],
  code: ['s3:DeleteObject', 's3:GetObject', 's3:PutObject'],
};

/** Returns the policy that allows `aws cloudformation deploy` for these stacks, which belong to one account. */
export const destinationDeployerPolicy = (
  stacks: readonly DestinationStack[],
  createsBucket: boolean,
): IdentityPolicy => {
  const roles = stacks.flatMap(({ roleArn }) => [roleArn, `${roleArn}-compare`]);
  return {
    Version: '2012-10-17',
    Statement: statementsIn([destinationNeeds(createsBucket)], {
      stack: {
        Resource: stacks.map(({ region, account, stackName }) =>
          arnsIn(region, account).regional('cloudformation', `stack/${stackName}/*`),
        ),
      },
      'all roles': { Resource: roles },
      'stack bucket': {
        Resource: stacks.map(({ region, account, bucket }) => arnsIn(region, account).bucket(bucket)),
      },
    }),
  };
};

/** What destination/template.yml contains: two roles, and the bucket if it is created. No tags are given to this stack. */
const destinationNeeds = (createsBucket: boolean): Needs => ({
  stack: [
    'cloudformation:CreateChangeSet',
    'cloudformation:DeleteStack',
    'cloudformation:DescribeChangeSet',
    'cloudformation:DescribeStacks',
    'cloudformation:ExecuteChangeSet',
  ],
  'all roles': [
    'iam:CreateRole',
    'iam:DeleteRole',
    'iam:DeleteRolePolicy',
    'iam:GetRole',
    'iam:GetRolePolicy',
    'iam:ListAttachedRolePolicies',
    'iam:ListRolePolicies',
    'iam:PutRolePolicy',
    'iam:UpdateAssumeRolePolicy',
  ],
  ...(createsBucket && {
    'stack bucket': [
      's3:CreateBucket',
      's3:DeleteBucket',
      's3:DeleteBucketPolicy',
      's3:GetBucketPolicy',
      's3:ListBucket',
      's3:PutBucketObjectLockConfiguration',
      's3:PutBucketOwnershipControls',
      's3:PutBucketPolicy',
      's3:PutBucketPublicAccessBlock',
      's3:PutBucketVersioning',
      's3:PutEncryptionConfiguration',
      's3:PutLifecycleConfiguration',
    ],
  }),
});
