/** Calls CloudFormation's query API for the stack of the current test. */
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest';
import { startLocalAws, type LocalAws } from '../../src/start/local-aws.ts';
import { clientConfig } from '../../src/start/client-config.ts';
import { queryClient, type QueryAnswer, type QueryClient } from '../query-client.ts';
import { ACCOUNT_ID, PATIENCE, REGION } from './aws-fixture.ts';

type Fields = Record<string, string>;

export interface StackApi {
  aws(): LocalAws;
  s3(): S3Client;
  /** The name of the stack of the current test. */
  stackName(): string;
  call: QueryClient;
  /** Calls an action for the stack of the current test. */
  callStack(action: string, fields?: Fields): Promise<QueryAnswer>;
  clientOf(credentials: Parameters<typeof queryClient>[0]['credentials']): QueryClient;
  /** Returns a queue with this visibility timeout, as a resource of a template. */
  queue(VisibilityTimeout: number): object;
  create(fields: Fields): Promise<QueryAnswer>;
  describeStack(): Promise<QueryAnswer>;
  /** Waits until the operation has ended. Returns the status of the stack. */
  settled(): Promise<string>;
  /** Creates the stack and waits until it is complete. */
  deployed(fields: Fields): Promise<void>;
  /** Returns the visibility timeout of the stack's queue; `undefined` if there is no queue. */
  visibility(): string | undefined;
}

/** Returns the fields of a call whose template contains these resources. */
export const body = (Resources: object, more: object = {}): Fields => ({
  TemplateBody: JSON.stringify({ Resources, ...more }),
});

/** Starts a local AWS for all tests of the calling file. Each test gets its own stack name. */
export const useStackApi = (): StackApi => {
  let aws: LocalAws;
  let s3: S3Client;
  let root: QueryClient;
  let count = 0;
  beforeAll(async () => {
    aws = await startLocalAws({ region: REGION });
    root = clientOf(aws.root(ACCOUNT_ID));
    s3 = new S3Client(clientConfig(aws, aws.root(ACCOUNT_ID)));
    aws.s3.createBucket({ name: 'templates', accountId: ACCOUNT_ID, region: REGION });
  });
  afterAll(async () => {
    s3.destroy();
    await aws.stop();
  });
  beforeEach(() => void (count += 1));

  const clientOf: StackApi['clientOf'] = (credentials) =>
    queryClient({ endpoint: aws.httpEndpoint, region: REGION, service: 'cloudformation', credentials });
  const stackName = (): string => `stack-${count}`;
  const queueName = (): string => `${stackName()}-queue`;
  const call: QueryClient = (action, fields) => root(action, fields);
  const callStack = (action: string, fields: Fields = {}) =>
    call(action, { StackName: stackName(), ...fields });
  const describeStack = () => callStack('DescribeStacks');
  const settled = async (): Promise<string> => {
    const status = async () => (await describeStack()).value('StackStatus') ?? '';
    await vi.waitUntil(async () => /_(COMPLETE|FAILED)$/.test(await status()), PATIENCE);
    return status();
  };
  return {
    aws: () => aws,
    s3: () => s3,
    stackName,
    call,
    callStack,
    clientOf,
    queue: (VisibilityTimeout) => ({
      Type: 'AWS::SQS::Queue',
      Properties: { QueueName: queueName(), VisibilityTimeout },
    }),
    create: (fields) => callStack('CreateStack', fields),
    describeStack,
    settled,
    deployed: async (fields) => {
      expect((await callStack('CreateStack', fields)).error()).toBeUndefined();
      expect(await settled()).toBe('CREATE_COMPLETE');
    },
    visibility: () =>
      aws.sqs.queues.byName({ accountId: ACCOUNT_ID, region: REGION, name: queueName() })?.attributes.text
        .VisibilityTimeout,
  };
};
