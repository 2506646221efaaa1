/**
 * The local S3 with a minimal HTTP server. A request with the access key `AKIA<account>` acts as the root
 * user of that account.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client, S3ServiceException, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { AccessQuestion, Caller, Decision } from '../../src/core/access.ts';
import type { EventBus } from '../../src/core/delivery.ts';
import { createIam } from '../../src/iam/iam.ts';
import type { AwsRequest } from '../../src/core/request.ts';
import { createS3, type S3Service } from '../../src/s3/service.ts';
import type { S3Options } from '../../src/s3/model/state.ts';

export const SOURCE = '111111111111';
export const OTHER = '222222222222';
export const REGION = 'eu-west-1';
export const SECRET = 'secret';

export interface SentMessage {
  queueArn: string;
  body: string;
  sourceArn: string;
  sourceAccount: string;
}

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Harness {
  s3: S3Service;
  endpoint: string;
  port: number;
  directory: string;
  client: S3Client;
  clientOf(accountId: string, overrides?: S3ClientConfig): S3Client;
  /** The messages that S3 sent to queues, in order. `records()` returns the S3 event records in them. */
  sent: SentMessage[];
  records(): S3EventRecord[];
  events: Parameters<EventBus['putEvent']>[0][];
  /** The queues that exist, and whether S3 may send to them. */
  queues: Map<string, 'allowed' | 'denied'>;
  /** Returns true for calls that must be denied; replaces IAM. By default, no call is denied. */
  deny: ((question: AccessQuestion) => boolean) | null;
  questions: AccessQuestion[];
  clock: { nowMs: number };
  /** True if requests count as sent over TLS. */
  secure: boolean;
  raw(method: string, path: string, options?: RawOptions): Promise<RawAnswer>;
  close(): Promise<void>;
}

export interface RawOptions {
  headers?: Record<string, string>;
  body?: string | Buffer;
  accountId?: string;
  region?: string;
}

export interface S3EventRecord {
  eventVersion: string;
  eventName: string;
  awsRegion: string;
  userIdentity: { principalId: string };
  requestParameters: { sourceIPAddress: string };
  responseElements: Record<string, string>;
  s3: {
    configurationId: string;
    bucket: { name: string; arn: string };
    object: { key: string; size?: number; eTag?: string; versionId?: string; sequencer?: string };
  };
}

export const startHarness = async (
  overrides: Pick<
    S3Options,
    'earlyAnswerAfterMs' | 'topics' | 'lockTakesTrailers' | 'takesUndeclaredChecksums'
  > = {},
): Promise<Harness> => {
  const directory = mkdtempSync(join(tmpdir(), 'local-s3-'));
  const clock = { nowMs: Date.parse('2026-11-22T10:00:00Z') };
  const events: Harness['events'] = [];
  const questions: AccessQuestion[] = [];
  const { sent, queues, queuePort } = createQueuePort();
  const decide = (question: AccessQuestion): Decision => {
    questions.push(question);
    return harness.deny?.(question) === true
      ? { allowed: false, reason: `because no identity-based policy allows the ${question.action} action` }
      : { allowed: true };
  };
  const s3 = createS3({
    directory,
    clock: { now: () => clock.nowMs },
    authorizer: { ...createIam({ clock: { now: () => clock.nowMs } }), decide },
    queues: queuePort,
    events: { putEvent: (event) => String(events.push(event)) },
    secretOf: () => SECRET,
    ...overrides,
  });
  const server = await listen(s3, () => harness.secure);
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  const { clientOf, destroyClients } = createClients(endpoint);
  const harness: Harness = {
    s3,
    endpoint,
    port,
    directory,
    client: clientOf(SOURCE),
    clientOf,
    sent,
    records: () =>
      sent.flatMap((message) => (JSON.parse(message.body) as { Records?: S3EventRecord[] }).Records ?? []),
    events,
    queues,
    deny: null,
    questions,
    clock,
    secure: false,
    raw: (method, path, options) => rawRequest(port, method, path, options ?? {}),
    close: async () => {
      destroyClients();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      await s3.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return harness;
};

/** Creates S3's view of SQS: the queues that exist, and the messages that S3 sent to them. */
const createQueuePort = () => {
  const sent: SentMessage[] = [];
  const queues: Harness['queues'] = new Map();
  const queuePort: S3Options['queues'] = {
    sendAsService: ({ queueArn: arn, body, sourceArn, sourceAccount }) => {
      const state = queues.get(arn);
      if (state === 'allowed') sent.push({ queueArn: arn, body, sourceArn, sourceAccount });
      return state === undefined ? 'no-such-queue' : state === 'allowed' ? 'sent' : 'denied';
    },
    maySend: ({ queueArn: arn }) => queues.get(arn) ?? 'no-such-queue',
  };
  return { sent, queues, queuePort };
};

const listen = async (s3: S3Service, isSecure: () => boolean): Promise<Server> => {
  let requests = 0;
  // The timeout is longer than a machine may stall. Otherwise the server could close a connection that a
  // client is about to use.
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
    requests += 1;
    const request = awsRequest(incoming, `REQ${requests}`);
    void s3.handle({ ...request, secureTransport: isSecure() }, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
};

const createClients = (endpoint: string) => {
  const clients: S3Client[] = [];
  const clientOf = (accountId: string, configuration: S3ClientConfig = {}): S3Client => {
    const client = new S3Client({
      endpoint,
      region: REGION,
      forcePathStyle: true,
      credentials: { accessKeyId: `AKIA${accountId}`, secretAccessKey: SECRET },
      maxAttempts: 1,
      ...configuration,
    });
    clients.push(client);
    return client;
  };
  return { clientOf, destroyClients: () => clients.forEach((client) => client.destroy()) };
};

const awsRequest = (incoming: IncomingMessage, requestId: string): AwsRequest => {
  const url = incoming.url ?? '/';
  const mark = url.indexOf('?');
  const scope = /Credential=AKIA(\d{12})\/\d+\/([^/]+)\/s3/.exec(incoming.headers.authorization ?? '');
  const accountId = scope?.[1] ?? '';
  const caller: Caller =
    scope === null
      ? { kind: 'anonymous' }
      : { kind: 'root', accountId, arn: `arn:aws:iam::${accountId}:root`, principalId: accountId };
  return {
    service: 's3',
    region: scope?.[2] ?? '',
    method: incoming.method ?? 'GET',
    path: mark === -1 ? url : url.slice(0, mark),
    query: mark === -1 ? '' : url.slice(mark + 1),
    headers: incoming.headers,
    body: incoming,
    caller,
    secureTransport: false,
    requestId,
    sourceIp: '127.0.0.1',
  };
};

const rawRequest = (
  port: number,
  method: string,
  path: string,
  { headers = {}, body, accountId = SOURCE, region = REGION }: RawOptions,
): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const authorization = `AWS4-HMAC-SHA256 Credential=AKIA${accountId}/20261122/${region}/s3/aws4_request, SignedHeaders=host, Signature=0`;
    const request = httpRequest(
      { host: '127.0.0.1', port, method, path, agent: false, headers: { authorization, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });

/**
 * Returns the S3 error code of a rejected call. A rejected HEAD has no error code, so its HTTP status is
 * returned instead.
 */
export const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    if (error instanceof S3ServiceException && error.name === 'Unknown')
      return String(error.$metadata.httpStatusCode);
    return error instanceof Error ? error.name : String(error);
  }
};

export const queueArn = (name: string): string => `arn:aws:sqs:${REGION}:${SOURCE}:${name}`;
