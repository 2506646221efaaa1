/**
 * The actions that people and pipelines need to deploy a template. CloudFormation changes each resource with the permissions of its caller,
 * so the actions follow from the types and properties in the compiled template.
 *
 * Sources: `handlers` in the schemas of the resource types
 * (https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html), and
 * https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
import type { Needs } from './command-rows.ts';

/** The resources of a compiled template. */
export type TemplateResources = Readonly<
  Record<string, { Type: string; Properties?: Readonly<Record<string, unknown>> }>
>;

interface TypeNeeds {
  needs: Needs;
  /** The additional needs of resources that have the property. */
  ifSet?: Readonly<Record<string, Needs>>;
}

/** Returns what the deployment, the update and the removal of a template need. Throws an error for a type that is not known. */
export const templateNeeds = (resources: TemplateResources): Needs[] =>
  Object.values(resources).flatMap(({ Type, Properties = {} }) => {
    const known = TYPES[Type.startsWith('Custom::') ? 'Custom' : Type];
    if (known === undefined) throw new Error(`the permissions for ${Type} are not known`);
    const { needs, ifSet = {} } = known;
    return [needs, ...Object.entries(ifSet).flatMap(([name, more]) => (name in Properties ? [more] : []))];
  });

/**
 * The permissions for those calls of a deployment that do not concern a single resource. `serverless deploy` makes the change set of an
 * update.
 */
export const STACK_NEEDS: Needs = {
  account: ['cloudformation:ValidateTemplate'],
  stack: [
    'cloudformation:CreateChangeSet',
    'cloudformation:DeleteChangeSet',
    'cloudformation:DeleteStack',
    'cloudformation:DescribeChangeSet',
    'cloudformation:DescribeStackEvents',
    'cloudformation:DescribeStackResource',
    'cloudformation:DescribeStacks',
    'cloudformation:ExecuteChangeSet',
    'cloudformation:GetTemplate',
    'cloudformation:ListStackResources',
  ],
};

const TABLE: Needs = {
  'all tables': [
    'dynamodb:CreateTable',
    'dynamodb:DeleteTable',
    'dynamodb:DescribeContinuousBackups',
    'dynamodb:DescribeContributorInsights',
    'dynamodb:DescribeKinesisStreamingDestination',
    'dynamodb:DescribeTable',
    'dynamodb:DescribeTimeToLive',
    'dynamodb:GetResourcePolicy',
    'dynamodb:ListTagsOfResource',
    'dynamodb:TagResource',
    'dynamodb:UntagResource',
    'dynamodb:UpdateTable',
  ],
};

const FUNCTION: Needs = {
  'all functions': [
    'lambda:CreateFunction',
    'lambda:DeleteFunction',
    'lambda:GetFunction',
    'lambda:GetFunctionCodeSigningConfig',
    'lambda:GetRuntimeManagementConfig',
    'lambda:ListTags',
    'lambda:TagResource',
    'lambda:UntagResource',
    'lambda:UpdateFunctionCode',
    'lambda:UpdateFunctionConfiguration',
  ],
  'passed roles': ['iam:PassRole'],
};

const ROLE: Needs = {
  'all roles': [
    'iam:DeleteRole',
    'iam:GetRole',
    'iam:GetRolePolicy',
    'iam:ListAttachedRolePolicies',
    'iam:ListRolePolicies',
    'iam:TagRole',
    'iam:UntagRole',
    'iam:UpdateAssumeRolePolicy',
  ],
  'bounded roles': ['iam:CreateRole', 'iam:DeleteRolePolicy', 'iam:PutRolePolicy'],
};

