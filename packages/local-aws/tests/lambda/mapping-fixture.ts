import type { PolicyDocument } from '../../src/core/access.ts';
import { createClock } from '../../src/core/clock.ts';
import { createFakeQueue } from './fake-queue.ts';
import { ACCOUNT_ID, REGION, startLambdaFixture, type LambdaFixture } from './lambda-fixture.ts';

export const QUEUE_ARN = `arn:aws:sqs:${REGION}:${ACCOUNT_ID}:queue`;
export const QUEUE_ACTIONS = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];
export const allowOnQueue = (actions: string[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: actions, Resource: QUEUE_ARN }],
});

/** The properties of a mapping whose function reports which messages failed. */
export const REPORT = { FunctionResponseTypes: ['ReportBatchItemFailures'] };

export interface MappingFixture extends LambdaFixture {
  queue: ReturnType<typeof createFakeQueue>;
  /** Creates a mapping from the queue to the function, and returns its id. */
  map(properties?: object): Promise<string>;
}

interface Options {
  visibilitySeconds?: number;
  function?: object;
  lambda?: { accountConcurrency?: number };
}

/** Starts a Lambda service with a queue, and a function named `consumer` that may read the queue. */
export const startMappingFixture = async (code: string, options: Options = {}): Promise<MappingFixture> => {
  const clock = createClock();
  const queue = createFakeQueue({ ...options, now: clock.now });
  const started = await startLambdaFixture({ queues: queue, clock, ...options.lambda });
  started.putRole([allowOnQueue(QUEUE_ACTIONS)]);
  await started.deploy('consumer', code, { ...options.function });
  const map = (properties: object = {}) =>
    started.lambda.eventSources.create({
      EventSourceArn: QUEUE_ARN,
      FunctionName: 'consumer',
      ...properties,
    });
  return { ...started, queue, map };
};
