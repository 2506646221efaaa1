/**
 * Adapts the stack to the rules of a platform team: permissions boundary, path of roles, KMS key, network and deployment bucket. The
 * other files of this folder build the stack as if there were no such rules; this file changes their resources.
 */
import type { Configuration, VpcSettings } from '../lib/configuration/configuration.ts';
import { policyDocument, substitute } from './cloudformation.ts';
import type { CloudFormationResource, Resources, Statement } from './cloudformation.ts';
import { withinRoleQuotas } from './managed-policies.ts';

type Settings = Configuration['stack'];

/** The options for which the Serverless framework has settings. The names are those of `provider` in `serverless.yml`. */
export interface Platform {
  /** Every function has a role of this stack. The setting is for a role that the framework itself would create. */
  iam: { role: { path: string; permissionsBoundary?: string } };
  /** Null: the framework leaves the setting out. */
  vpc: VpcSettings | null;
  kmsKeyArn: string | null;
  deploymentBucket: { name: string } | { blockPublicAccess: boolean; serverSideEncryption: 'AES256' };
}

export const platformOf = (stack: Settings): Platform => ({
  iam: {
    role: {
      path: stack.rolePath,
      ...(stack.permissionsBoundary === null ? {} : { permissionsBoundary: stack.permissionsBoundary }),
    },
  },
  vpc: stack.vpc,
  kmsKeyArn: stack.kmsKeyArn,
  // The owner of an existing bucket decides how it encrypts. Its policy may refuse uploads that name another encryption.
  deploymentBucket:
    stack.deploymentBucket === null
      ? { blockPublicAccess: true, serverSideEncryption: 'AES256' }
      : { name: stack.deploymentBucket },
});

/** Returns the resources with the additions for these settings. The names of all functions begin with `stackName`. */
export const onPlatform = (resources: Resources, settings: Settings, stackName: string): Resources => {
  const statements = [
    ...(settings.kmsKeyArn === null ? [] : [useKey(settings.kmsKeyArn)]),
    ...(settings.vpc === null ? [] : joinNetwork(stackName)),
  ];
  const changed = mapped(resources, (resource) =>
    resource.Type === 'AWS::IAM::Role'
      ? changedRole(resource, settings, statements)
      : encrypted(resource, settings.kmsKeyArn),
  );
  return mapped(withinRoleQuotas(changed), (resource) => underPath(resource, settings.rolePath));
};

const mapped = (
  resources: Resources,
  change: (resource: CloudFormationResource) => CloudFormationResource,
): Resources => Object.fromEntries(Object.entries(resources).map(([id, resource]) => [id, change(resource)]));

const changedRole = (
  role: CloudFormationResource,
  { rolePath, permissionsBoundary }: Settings,
  statements: Statement[],
): CloudFormationResource => {
  const policies = role.Properties?.['Policies'];
  return {
    ...role,
    Properties: {
      ...role.Properties,
      ...(rolePath === '/' ? {} : { Path: rolePath }),
      ...(permissionsBoundary === null ? {} : { PermissionsBoundary: permissionsBoundary }),
      ...(statements.length === 0 || !isOfFunction(role)
        ? {}
        : {
            Policies: [
              ...(Array.isArray(policies) ? policies : []),
              { PolicyName: 'platform', PolicyDocument: policyDocument(statements) },
            ],
          }),
    },
  };
};

/** Managed policies have the path of the roles, so that one path names both. */
const underPath = (resource: CloudFormationResource, Path: string): CloudFormationResource =>
  resource.Type !== 'AWS::IAM::ManagedPolicy' || Path === '/'
    ? resource
    : { ...resource, Properties: { ...resource.Properties, Path } };

/** The other roles of the stack are assumed by S3, which neither uses the key nor joins the network. */
const isOfFunction = ({ Properties }: CloudFormationResource): boolean =>
  JSON.stringify(Properties?.['AssumeRolePolicyDocument'] ?? null).includes('lambda.amazonaws.com');

/**
 * A role uses the key through the services that store messages, items and environment variables. The actions are those that
 * DynamoDB needs. SQS, SNS and Lambda need fewer.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
 */
const useKey = (keyArn: string): Statement => ({
  Sid: 'StackKey',
  Effect: 'Allow',
  Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
  Resource: keyArn,
  Condition: {
    StringEquals: {
      'kms:ViaService': ['dynamodb', 'lambda', 'sns', 'sqs'].map((service) =>
        substitute(`${service}.\${AWS::Region}.\${AWS::URLSuffix}`),
      ),
    },
  },
});

/**
 * Lambda attaches a function to a network with the permissions of the function's role. The code of the function must not have these
 * permissions, so the second statement denies them to the code.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice-security
 */
const joinNetwork = (stackName: string): Statement[] => {
  const Action = [
    'ec2:AssignPrivateIpAddresses',
    'ec2:CreateNetworkInterface',
    'ec2:DeleteNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:UnassignPrivateIpAddresses',
  ];
  const functions = `arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:${stackName}-*`;
  return [
    { Sid: 'Network', Effect: 'Allow', Action, Resource: '*' },
    {
      Sid: 'NotByCode',
      Effect: 'Deny',
      Action,
      Resource: '*',
      Condition: { ArnLike: { 'lambda:SourceFunctionArn': substitute(functions) } },
    },
  ];
};

const encrypted = (resource: CloudFormationResource, keyArn: string | null): CloudFormationResource => {
  const change = keyArn === null ? undefined : ENCRYPTION[resource.Type]?.(keyArn);
  return change === undefined ? resource : { ...resource, Properties: { ...resource.Properties, ...change } };
};

const ENCRYPTION: Record<string, (keyArn: string) => Record<string, unknown>> = {
  // SQS refuses both kinds of encryption at once. So `false` switches off the encryption that a queue has without a key.
  'AWS::SQS::Queue': (KmsMasterKeyId) => ({ KmsMasterKeyId, SqsManagedSseEnabled: false }),
  'AWS::SNS::Topic': (KmsMasterKeyId) => ({ KmsMasterKeyId }),
  'AWS::DynamoDB::Table': (KMSMasterKeyId) => ({
    SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId },
  }),
};

/** The functions of `serverless.yml`. The logical ids of their log groups begin with these names. */
const FUNCTIONS = ['Replicate', 'Transfer', 'Backfill', 'Batch', 'Inspect', 'Subscribe'];

/** The framework creates the log groups and has no setting for their key, so the key is added to what it creates. */
export const logGroupExtensions = (
  KmsKeyId: string | null,
): { extensions?: Record<string, { Properties: { KmsKeyId: string } }> } =>
  KmsKeyId === null
    ? {}
    : {
        extensions: Object.fromEntries(
          FUNCTIONS.map((name) => [`${name}LogGroup`, { Properties: { KmsKeyId } }]),
        ),
      };
