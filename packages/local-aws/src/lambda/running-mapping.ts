import { z } from 'zod';
import type { AccessQuestion, Authorizer, PolicyDocument } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
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
  state: MappingState;
  /** When the mapping was last changed, in milliseconds since the epoch. */
  modifiedAtMs: number;
  lastProcessingResult: string;
}

export type MappingState = 'Enabled' | 'Disabling' | 'Disabled' | 'Enabling';

export interface EventSourceHost {
  iam: Authorizer & Pick<Iam, 'rootCaller' | 'role'>;
  clock: Clock;
  queues: QueueActions;
  findFunction(nameOrArn: string): LambdaFunction;
  /** How long a mapping stays in the state Enabling or Disabling, in milliseconds. */
  switchMs: number;
}

export interface RunningMapping {
  properties: Record<string, unknown>;
  configuration: EventSourceConfiguration;
  target: LambdaFunction;
  poller: Poller | null;
  modifiedAtMs: number;
  /** When the change of `Enabled` takes effect, in milliseconds since the epoch; null if no change is pending. */
  switchAtMs: number | null;
}

/** Checks the properties as Lambda does, and returns a mapping that does not poll yet. */
export const checkedMapping = async (
  host: EventSourceHost,
  properties: Record<string, unknown>,
): Promise<RunningMapping> => {
  const configuration = parseEventSourceProperties(properties);
  const target = host.findFunction(configuration.functionName);
  await checkQueue(host, configuration, target);
  const modifiedAtMs = host.clock.now();
  return { properties, configuration, target, poller: null, modifiedAtMs, switchAtMs: null };
};

/** Starts the poller of a mapping, if the mapping is enabled. */
export const startMapping = (host: EventSourceHost, mapping: RunningMapping): void => {
  const { configuration, target } = mapping;
  mapping.poller = configuration.enabled ? startPoller(configuration, host, target) : null;
};

/** Starts or stops polling if a change of `Enabled` is due. */
export const switchIfDue = (host: EventSourceHost, mapping: RunningMapping): void => {
  if (mapping.switchAtMs === null || mapping.switchAtMs > host.clock.now()) return;
  mapping.switchAtMs = null;
  void mapping.poller?.stop();
  startMapping(host, mapping);
};

export const isSame = (one: RunningMapping, other: RunningMapping): boolean =>
  one.configuration.queueArn === other.configuration.queueArn &&
  one.target.configuration().functionArn === other.target.configuration().functionArn;

export const describeMapping = (uuid: string, mapping: RunningMapping): EventSourceMapping => ({
  uuid,
  configuration: mapping.configuration,
  functionArn: mapping.target.configuration().functionArn,
  state: stateOf(mapping),
  modifiedAtMs: mapping.modifiedAtMs,
  lastProcessingResult: mapping.poller?.lastProcessingResult() ?? 'No records processed',
});

const stateOf = ({ configuration, switchAtMs }: RunningMapping): MappingState => {
  if (configuration.enabled) return switchAtMs === null ? 'Enabled' : 'Enabling';
  return switchAtMs === null ? 'Disabled' : 'Disabling';
};

const NEEDED_ACTIONS = ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'];
const queueAttributes = z.object({
  Attributes: z.object({ VisibilityTimeout: z.coerce.number(), Policy: z.string().optional() }),
});

/**
 * Throws the error of CreateEventSourceMapping if the role may not read the queue, if the queue's visibility timeout is shorter than the
 * function's timeout, or if the queue is in another region.
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
  const caller = target.roleCaller();
  const { roleArn } = target.configuration();
  const question: AccessQuestion = {
    // Uses the newest policies of the role. In AWS, CloudFormation retries until they have taken effect everywhere.
    caller:
      caller.kind === 'session'
        ? { ...caller, policies: () => host.iam.role(roleArn)?.policies ?? [] }
        : caller,
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
