/** The clients for one endpoint, and the services that it has. */
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Need, Service } from './behaviour.ts';
import { createRawSender, type SendRaw } from './raw-request.ts';
import type { SigningCredentials } from './sign.ts';

export interface EndpointOptions {
  /** Null: AWS itself. */
  url: string | null;
  region: string;
  /** Default: the credentials that the SDK finds. */
  credentials?: SigningCredentials;
  /** Moves the endpoint's clock forward; absent if that is impossible. */
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
  raw: SendRaw;
  isSecure: boolean;
  /** The endpoint's time, milliseconds since the epoch. */
  now(): number;
  /** Moves the endpoint's clock, by which later requests are signed; null if that is impossible. */
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
    // The behaviours also check what S3 does by default, so the SDK must not add checksums by itself.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const sqs = new SQSClient({ ...common, useQueueUrlAsEndpoint: url === null });
  const [sts, dynamodb] = [new STSClient(common), new DynamoDBClient(common)];
  const clients = [s3, sqs, sts, dynamodb];
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
    raw: createRawSender({ origin, region, now, credentials: () => s3.config.credentials() }),
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

/** The needs that the endpoint does not meet, with the reason. */
export const missingNeeds = async (endpoint: Endpoint): Promise<Map<Need, string>> => {
  const probes: [Service, () => Promise<unknown>][] = [
    ['s3', () => endpoint.s3.send(new ListBucketsCommand({}))],
    ['sqs', () => endpoint.sqs.send(new ListQueuesCommand({ MaxResults: 1 }))],
    ['sts', () => endpoint.sts.send(new GetCallerIdentityCommand({}))],
    ['dynamodb', () => endpoint.dynamodb.send(new ListTablesCommand({ Limit: 1 }))],
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
