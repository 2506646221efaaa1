import type { Properties } from './changed-resource.ts';
import type { ResourceContext } from './provider.ts';

/** The API calls, as IAM actions, that CloudFormation makes for resources of one type. */
export interface CallsOfType {
  /** Returns the ARN that policies use for the resource. `name` is its name or physical id. */
  arn(place: ResourceContext, name: string, properties: Properties): string | readonly string[];
  nameProperty?: string;
  create: readonly string[];
  update?: readonly string[];
  delete?: readonly string[];
  /** By property, calls that are made when a new resource has the property, and when an update changes it. */
  ifSet?: Readonly<Record<string, readonly string[]>>;
  /** By property, calls that are made only when an update changes the property. */
  ifChanged?: Readonly<Record<string, readonly string[]>>;
  tag?: readonly [add: string, remove: string];
}

type Arn = CallsOfType['arn'];

const named =
  (service: string, before = ''): Arn =>
  ({ region, accountId }, name) =>
    `arn:aws:${service}:${region}:${accountId}:${before}${lastPart(name)}`;

/**
 * Returns the name at the end of a URL or ARN. Only URLs are split at slashes, because names of log groups
 * contain slashes.
 */
const lastPart = (name: string): string =>
  name.startsWith('http') ? (name.split('/').at(-1) ?? '') : (name.split(':').at(-1) ?? '');

const eachOf =
  (property: string, arn: Arn): Arn =>
  (place, _name, properties) =>
    [properties[property]].flat().flatMap((item) => arn(place, String(item), properties));

const bucketArn: Arn = (_place, name) => `arn:aws:s3:::${name.toLowerCase()}`;

export const functionArn = (place: ResourceContext, name: string): string =>
  String(named('lambda', 'function:')(place, name, {}));

const TABLE_READS = [
  'dynamodb:DescribeTable',
  'dynamodb:DescribeTimeToLive',
  'dynamodb:DescribeContinuousBackups',
  'dynamodb:DescribeContributorInsights',
  'dynamodb:DescribeKinesisStreamingDestination',
  'dynamodb:ListTagsOfResource',
  'dynamodb:GetResourcePolicy',
];
const FUNCTION_READS = [
  'lambda:GetFunction',
  'lambda:GetFunctionCodeSigningConfig',
  'lambda:GetRuntimeManagementConfig',
];
const QUEUE_READS = ['sqs:GetQueueAttributes', 'sqs:ListQueueTags'];
const SET_POLICY = (action: string) => ({ create: [action], update: [action], delete: [action] });
export const CUSTOM_RESOURCE = 'AWS::CloudFormation::CustomResource';
const INVOKE = ['lambda:InvokeFunction'];

