/**
 * How many invocations work on the queue of runs at once. The number is a property of the queue's event source mapping. CloudFormation
 * compares only templates, not the actual state. Therefore a deployment does not change the number unless it was changed in
 * replication.yml.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html#events-sqs-max-concurrency
 */
import {
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { QueueError } from '../dead-letters/queue.ts';
import { toQueueError } from './errors.ts';
import { SDK_LOGGER } from './sdk-logger.ts';

/** Each method throws {@link QueueError}. */
export interface BackfillConcurrency {
  /** Resolves to the number, or to null if it is unlimited. */
  read(): Promise<number | null>;
  /** Sets the number. The change takes effect within about a minute. */
  set(maximum: number): Promise<void>;
}

export const openBackfillConcurrency = (
  { replicateFunction, backfillQueue }: { replicateFunction: string; backfillQueue: string },
  region: string,
): BackfillConcurrency => {
  const client = new LambdaClient({ region, logger: SDK_LOGGER });
  const ask = async <Answer>(action: string, call: () => Promise<Answer>): Promise<Answer> =>
    await call().catch((error: unknown) => {
      throw toQueueError(error, { action, resource: `function ${replicateFunction}`, region });
    });
  const find = async () => {
    const command = new ListEventSourceMappingsCommand({ FunctionName: replicateFunction });
    const { EventSourceMappings: all = [] } = await ask('lambda:ListEventSourceMappings', () =>
      client.send(command),
    );
    const mapping = all.find(({ EventSourceArn: arn = '' }) => arn.endsWith(`:${backfillQueue}`));
    if (mapping?.UUID === undefined)
      throw new QueueError('no-queue', `no function of ${region} is fed by queue ${backfillQueue}`);
    return { uuid: mapping.UUID, maximum: mapping.ScalingConfig?.MaximumConcurrency ?? null };
  };
  return {
    read: async () => (await find()).maximum,
    async set(maximum) {
      const { uuid } = await find();
      const ScalingConfig = { MaximumConcurrency: maximum };
      const command = new UpdateEventSourceMappingCommand({ UUID: uuid, ScalingConfig });
      await ask('lambda:UpdateEventSourceMapping', () => client.send(command));
    },
  };
};
