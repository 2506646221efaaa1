/** The options under `stack:` with which a platform team makes the stack fit its rules. */
import * as z from 'zod';
import {
  IAM_PATH,
  IAM_POLICY_ARN,
  KMS_KEY_ARN,
  SECURITY_GROUP_ID,
  SUBNET_ID,
  TOPIC_ARN,
} from './aws-syntax.ts';
import { bucket, optionBlock, pattern } from './fields.ts';

const ids = (advice: string, one: string, accepts: RegExp, maximum: number) =>
  z
    .array(pattern(one, accepts), { error: advice })
    .min(1, { error: advice })
    .max(maximum, { error: advice })
    .describe(advice);

export const vpcBlock = optionBlock(
  'write the subnets and security groups of the functions as a block under `vpc:`, or remove it',
  {
    subnetIds: ids(
      'list 1–16 subnets, best two or more in different Availability Zones',
      'give the id of a subnet, like subnet-0a1b2c3d',
      SUBNET_ID,
      16,
    ),
    securityGroupIds: ids(
      'list 1–5 security groups that allow HTTPS to the endpoints',
      'give the id of a security group, like sg-0a1b2c3d',
      SECURITY_GROUP_ID,
      5,
    ),
  },
);

/** The options themselves. `schema.ts` puts them into the block `stack`. */
export const PLATFORM_OPTIONS = {
  permissionsBoundary: pattern(
    'give the ARN of the managed policy that bounds all roles of the stack, like arn:aws:iam::111111111111:policy/boundary, or remove the line',
    IAM_POLICY_ARN,
  ).optional(),
  rolePath: pattern(
    'give the path of all roles of the stack, which begins and ends with a slash, like /platform/, or remove the line: destination stacks must be given the new ARN first',
    IAM_PATH,
  ).optional(),
  kmsKeyArn: pattern(
    'give the ARN of the KMS key that encrypts queues, topics, tables, log groups and environment variables, not of an alias, or remove the line: AWS then encrypts with keys of its own',
    KMS_KEY_ARN,
  ).optional(),
  vpc: vpcBlock.optional(),
  deploymentBucket: bucket(
    'give the name of an existing bucket of this account and region that takes the code of the functions, or remove the line: the stack then creates one',
  ).optional(),
};

export const alarmTopicArn = pattern(
  'give the ARN of an existing standard topic of this region that alarms are published at, or remove the line: the stack then creates one',
  TOPIC_ARN,
).optional();
