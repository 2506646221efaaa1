/** A new queue for each test, and the calls that tests make most often. */
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageCommand,
  type SendMessageCommandInput,
  type SendMessageCommandOutput,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { accountId, type CoreServices, region, startCoreServices } from '../core-services.ts';

export interface QueueCalls {
  client(): SQSClient;
  services(): CoreServices;
  /** The URL of the queue of the current test. */
  queueUrl(): string;
  /** Creates another queue, and makes it the queue of the current test. */
  createQueue(attributes?: Record<string, string>): Promise<void>;
  send(input?: Partial<SendMessageCommandInput>): Promise<SendMessageCommandOutput>;
  receive(input?: Partial<ReceiveMessageCommandInput>): Promise<Message[]>;
  /** Calls SQS without HTTP and the SDK, so the SDK's own checks do not apply. */
  invoke(operation: string, input: Record<string, unknown>): Promise<unknown>;
  /**
   * Moves the clock of SQS forward. Creates a new client with the same time, so that its signatures are
   * valid.
   */
  wait(seconds: number): void;
  /** Returns the numbers of messages that are visible, in flight and delayed, in this order. */
  counts(): Promise<number[]>;
}

/** Starts SQS for the tests of the calling file. */
export const useQueues = (): QueueCalls => {
  let services: CoreServices;
  let client: SQSClient;
  let url: string;
  let queueCount = 0;
  beforeAll(async () => {
    services = await startCoreServices();
  });
  afterAll(() => services.close());
  beforeEach(async () => {
    client = services.sqsClient();
    await createQueue();
  });

  const createQueue = async (Attributes: Record<string, string> = {}): Promise<void> => {
    queueCount += 1;
    const create = new CreateQueueCommand({ QueueName: `queue-${queueCount}`, Attributes });
    url = (await client.send(create)).QueueUrl ?? '';
  };
  return {
    client: () => client,
    services: () => services,
    queueUrl: () => url,
    createQueue,
    send: (input) => client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'body', ...input })),
    receive: async (input) => {
      const receive = new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, ...input });
      return (await client.send(receive)).Messages ?? [];
    },
    invoke: (operation, input) =>
      services.sqs.invoke(
        services.iam.rootCaller(accountId),
        operation,
        { QueueUrl: url, ...input },
        { region },
      ),
    wait: (seconds) => {
      services.clock.advance(seconds * 1000);
      client = services.sqsClient();
      client.config.systemClockOffset = services.clock.now() - Date.now();
    },
    counts: async () => {
      const get = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] });
      const { Attributes = {} } = await client.send(get);
      const names = ['', 'NotVisible', 'Delayed'] as const;
      return names.map((what) => Number(Attributes[`ApproximateNumberOfMessages${what}`]));
    },
  };
};
