/** The clients for one endpoint, and which services the endpoint has. */
import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Need, Service } from './behaviour.ts';
import { createRawSender, type SendRaw } from './raw-request.ts';
import type { SigningCredentials } from './sign.ts';
import { createCaller, type SendCall } from './signed-call.ts';

export interface EndpointOptions {
  /** The URL of the endpoint. Null for AWS itself. */
  url: string | null;
  region: string;
  /** By default, the SDK finds the credentials, for example in the environment. */
  credentials?: SigningCredentials;
  /** Moves the endpoint's clock forward. Absent if the clock cannot be moved. */
  advance?: (milliseconds: number) => void;
}

export interface Endpoint {
  /** The endpoint's name in a report. */
  name: string;
  region: string;
  s3: S3Client;
  sqs: SQSClient;
  sts: STSClient;
  dynamodb: DynamoDBClient;
  cloudwatch: CloudWatchClient;
  logs: CloudWatchLogsClient;
  raw: SendRaw;
  call: SendCall;
  isSecure: boolean;
  /** Returns the endpoint's time in milliseconds since the epoch. */
  now(): number;
  /**
   * Moves the endpoint's clock forward. Later requests are signed with the new time. Null if the clock cannot
   * be moved.
   */
  advance: ((milliseconds: number) => void) | null;
  close(): void;
}

export const connect = ({ url, region, credentials, advance }: EndpointOptions): Endpoint => {
  const common = {
    region,
    maxAttempts: 2,
    ...(url !== null && { endpoint: url }),
    ...(credentials && { credentials: sdkCredentials(credentials) }),
    requestHandler: { connectionTimeout: 5_000, requestTimeout: 60_000, throwOnRequestTimeout: true },
  };
  const s3 = new S3Client({
    ...common,
    forcePathStyle: url !== null,
    // The behaviours also check what S3 does with a request that has no checksum, so the SDK must not add
    // checksums by default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const sqs = new SQSClient({ ...common, useQueueUrlAsEndpoint: url === null });
  const [sts, dynamodb] = [new STSClient(common), new DynamoDBClient(common)];
  const [cloudwatch, logs] = [new CloudWatchClient(common), new CloudWatchLogsClient(common)];
  const clients = [s3, sqs, sts, dynamodb, cloudwatch, logs];
  let aheadMs = 0;
  const now = (): number => Date.now() + aheadMs;
  const origin = (url ?? `https://s3.${region}.amazonaws.com`).replace(/\/$/, '');
  return {
    name: url ?? 'AWS',
    region,
    s3,
    sqs,
    sts,
    dynamodb,
    cloudwatch,
    logs,
    raw: createRawSender({ origin, region, now, credentials: () => s3.config.credentials() }),
    call: createCaller({ url, region, now, credentials: () => s3.config.credentials() }),
    isSecure: origin.startsWith('https:'),
    now,
    advance:
      advance === undefined
        ? null
        : (milliseconds) => {
            advance(milliseconds);
            aheadMs += milliseconds;
            for (const { config } of clients) config.systemClockOffset = aheadMs;
          },
    close: () => clients.forEach((client) => client.destroy()),
  };
};

/** An event that is sent to find out whether the endpoint has EventBridge. No rule matches it. */
const EVENT_PROBE = {
  target: 'AWSEvents.PutEvents',
  json: { Entries: [{ Source: 's3r-conformance', DetailType: 'probe', Detail: '{}' }] },
};

/** Returns the requirements that the endpoint does not meet, each with the reason. */
export const missingNeeds = async (endpoint: Endpoint): Promise<Map<Need, string>> => {
  const probes: [Service, () => Promise<unknown>][] = [
    ['s3', () => endpoint.s3.send(new ListBucketsCommand({}))],
    ['sqs', () => endpoint.sqs.send(new ListQueuesCommand({ MaxResults: 1 }))],
    ['sts', () => endpoint.sts.send(new GetCallerIdentityCommand({}))],
    ['dynamodb', () => endpoint.dynamodb.send(new ListTablesCommand({ Limit: 1 }))],
    ['cloudwatch', () => endpoint.cloudwatch.send(new DescribeAlarmsCommand({ MaxRecords: 1 }))],
    [
      'secretsmanager',
      () =>
        endpoint
          .call({
            service: 'secretsmanager',
            method: 'POST',
            target: 'secretsmanager.GetSecretValue',
            json: { SecretId: 's3r-conformance-no-such-secret' },
          })
          .catch((error: unknown) => {
            if (!String(error).includes('ResourceNotFoundException')) throw error;
          }),
    ],
    ['events', () => endpoint.call({ service: 'events', method: 'POST', ...EVENT_PROBE })],
    ['logs', () => endpoint.logs.send(new DescribeLogGroupsCommand({ limit: 1 }))],
  ];
  const missing = new Map<Need, string>();
  if (!endpoint.isSecure) missing.set('tls', 'its URL begins with http:');
  if (endpoint.advance === null) missing.set('clock', 'only that of the local AWS can be moved');
  await Promise.all(
    probes.map(async ([service, probe]) => {
      try {
        await probe();
      } catch (error) {
        missing.set(service, reasonOf(error));
      }
    }),
  );
  return missing;
};

const reasonOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message.split('\n')[0]}` : String(error);

const sdkCredentials = ({ accessKeyId, secretAccessKey, sessionToken }: SigningCredentials) => ({
  accessKeyId,
  secretAccessKey,
  ...(sessionToken !== undefined && { sessionToken }),
});
