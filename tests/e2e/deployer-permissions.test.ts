/**
 * The policies of `config policy --deployer`. A role with the policy deploys, changes and removes a stack that uses a boundary and a key.
 * The stack has no source buckets here, so that none of its functions runs. tests/e2e/serverless-deploy.test.ts deploys a whole stack with
 * the Serverless framework and the policy.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CloudFormationClient,
  CreateChangeSetCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
} from '@aws-sdk/client-cloudformation';
import { clientConfig, type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { parseTemplate } from '@s3-replicator/local-aws/template';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPOSITORY, TEMPLATE_FILE } from '../../demo/package-stack.ts';
import { DESTINATION_ACCOUNT, SOURCE_ACCOUNT } from '../../demo/two-accounts.ts';
import { loadConfiguration } from '../../src/lib/configuration/configuration.ts';
import { resourceNames } from '../../src/lib/configuration/resource-names.ts';
import { ruleDestinations } from '../../src/lib/model/rule.ts';
import { STACK_NEEDS } from '../../src/stack/deployer-needs.ts';
import { deployerPolicy, destinationDeployerPolicy } from '../../src/stack/deployer-policy.ts';
import { destinationStacks } from '../../src/stack/destination-stacks.ts';
import { onPlatform } from '../../src/stack/platform.ts';
import { documentedPolicy } from '../docs/documented-policy.ts';
import { asDocument, createDeployer, withoutStatement } from './support/permissions/deployer.ts';
import { drawn } from './support/seed.ts';
import { packaged, replicationFileOf } from './support/stages/packaged.ts';

const KEY = 'arn:aws:kms:us-east-1:111111111111:key/12345678-1234-1234-1234-123456789012';
const BOUNDARY = 'arn:aws:iam::111111111111:policy/platform-boundary';
const TAGS = { application: 'forth', stage: 'prod' };

const file = replicationFileOf('two-way-forth');
const artifacts = await packaged(file);
const { stack: settings, ...others } = loadConfiguration(file);
const configuration = { ...others, stack: { ...settings, kmsKeyArn: KEY, permissionsBoundary: BOUNDARY } };
const { stack: stackName } = resourceNames(configuration.deployment);
const deployed = { region: 'us-east-1', stackName };

/** The compiled template, as packaging with the boundary and the key writes it. Without custom resources no function runs. */
const compiled = parseTemplate(await readFile(join(artifacts, TEMPLATE_FILE), 'utf8'));
const { Resources: own } = { ...compiled } as unknown as { Resources: Parameters<typeof onPlatform>[0] };
const WITH_KEY: Record<string, object> = {
  'AWS::Lambda::Function': { KmsKeyArn: KEY },
  'AWS::Logs::LogGroup': { KmsKeyId: KEY },
};
const resources = Object.fromEntries(
  Object.entries(onPlatform(own, configuration.stack, stackName)).map(([id, resource]) => [
    id,
    { ...resource, Properties: { ...resource.Properties, ...WITH_KEY[resource.Type] } },
  ]),
);
const isCustom = (id: string): boolean => resources[id]?.Type.startsWith('Custom::') ?? false;
const templateOf = (all: typeof own): string => {
  const kept = Object.entries(all).flatMap(([id, resource]) => {
    const DependsOn = resource.DependsOn?.filter((other) => !isCustom(other)) ?? [];
    return isCustom(id) ? [] : [[id, { ...resource, DependsOn }]];
  });
  return JSON.stringify({ ...compiled, Outputs: {}, Resources: Object.fromEntries(kept) });
};
const policyIn = (account: string) => asDocument(deployerPolicy(resources, configuration, account));

/** Starts a local AWS with the key and the boundary. */
const startAws = async (keyPolicy = documentedPolicy('key', { stack: stackName })): Promise<LocalAws> => {
  const started = await startLocalAws({ region: 'us-east-1' });
  started.kms.put(KEY, keyPolicy);
  const Properties = {
    ManagedPolicyName: 'platform-boundary',
    PolicyDocument: documentedPolicy('boundary'),
  };
  await started.cloudformation.deploy({
    accountId: SOURCE_ACCOUNT,
    region: 'us-east-1',
    stackName: 'platform',
    template: JSON.stringify({ Resources: { Boundary: { Type: 'AWS::IAM::ManagedPolicy', Properties } } }),
  });
  return started;
};

let aws: LocalAws;
beforeAll(async () => {
  aws = await startAws();
});
afterAll(() => aws?.stop());