export const CALLS_OF_TYPES: Readonly<Record<string, CallsOfType>> = {
  'AWS::SQS::Queue': {
    arn: named('sqs'),
    nameProperty: 'QueueName',
    create: ['sqs:CreateQueue', 'sqs:GetQueueUrl', ...QUEUE_READS],
    update: ['sqs:SetQueueAttributes', ...QUEUE_READS],
    delete: ['sqs:DeleteQueue', 'sqs:GetQueueAttributes'],
    tag: ['sqs:TagQueue', 'sqs:UntagQueue'],
  },
  'AWS::SQS::QueuePolicy': { arn: eachOf('Queues', named('sqs')), ...SET_POLICY('sqs:SetQueueAttributes') },
  'AWS::SNS::Topic': {
    arn: named('sns'),
    nameProperty: 'TopicName',
    create: ['sns:CreateTopic', 'sns:GetTopicAttributes'],
    update: [
      'sns:SetTopicAttributes',
      'sns:GetTopicAttributes',
      'sns:ListTagsForResource',
      'sns:ListSubscriptionsByTopic',
      'sns:GetDataProtectionPolicy',
    ],
    delete: ['sns:DeleteTopic', 'sns:GetTopicAttributes'],
    ifSet: { Subscription: ['sns:Subscribe'] },
    ifChanged: { Subscription: ['sns:Unsubscribe'] },
    tag: ['sns:TagResource', 'sns:UntagResource'],
  },
  'AWS::SNS::TopicPolicy': { arn: eachOf('Topics', named('sns')), ...SET_POLICY('sns:SetTopicAttributes') },
  'AWS::DynamoDB::Table': {
    arn: named('dynamodb', 'table/'),
    nameProperty: 'TableName',
    create: ['dynamodb:CreateTable', ...TABLE_READS],
    update: ['dynamodb:UpdateTable', ...TABLE_READS],
    delete: ['dynamodb:DeleteTable', 'dynamodb:DescribeTable'],
    ifSet: {
      TimeToLiveSpecification: ['dynamodb:UpdateTimeToLive'],
      PointInTimeRecoverySpecification: ['dynamodb:UpdateContinuousBackups'],
    },
    tag: ['dynamodb:TagResource', 'dynamodb:UntagResource'],
  },
  'AWS::Lambda::Function': {
    arn: named('lambda', 'function:'),
    nameProperty: 'FunctionName',
    create: ['lambda:CreateFunction', ...FUNCTION_READS],
    update: ['lambda:UpdateFunctionConfiguration', 'lambda:ListTags', ...FUNCTION_READS],
    delete: ['lambda:DeleteFunction', 'lambda:GetFunction'],
    ifSet: {
      RecursiveLoop: ['lambda:PutFunctionRecursionConfig', 'lambda:GetFunctionRecursionConfig'],
      VpcConfig: ['ec2:DescribeSecurityGroups', 'ec2:DescribeSubnets', 'ec2:DescribeVpcs'],
    },
    ifChanged: { Code: ['lambda:UpdateFunctionCode'] },
    tag: ['lambda:TagResource', 'lambda:UntagResource'],
  },
  'AWS::Lambda::Permission': {
    arn: eachOf('FunctionName', named('lambda', 'function:')),
    create: ['lambda:AddPermission'],
    update: [],
    delete: ['lambda:RemovePermission'],
  },
  'AWS::Lambda::EventSourceMapping': {
    arn: named('lambda', 'event-source-mapping:'),
    create: ['lambda:CreateEventSourceMapping', 'lambda:GetEventSourceMapping'],
    update: ['lambda:UpdateEventSourceMapping', 'lambda:GetEventSourceMapping', 'lambda:ListTags'],
    delete: ['lambda:DeleteEventSourceMapping', 'lambda:GetEventSourceMapping'],
    tag: ['lambda:TagResource', 'lambda:UntagResource'],
  },
  'AWS::Events::Rule': {
    arn: named('events', 'rule/'),
    nameProperty: 'Name',
    create: ['events:PutRule', 'events:DescribeRule', 'events:PutTargets'],
    update: [
      'events:PutRule',
      'events:DescribeRule',
      'events:PutTargets',
      'events:RemoveTargets',
      'events:ListTargetsByRule',
    ],
    delete: ['events:DeleteRule', 'events:DescribeRule', 'events:RemoveTargets', 'events:ListTargetsByRule'],
    tag: ['events:TagResource', 'events:UntagResource'],
  },
  'AWS::CloudWatch::Alarm': {
    arn: named('cloudwatch', 'alarm:'),
    nameProperty: 'AlarmName',
    create: ['cloudwatch:PutMetricAlarm', 'cloudwatch:DescribeAlarms'],
    update: ['cloudwatch:PutMetricAlarm', 'cloudwatch:DescribeAlarms'],
    delete: ['cloudwatch:DeleteAlarms', 'cloudwatch:DescribeAlarms'],
    tag: ['cloudwatch:TagResource', 'cloudwatch:UntagResource'],
  },
  'AWS::CloudWatch::Dashboard': {
    arn: ({ accountId }, name) => `arn:aws:cloudwatch::${accountId}:dashboard/${name}`,
    nameProperty: 'DashboardName',
    create: ['cloudwatch:PutDashboard', 'cloudwatch:GetDashboard'],
    update: ['cloudwatch:PutDashboard'],
    delete: ['cloudwatch:DeleteDashboards', 'cloudwatch:GetDashboard'],
  },
  'AWS::Logs::LogGroup': {
    arn: named('logs', 'log-group:'),
    nameProperty: 'LogGroupName',
    create: ['logs:CreateLogGroup', 'logs:DescribeLogGroups', 'logs:GetDataProtectionPolicy'],
    update: ['logs:DescribeLogGroups', 'logs:GetDataProtectionPolicy'],
    delete: ['logs:DeleteLogGroup', 'logs:DescribeLogGroups'],
    ifSet: { RetentionInDays: ['logs:PutRetentionPolicy'] },
    ifChanged: { KmsKeyId: ['logs:AssociateKmsKey'] },
    tag: ['logs:TagResource', 'logs:UntagResource'],
  },
  'AWS::S3::Bucket': {
    arn: bucketArn,
    nameProperty: 'BucketName',
    create: ['s3:CreateBucket', 's3:ListBucket'],
    update: ['s3:ListBucket'],
    delete: ['s3:DeleteBucket', 's3:ListBucket'],
    ifSet: {
      BucketEncryption: ['s3:PutEncryptionConfiguration'],
      LifecycleConfiguration: ['s3:PutLifecycleConfiguration'],
      NotificationConfiguration: ['s3:PutBucketNotification'],
      ObjectLockConfiguration: ['s3:PutBucketObjectLockConfiguration'],
      ObjectLockEnabled: ['s3:PutBucketObjectLockConfiguration', 's3:PutBucketVersioning'],
      OwnershipControls: ['s3:PutBucketOwnershipControls'],
      PublicAccessBlockConfiguration: ['s3:PutBucketPublicAccessBlock'],
      VersioningConfiguration: ['s3:PutBucketVersioning'],
    },
    tag: ['s3:PutBucketTagging', 's3:PutBucketTagging'],
  },
  'AWS::S3::BucketPolicy': {
    arn: eachOf('Bucket', bucketArn),
    create: ['s3:GetBucketPolicy', 's3:PutBucketPolicy'],
    update: ['s3:GetBucketPolicy', 's3:PutBucketPolicy'],
    delete: ['s3:GetBucketPolicy', 's3:DeleteBucketPolicy'],
  },
  [CUSTOM_RESOURCE]: {
    arn: eachOf('ServiceToken', (_place, token) => token),
    create: INVOKE,
    update: INVOKE,
    delete: INVOKE,
  },
};
