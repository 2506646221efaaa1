/** Runs the commands that doctor prints. The AWS CLI is not needed: its `--cli-input-json` is the input of the SDK's command. */
import { readFile } from 'node:fs/promises';
import * as events from '@aws-sdk/client-eventbridge';
import * as iam from '@aws-sdk/client-iam';
import * as lambda from '@aws-sdk/client-lambda';
import * as s3api from '@aws-sdk/client-s3';
import * as sns from '@aws-sdk/client-sns';
import * as sqs from '@aws-sdk/client-sqs';
import { clientConfig, type LocalAws } from '@s3-replicator/local-aws';
import { callJson } from '../../../../src/lib/aws/signed-json.ts';
import { awsCommands, optionOf, parametersOf } from '../../../cli/printed-command.ts';

const SERVICES: Record<string, { module: Record<string, unknown>; client: string }> = {
  events: { module: events, client: 'EventBridgeClient' },
  iam: { module: iam, client: 'IAMClient' },
  lambda: { module: lambda, client: 'LambdaClient' },
  s3api: { module: s3api, client: 'S3Client' },
  sns: { module: sns, client: 'SNSClient' },
  sqs: { module: sqs, client: 'SQSClient' },
};

/** The services for which the repository has no client. */
const TARGETS: Record<string, { service: 'kms' | 'secretsmanager'; prefix: string }> = {
  kms: { service: 'kms', prefix: 'TrentService' },
  secretsmanager: { service: 'secretsmanager', prefix: 'secretsmanager' },
};

/** Runs one command `aws SERVICE OPERATION --region REGION --cli-input-json '…'` as the administrator of an account. */
export const runAwsCommand = async (aws: LocalAws, accountId: string, command: string): Promise<void> => {
  if (command.startsWith('aws cloudformation deploy ')) return await deployTemplate(aws, accountId, command);
  const [, service = '', operation = '', region = '', json = ''] =
    /^aws (\S+) (\S+) --region (\S+) --cli-input-json '(.*)'$/s.exec(command) ?? [];
  const input: Record<string, unknown> = JSON.parse(json.replaceAll(String.raw`'\''`, "'"));
  const target = TARGETS[service];
  if (target !== undefined) {
    const credentials = async () => aws.root(accountId);
    const call = { service: target.service, region, target: `${target.prefix}.${pascal(operation)}`, input };
    const answer = await callJson({ ...call, credentials, what: command });
    if ('message' in answer) throw new Error(answer.message);
    return;
  }
  const known = SERVICES[service];
  if (known === undefined) throw new Error(`no such command can be run here: ${command}`);
  const Client = known.module[known.client] as new (config: object) => SdkClient;
  const Command = known.module[`${pascal(operation)}Command`] as new (input: unknown) => object;
  const client = new Client({
    ...clientConfig(aws, aws.root(accountId), { region }),
    ...(service === 's3api' ? { forcePathStyle: true } : {}),
    ...(service === 'sqs' ? { useQueueUrlAsEndpoint: false } : {}),
  });
  try {
    await client.send(new Command(input));
  } finally {
    client.destroy();
  }
};

/** Deploys like the AWS CLI: a parameter that the command does not give keeps its value. */
const deployTemplate = async (aws: LocalAws, accountId: string, command: string): Promise<void> => {
  const [words = []] = awsCommands(command);
  const name = { accountId, region: optionOf(words, '--region'), stackName: optionOf(words, '--stack-name') };
  const stack = aws.cloudformation.describe(name);
  await aws.cloudformation.deploy({
    ...name,
    template: await readFile(optionOf(words, '--template-file'), 'utf8'),
    parameters: {
      ...(stack === null ? {} : givenParameters(stack)),
      ...(words.includes('--parameter-overrides') ? parametersOf(words) : {}),
    },
  });
};

/** The parameters of a stack, as a deployment gives them: a list is one text with commas. */
export const givenParameters = ({ parameters }: { parameters: Record<string, string | string[]> }) =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)]));

interface SdkClient {
  send(command: object): Promise<unknown>;
  destroy(): void;
}

const pascal = (operation: string): string =>
  operation
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