/** Changes at least one property of each resource, so that each is updated. */
const CHANGES: Record<string, object> = {
  'AWS::CloudWatch::Alarm': { AlarmDescription: 'changed' },
  'AWS::CloudWatch::Dashboard': { DashboardBody: '{"widgets":[]}' },
  'AWS::DynamoDB::Table': { PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: false } },
  'AWS::Events::Rule': { Description: 'changed' },
  'AWS::IAM::ManagedPolicy': { Roles: [], PolicyDocument: documentedPolicy('boundary') },
  'AWS::IAM::Role': {
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: {
        Effect: 'Allow',
        Action: 'sts:AssumeRole',
        Principal: { Service: ['lambda.amazonaws.com'] },
      },
    },
    Policies: [{ PolicyName: 'changed', PolicyDocument: documentedPolicy('boundary') }],
    PermissionsBoundary: BOUNDARY,
  },
  'AWS::Lambda::EventSourceMapping': { BatchSize: 1, MaximumBatchingWindowInSeconds: 0 },
  'AWS::Lambda::Function': { MemorySize: 128, Code: { S3Bucket: 'x', S3Key: 'inspect.zip' } },
  'AWS::Logs::LogGroup': { RetentionInDays: 7, KmsKeyId: undefined },
  'AWS::SNS::Topic': { DisplayName: 'changed' },
  'AWS::SQS::Queue': { MessageRetentionPeriod: 600 },
};

const changedResources = (): typeof own =>
  Object.fromEntries(
    Object.entries(resources).map(([id, { Properties, ...resource }]) => [
      id,
      { ...resource, Properties: { ...Properties, ...CHANGES[resource.Type] } },
    ]),
  );

test('a role with the policy of a deployer deploys, changes and removes the stack, and each of its permissions is needed', async () => {
  const policy = policyIn(SOURCE_ACCOUNT);
  const deployer = createDeployer(aws, SOURCE_ACCOUNT, policy);
  const { caller } = deployer;
  const stack = { ...deployed, accountId: SOURCE_ACCOUNT, artifacts, caller };
  // The policy does not allow a queue with this name. The deployment fails, and everything that was created before is deleted again.
  const failing = {
    ...resources,
    Foreign: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'foreign' } },
  };
  const failed = aws.cloudformation.deploy({
    ...stack,
    template: templateOf(failing),
    tags: TAGS,
    onFailure: 'DELETE',
  });
  await expect(failed).rejects.toThrow('not authorized');
  expect(deployer.denied()).toEqual([expect.stringMatching(/sqs:CreateQueue on .*:foreign/)]);
  // SQS does not create a queue within a minute after a queue of the same name was deleted.
  aws.clock.advance(61_000);
  const administrator = aws.iam.rootCaller(SOURCE_ACCOUNT);
  await aws.cloudformation.deploy({ ...stack, caller: administrator, template: templateOf(own), tags: TAGS });
  await aws.cloudformation.deploy({ ...stack, template: templateOf(resources), tags: TAGS });
  await aws.cloudformation.deploy({ ...stack, template: templateOf(changedResources()), tags: {} });
  await aws.cloudformation.remove(stack, caller);
  expect(deployer.denied()).toHaveLength(1);
  expect(deployer.unused(policy).toSorted()).toEqual(BY_THE_FRAMEWORK);
});

/** Permissions that only serverless-deploy.test.ts shows to be needed, because a function, the framework or a person uses them. */
const BY_THE_FRAMEWORK = [
  ...Object.entries(STACK_NEEDS).flatMap(([place, actions]) =>
    actions.map((action) => `${place.replace(/^./, (letter) => letter.toUpperCase())} ${action}`),
  ),
  'AllFunctions lambda:InvokeFunction',
  'Code s3:DeleteObject',
  'Code s3:GetObject',
  'Code s3:PutObject',
  'StampKey dynamodb:GetItem',
].toSorted();

/** The statements without which the framework fails. */
const OF_THE_FRAMEWORK = ['Stack', 'CodeBucket', 'Code', 'StampKey'];
const sids = [policyIn(SOURCE_ACCOUNT).Statement]
  .flat()
  .flatMap(({ Sid = '' }) => (OF_THE_FRAMEWORK.includes(Sid) ? [] : [Sid]));

