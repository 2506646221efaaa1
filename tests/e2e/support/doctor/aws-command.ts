/** Runs the commands that doctor prints. The AWS CLI is not needed: its `--cli-input-json` is the input of the SDK's command. */
import * as events from '@aws-sdk/client-eventbridge';
import * as iam from '@aws-sdk/client-iam';
import * as lambda from '@aws-sdk/client-lambda';
import * as s3api from '@aws-sdk/client-s3';
import * as sns from '@aws-sdk/client-sns';
import * as sqs from '@aws-sdk/client-sqs';
import { clientConfig, type LocalAws } from '@s3-replicator/local-aws';

const SERVICES: Record<string, { module: Record<string, unknown>; client: string }> = {
  events: { module: events, client: 'EventBridgeClient' },
  iam: { module: iam, client: 'IAMClient' },
  lambda: { module: lambda, client: 'LambdaClient' },
  s3api: { module: s3api, client: 'S3Client' },
  sns: { module: sns, client: 'SNSClient' },
  sqs: { module: sqs, client: 'SQSClient' },
};

/** Runs one command `aws SERVICE OPERATION --region REGION --cli-input-json '…'` as the administrator of an account. */
export const runAwsCommand = async (aws: LocalAws, accountId: string, command: string): Promise<void> => {
  const [, service = '', operation = '', region = '', json = ''] =
    /^aws (\S+) (\S+) --region (\S+) --cli-input-json '(.*)'$/s.exec(command) ?? [];
  const input: Record<string, unknown> = JSON.parse(json.replaceAll(String.raw`'\''`, "'"));
  // The local KMS has no API.
  if (service === 'kms' && operation === 'enable-key')
    return aws.kms.setState(String(input['KeyId']), 'Enabled');
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

interface SdkClient {
  send(command: object): Promise<unknown>;
  destroy(): void;
}

const pascal = (operation: string): string =>
  operation
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
