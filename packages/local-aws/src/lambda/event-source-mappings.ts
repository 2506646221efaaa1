import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { AccessQuestion, Authorizer, PolicyDocument } from '../core/access.ts';
import type { Iam } from '../iam/iam.ts';
import { parseEventSourceProperties, type EventSourceConfiguration } from './event-source-configuration.ts';
import { startPoller, type Poller } from './event-source-poller.ts';
import { lambdaError } from './lambda-error.ts';
import type { LambdaFunction } from './lambda-function.ts';
import type { QueueActions } from './source-queue.ts';

export interface EventSourceMapping {
  uuid: string;
  configuration: EventSourceConfiguration;
  functionArn: string;
  state: 'Enabled' | 'Disabled';
  lastProcessingResult: string;
}

export interface EventSourceMappings {
  /** Creates a mapping and returns its id. `properties` are the resolved properties of an AWS::Lambda::EventSourceMapping. */
  create(properties: Record<string, unknown>): Promise<string>;
  /** Updates a mapping. The old configuration still applies to batches in progress. */
  update(uuid: string, properties: Record<string, unknown>): Promise<void>;
  /** Deletes a mapping. Succeeds if the mapping does not exist. */
  delete(uuid: string): Promise<void>;
  list(): EventSourceMapping[];
  stop(): Promise<void>;
}

export interface EventSourceHost {
  iam: Authorizer & Pick<Iam, 'rootCaller'>;
  queues: QueueActions;
  findFunction(nameOrArn: string): LambdaFunction;
}

interface RunningMapping {
  configuration: EventSourceConfiguration;
  target: LambdaFunction;
  poller: Poller | null;
}

/** Creates the event source mappings from SQS queues to functions. Checks each new mapping as Lambda does. */
export const createEventSourceMappings = (host: EventSourceHost): EventSourceMappings => {
  const mappings = new Map<string, RunningMapping>();
  const start = async (properties: Record<string, unknown>): Promise<RunningMapping> => {
    const configuration = parseEventSourceProperties(properties);
    const target = host.findFunction(configuration.functionName);
    await checkQueue(host, configuration, target);
    const poller = configuration.enabled ? startPoller(configuration, host.queues, target) : null;
    return { configuration, target, poller };
  };
  return {
    create: async (properties) => {
      const running = await start(properties);
      const twin = [...mappings.values()].find((other) => isSame(other, running));
      if (twin) {
        await running.poller?.stop();
        throw lambdaError(
          'ResourceConflictException',
          `An event source mapping with SQS arn ("${running.configuration.queueArn}") and function ("${running.target.configuration().functionName}") already exists.`,
        );
      }
      const uuid = randomUUID();
      mappings.set(uuid, running);
      return uuid;
    },
    update: async (uuid, properties) => {
      const old = mappings.get(uuid);
      if (!old) throw lambdaError('ResourceNotFoundException', 'The resource you requested does not exist.');
      const next = await start(properties);
      mappings.set(uuid, next);
      await old.poller?.stop();
    },
    delete: async (uuid) => {
      const running = mappings.get(uuid);
      mappings.delete(uuid);
      await running?.poller?.stop();
    },
    list: () => [...mappings].map(([uuid, running]) => describeMapping(uuid, running)),
    stop: async () => {
      const pollers = [...mappings.values()].map((running) => running.poller);
      mappings.clear();
      await Promise.all(pollers.flatMap((poller) => poller?.stop() ?? []));
    },
  };
};

const isSame = (one: RunningMapping, other: RunningMapping): boolean =>
  one.configuration.queueArn === other.configuration.queueArn &&
  one.target.configuration().functionArn === other.target.configuration().functionArn;

const describeMapping = (
  uuid: string,
  { configuration, target, poller }: RunningMapping,
): EventSourceMapping => ({
  uuid,
  configuration,
  functionArn: target.configuration().functionArn,
  state: poller ? 'Enabled' : 'Disabled',
  lastProcessingResult: poller?.lastProcessingResult() ?? 'No records processed',
});

const NEEDED_ACTIONS = ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'];
const queueAttributes = z.object({
  Attributes: z.object({ VisibilityTimeout: z.coerce.number(), Policy: z.string().optional() }),
});

/**
 * Throws the error of CreateEventSourceMapping if the function's role has no permissions for the queue, or if the queue's visibility
 * timeout is too short.
 */
const checkQueue = async (
  host: EventSourceHost,
  configuration: EventSourceConfiguration,
  target: LambdaFunction,
): Promise<void> => {
  const { queueArn } = configuration;
  const [, , , region = '', accountId = ''] = queueArn.split(':');
  if (region !== target.configuration().region) {
    throw lambdaError(
      'InvalidParameterValueException',
      'The event source and the function must be in one region.',
    );
  }
  const input = { QueueUrl: host.queues.queueUrl(queueArn), AttributeNames: ['All'] };
  const answer = await host.queues.invoke(host.iam.rootCaller(accountId), 'GetQueueAttributes', input, {
    region,
  });
  const { VisibilityTimeout: visibilitySeconds, Policy: policy } = queueAttributes.parse(answer).Attributes;
  const resourcePolicy: PolicyDocument | undefined = policy ? JSON.parse(policy) : undefined;
  for (const action of NEEDED_ACTIONS) {
    checkPermission(host, target, action, { queueArn, resourcePolicy });
  }
  const timeoutSeconds = target.configuration().timeoutMs / 1000;
  if (visibilitySeconds < timeoutSeconds) {
    throw lambdaError(
      'InvalidParameterValueException',
      `Queue visibility timeout: ${visibilitySeconds} seconds is less than Function timeout: ${timeoutSeconds} seconds`,
    );
  }
};

const checkPermission = (
  host: EventSourceHost,
  target: LambdaFunction,
  action: string,
  { queueArn, resourcePolicy }: { queueArn: string; resourcePolicy: PolicyDocument | undefined },
): void => {
  const question: AccessQuestion = {
    caller: target.roleCaller(),
    action: `sqs:${action}`,
    resource: queueArn,
    resourceAccountId: queueArn.split(':')[4] ?? '',
    resourcePolicy,
    secureTransport: true,
  };
  if (host.iam.decide(question).allowed) return;
  throw lambdaError(
    'InvalidParameterValueException',
    `The function execution role does not have permissions to call ${action} on SQS`,
  );
};