test.each(drawn(sids, 16))('the deployment fails without the statement %s', async (sid) => {
  const other = await startAws();
  const { caller } = createDeployer(other, SOURCE_ACCOUNT, withoutStatement(policyIn(SOURCE_ACCOUNT), sid));
  const stack = { ...deployed, accountId: SOURCE_ACCOUNT, artifacts, caller };
  const failed = other.cloudformation.deploy({ ...stack, template: templateOf(resources), tags: TAGS });
  await expect(failed).rejects.toThrow(/User: .*\/deployer\/pipeline is not authorized to perform/);
  await other.stop();
});

test('CloudWatch Logs refuses the key of the stack without its statement in the documented policy', async () => {
  const { Statement } = documentedPolicy('key');
  const other = await startAws(documentedPolicy('key'));
  // The documented policy is for the log groups of the stack s3-replicator-prod.
  const group = (LogGroupName: string) => ({
    Group: { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName, KmsKeyId: KEY } },
  });
  const create = (stack: string, Resources: object) =>
    other.cloudformation.deploy({
      accountId: SOURCE_ACCOUNT,
      region: 'us-east-1',
      stackName: stack,
      template: JSON.stringify({ Resources }),
    });
  await create('a', group('/aws/lambda/s3-replicator-prod-replicate'));
  await expect(create('b', group('/aws/lambda/of-somebody-else'))).rejects.toThrow('not allowed to be used');
  other.kms.put(KEY, { Statement: [Statement].flat().filter(({ Sid }) => Sid !== 'Logs') });
  await expect(create('c', group('/aws/lambda/s3-replicator-prod-batch'))).rejects.toThrow('not allowed');
  await other.stop();
});

test.each([false, true])(
  'a role with the policy for destinations deploys, changes and removes the roles (with the bucket: %s), and each of its permissions is needed',
  async (createBucket) => {
    const choices = { sourceAccount: SOURCE_ACCOUNT, createBucket, enableObjectLock: true, retention: null };
    const [first] = destinationStacks(
      configuration,
      ruleDestinations(configuration.replication),
      choices,
    ).stacks;
    if (first === undefined) throw new Error('there is a destination');
    const policy = asDocument(destinationDeployerPolicy([first], createBucket));
    const deployer = createDeployer(aws, DESTINATION_ACCOUNT, policy);
    const client = new CloudFormationClient(
      clientConfig(aws, deployer.credentials, { region: first.region }),
    );
    const template = await readFile(join(REPOSITORY, 'destination', 'template.yml'), 'utf8');
    const deploy = (TemplateBody: string, parameters: Record<string, string>) =>
      deployAsTheAwsCli(client, { StackName: first.stackName, TemplateBody, parameters });
    // The policy does not allow this queue. The deployment fails, and everything that was created before is deleted again.
    await deploy(template.replace('\nOutputs:', DENIED_QUEUE), first.parameters);
    await client.send(new DeleteStackCommand({ StackName: first.stackName }));
    await aws.cloudformation.idle();
    await deploy(template, first.parameters);
    await deploy(template, { ...first.parameters, ReplicateDeletes: 'yes', ExternalId: 'another' });
    await client.send(new DeleteStackCommand({ StackName: first.stackName }));
    await aws.cloudformation.idle();
    client.destroy();
    expect(deployer.denied()).toEqual([expect.stringContaining('sqs:CreateQueue')]);
    expect(deployer.unused(policy)).toEqual([]);
    if (createBucket) aws.s3.deleteBucket(first.bucket);
  },
);

const DENIED_QUEUE = `
  Queue:
    Type: AWS::SQS::Queue
    DependsOn: [ReplicationRole, CompareRole]

Outputs:`;

/** Makes the calls of `aws cloudformation deploy` (awscli/customizations/cloudformation/deployer.py). */
const deployAsTheAwsCli = async (
  client: CloudFormationClient,
  { parameters, ...input }: { StackName: string; TemplateBody: string; parameters: Record<string, string> },
): Promise<void> => {
  const { StackName } = input;
  const known = await client.send(new DescribeStacksCommand({ StackName })).catch(() => null);
  const ChangeSetName = `awscli-${aws.clock.now()}`;
  await client.send(
    new CreateChangeSetCommand({
      ...input,
      ChangeSetName,
      ChangeSetType: known === null ? 'CREATE' : 'UPDATE',
      Capabilities: ['CAPABILITY_NAMED_IAM'],
      Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      })),
    }),
  );
  await client.send(new DescribeChangeSetCommand({ StackName, ChangeSetName }));
  await client.send(new ExecuteChangeSetCommand({ StackName, ChangeSetName }));
  await aws.cloudformation.idle();
};