const TYPES: Readonly<Record<string, TypeNeeds>> = {
  'AWS::CloudWatch::Alarm': {
    needs: {
      account: ['cloudwatch:DescribeAlarms'],
      'all alarms': [
        'cloudwatch:DeleteAlarms',
        'cloudwatch:PutMetricAlarm',
        'cloudwatch:TagResource',
        'cloudwatch:UntagResource',
      ],
    },
  },
  'AWS::CloudWatch::Dashboard': {
    needs: {
      dashboard: ['cloudwatch:DeleteDashboards', 'cloudwatch:GetDashboard', 'cloudwatch:PutDashboard'],
    },
  },
  'AWS::DynamoDB::Table': {
    needs: TABLE,
    ifSet: {
      // DynamoDB uses the key of the stack, if there is one, with the permissions of whoever creates the table.
      SSESpecification: {
        key: [
          'kms:CreateGrant',
          'kms:Decrypt',
          'kms:DescribeKey',
          'kms:Encrypt',
          'kms:GenerateDataKey*',
          'kms:ReEncrypt*',
        ],
      },
      TimeToLiveSpecification: { 'all tables': ['dynamodb:UpdateTimeToLive'] },
      PointInTimeRecoverySpecification: { 'all tables': ['dynamodb:UpdateContinuousBackups'] },
    },
  },
  'AWS::Events::Rule': {
    needs: {
      'event rules': [
        'events:DeleteRule',
        'events:DescribeRule',
        'events:ListTargetsByRule',
        'events:PutRule',
        'events:PutTargets',
        'events:RemoveTargets',
        'events:TagResource',
        'events:UntagResource',
      ],
    },
  },
  'AWS::IAM::ManagedPolicy': {
    needs: {
      'all policies': [
        'iam:CreatePolicy',
        'iam:CreatePolicyVersion',
        'iam:DeletePolicy',
        'iam:DeletePolicyVersion',
        'iam:GetPolicy',
        'iam:ListEntitiesForPolicy',
        'iam:ListPolicyVersions',
      ],
      'attached policies': ['iam:AttachRolePolicy', 'iam:DetachRolePolicy'],
    },
  },
  'AWS::IAM::Role': {
    needs: ROLE,
    ifSet: {
      PermissionsBoundary: { 'bounded roles': ['iam:PutRolePermissionsBoundary'] },
    },
  },
  'AWS::Lambda::EventSourceMapping': {
    needs: {
      'new mappings': ['lambda:CreateEventSourceMapping'],
      mappings: ['lambda:ListTags', 'lambda:TagResource', 'lambda:UntagResource'],
      'own mappings': [
        'lambda:DeleteEventSourceMapping',
        'lambda:GetEventSourceMapping',
        'lambda:UpdateEventSourceMapping',
      ],
    },
  },
  'AWS::Lambda::Function': {
    needs: FUNCTION,
    ifSet: {
      KmsKeyArn: { key: ['kms:CreateGrant', 'kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey*'] },
      RecursiveLoop: {
        'all functions': ['lambda:GetFunctionRecursionConfig', 'lambda:PutFunctionRecursionConfig'],
      },
      VpcConfig: { account: ['ec2:DescribeSecurityGroups', 'ec2:DescribeSubnets', 'ec2:DescribeVpcs'] },
    },
  },
  'AWS::Lambda::Permission': {
    needs: { 'all functions': ['lambda:AddPermission', 'lambda:RemovePermission'] },
  },
  'AWS::Logs::LogGroup': {
    needs: {
      account: ['logs:DescribeLogGroups'],
      logs: [
        'logs:CreateLogGroup',
        'logs:DeleteLogGroup',
        'logs:GetDataProtectionPolicy',
        'logs:TagResource',
        'logs:UntagResource',
      ],
    },
    ifSet: {
      KmsKeyId: { logs: ['logs:AssociateKmsKey'] },
      RetentionInDays: { logs: ['logs:PutRetentionPolicy'] },
    },
  },
  'AWS::S3::Bucket': {
    needs: { 'stack bucket': ['s3:CreateBucket', 's3:DeleteBucket', 's3:PutBucketTagging'] },
    ifSet: {
      BucketEncryption: { 'stack bucket': ['s3:PutEncryptionConfiguration'] },
      LifecycleConfiguration: { 'stack bucket': ['s3:PutLifecycleConfiguration'] },
      ObjectLockEnabled: {
        'stack bucket': ['s3:PutBucketObjectLockConfiguration', 's3:PutBucketVersioning'],
      },
      OwnershipControls: { 'stack bucket': ['s3:PutBucketOwnershipControls'] },
      PublicAccessBlockConfiguration: { 'stack bucket': ['s3:PutBucketPublicAccessBlock'] },
      VersioningConfiguration: { 'stack bucket': ['s3:PutBucketVersioning'] },
    },
  },
  'AWS::S3::BucketPolicy': {
    needs: { 'stack bucket': ['s3:DeleteBucketPolicy', 's3:GetBucketPolicy', 's3:PutBucketPolicy'] },
  },
  'AWS::SNS::Topic': {
    needs: {
      'all topics': [
        'sns:CreateTopic',
        'sns:DeleteTopic',
        'sns:GetDataProtectionPolicy',
        'sns:GetTopicAttributes',
        'sns:ListSubscriptionsByTopic',
        'sns:ListTagsForResource',
        'sns:SetTopicAttributes',
        'sns:TagResource',
        'sns:UntagResource',
      ],
    },
    ifSet: { Subscription: { 'all topics': ['sns:Subscribe', 'sns:Unsubscribe'] } },
  },
  'AWS::SNS::TopicPolicy': { needs: { 'all topics': ['sns:SetTopicAttributes'] } },
  'AWS::SQS::Queue': {
    needs: {
      'all queues': [
        'sqs:CreateQueue',
        'sqs:DeleteQueue',
        'sqs:GetQueueAttributes',
        'sqs:GetQueueUrl',
        'sqs:ListQueueTags',
        'sqs:SetQueueAttributes',
        'sqs:TagQueue',
        'sqs:UntagQueue',
      ],
    },
  },
  'AWS::SQS::QueuePolicy': { needs: { 'all queues': ['sqs:SetQueueAttributes'] } },
  // CloudFormation invokes the function of the stack that answers for the custom resource.
  Custom: { needs: { 'all functions': ['lambda:InvokeFunction'] } },
};
