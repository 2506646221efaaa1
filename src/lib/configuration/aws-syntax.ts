/**
 * The syntax of AWS's names in `replication.yml`. The checks decide only whether a value is well-formed. They cannot decide
 * whether the resource exists.
 */

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html (general purpose buckets) */
export const isBucketName = (value: string): boolean =>
  /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(value) &&
  !value.includes('..') &&
  !/^\d+\.\d+\.\d+\.\d+$/.test(value) &&
  !/^(xn--|sthree-)/.test(value) &&
  !/(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/.test(value);

export const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/;

/** The ARN of a role: an optional path and a name of 1–64 characters. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html */
export const ROLE_ARN = /^arn:aws[a-z-]*:iam::\d{12}:role\/([\x21-\x7e]+\/)?[\w+=,.@-]{1,64}$/;

/**
 * The ARN of a key. Aliases are not allowed, because an alias may later point to another key, and IAM policies cannot name
 * aliases.
 */
export const KMS_KEY_ARN =
  /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** The ARN of a customer managed or an AWS managed policy. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html */
export const IAM_POLICY_ARN = /^arn:aws[a-z-]*:iam::(\d{12}|aws):policy\/([\x21-\x7e]+\/)?[\w+=,.@-]{1,128}$/;

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html, Path. `${` would be a variable of the Serverless framework. */
export const IAM_PATH = /^\/(?!.*\$\{)(?=.{0,511}$)([\x21-\x7e]+\/)?$/;

export const SUBNET_ID = /^subnet-([0-9a-f]{8}|[0-9a-f]{17})$/;

export const SECURITY_GROUP_ID = /^sg-([0-9a-f]{8}|[0-9a-f]{17})$/;

/** The ARN of a standard topic, because alarms cannot publish to other topics. https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html */
export const TOPIC_ARN = /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/;

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html. The name ends with six random characters. */
export const SECRET_ARN = /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]{1,512}-\w{6}$/;

/** The region of a service that is not AWS, like `auto` or `default`. */
export const SERVICE_REGION = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, ExternalId */
export const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/;

export const ACCOUNT = /^\d{12}$/;

/** CloudFormation stack names begin with a letter. */
export const STACK_NAME_PART = /^[A-Za-z][A-Za-z0-9-]*$/;

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
export const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

/**
 * The storage classes that S3 designs for a durability of 99.999999999%. `ONEZONE_IA` is one of them, although its objects are lost if their
 * Availability Zone is lost.
 */
export const DURABLE_STORAGE_CLASSES = [
  'STANDARD',
  'STANDARD_IA',
  'INTELLIGENT_TIERING',
  'ONEZONE_IA',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
] as const;

/** The storage classes that PutObject accepts in a general purpose bucket. */
export const STORAGE_CLASSES = [...DURABLE_STORAGE_CLASSES, 'REDUCED_REDUNDANCY'] as const;

/** Returns the partition of an ARN: `aws`, `aws-cn`, `aws-us-gov` … */
export const partitionOfArn = (arn: string): string => arn.split(':')[1] ?? '';

export const regionOfArn = (arn: string): string => arn.split(':')[3] ?? '';

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html */
export const partitionOfRegion = (region: string): string =>
  PARTITIONS.find(({ regionPrefix }) => region.startsWith(regionPrefix))?.partition ?? 'aws';

const PARTITIONS = [
  { regionPrefix: 'cn-', partition: 'aws-cn' },
  { regionPrefix: 'us-gov-', partition: 'aws-us-gov' },
  { regionPrefix: 'eusc-', partition: 'aws-eusc' },
  { regionPrefix: 'us-iso-', partition: 'aws-iso' },
  { regionPrefix: 'us-isob-', partition: 'aws-iso-b' },
  { regionPrefix: 'eu-isoe-', partition: 'aws-iso-e' },
  { regionPrefix: 'us-isof-', partition: 'aws-iso-f' },
];
