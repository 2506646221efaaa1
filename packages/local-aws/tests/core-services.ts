import { Agent } from 'node:https';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import { type AdjustableClock, createClock } from '../src/core/clock.ts';
import type { Credentials } from '../src/core/access.ts';
import type { FaultPlan } from '../src/core/fault.ts';
import type { AwsService } from '../src/core/request.ts';
import { type FrontDoor, startFrontDoor } from '../src/front/front-door.ts';
import { createIam, type Iam } from '../src/iam/iam.ts';
import { createSqs, type Sqs } from '../src/sqs/sqs.ts';
import { createSts } from '../src/sts/sts.ts';

export const accountId = '111111111111';
export const otherAccountId = '222222222222';
export const region = 'eu-central-1';

/** SQS and STS with HTTP endpoints, and functions that create real SDK clients for them. */
export interface CoreServices {
  clock: AdjustableClock;
  iam: Iam;
  sqs: Sqs;
  front: FrontDoor;
  faults: { plan: FaultPlan | undefined };
  /**
   * Returns the options of a client. By default, the client uses HTTPS and acts as the root user of
   * {@link accountId}.
   */
  clientOptions(credentials?: Credentials, scheme?: 'http' | 'https'): ClientOptions;
  sqsClient(credentials?: Credentials): SQSClient;
  stsClient(credentials?: Credentials): STSClient;
  /** Creates a role with these statements, and assumes it. Returns the credentials of the session. */
  sessionOf(roleName: string, statements: object[], account?: string): Credentials;
  close(): Promise<void>;
}

interface ClientOptions {
  region: string;
  endpoint: string;
  credentials: Credentials;
  maxAttempts: number;
  requestHandler: { httpsAgent: Agent };
}

export async function startCoreServices(more: Record<string, AwsService> = {}): Promise<CoreServices> {
  const clock = createClock();
  const iam = createIam({ clock });
  const faults: CoreServices['faults'] = { plan: undefined };
  const sqs = createSqs({ iam, clock, endpoint: () => front.httpsEndpoint });
  const front = await startFrontDoor({
    services: { sts: createSts({ iam }), sqs, ...more },
    iam,
    clock,
    faults,
  });
  const httpsAgent = new Agent({ ca: front.caPem, keepAlive: true });
  const clients: { destroy(): void }[] = [];
  const clientOptions: CoreServices['clientOptions'] = (
    credentials = iam.rootCredentials(accountId),
    scheme = 'https',
  ) => ({
    region,
    endpoint: scheme === 'https' ? front.httpsEndpoint : front.httpEndpoint,
    credentials,
    maxAttempts: 1,
    requestHandler: { httpsAgent },
  });
  const keep = <T extends { destroy(): void }>(client: T): T => {
    clients.push(client);
    return client;
  };
  return {
    clock,
    iam,
    sqs,
    front,
    faults,
    clientOptions,
    sqsClient: (credentials) => keep(new SQSClient(clientOptions(credentials))),
    stsClient: (credentials) => keep(new STSClient(clientOptions(credentials))),
    sessionOf(roleName, statements, account = accountId) {
      const role = iam.putRole({
        accountId: account,
        roleName,
        assumeRolePolicy: { Statement: [] },
        policies: [{ Version: '2012-10-17', Statement: JSON.parse(JSON.stringify(statements)) }],
      });
      return iam.createSession(role.arn, 'test-session', 3600).credentials;
    },
    async close() {
      for (const client of clients) client.destroy();
      httpsAgent.destroy();
      await front.close();
    },
  };
}
