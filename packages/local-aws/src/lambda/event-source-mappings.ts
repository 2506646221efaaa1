import { randomUUID } from 'node:crypto';
import { lambdaError } from './lambda-error.ts';
import {
  checkedMapping,
  describeMapping,
  isSame,
  startMapping,
  switchIfDue,
  type EventSourceHost,
  type EventSourceMapping,
  type RunningMapping,
} from './running-mapping.ts';

export interface EventSourceMappings {
  /** Creates a mapping and returns its id. `properties` are the resolved properties of an AWS::Lambda::EventSourceMapping. */
  create(properties: Record<string, unknown>): Promise<string>;
  /** Updates a mapping and waits until the update is complete, as CloudFormation does. Batches in progress keep the old configuration. */
  update(uuid: string, properties: Record<string, unknown>): Promise<void>;
  /**
   * Changes the given properties of a mapping as UpdateEventSourceMapping does. A change of `Enabled` takes effect after a delay, by the
   * clock of the local AWS.
   * @throws AwsError ResourceNotFoundException, ResourceInUseException, InvalidParameterValueException
   */
  change(uuid: string, properties: Record<string, unknown>): Promise<EventSourceMapping>;
  /** Deletes a mapping. Succeeds if the mapping does not exist. */
  delete(uuid: string): Promise<void>;
  list(): EventSourceMapping[];
  stop(): Promise<void>;
}

/**
 * How often, in milliseconds, mappings are checked for a change of `Enabled` that is due. A single timer could miss it, because a test may
 * move the clock.
 */
const LOOK_EVERY_MS = 50;

/** Creates the event source mappings from SQS queues to functions. Checks each new mapping as Lambda does. */
export const createEventSourceMappings = (host: EventSourceHost): EventSourceMappings => {
  const mappings = new Map<string, RunningMapping>();
  const find = (uuid: string): RunningMapping => {
    const found = mappings.get(uuid);
    if (!found) throw lambdaError('ResourceNotFoundException', 'The resource you requested does not exist.');
    return found;
  };
  const switchDue = (): void => {
    for (const mapping of mappings.values()) switchIfDue(host, mapping);
  };
  const timer = setInterval(switchDue, LOOK_EVERY_MS).unref();
  const replace = async (uuid: string, next: RunningMapping): Promise<void> => {
    const { poller } = find(uuid);
    startMapping(host, next);
    mappings.set(uuid, next);
    await poller?.stop();
  };
  return {
    create: async (properties) => {
      const mapping = await checkedMapping(host, properties);
      if ([...mappings.values()].some((other) => isSame(other, mapping))) throw alreadyExists(mapping);
      startMapping(host, mapping);
      const uuid = randomUUID();
      mappings.set(uuid, mapping);
      return uuid;
    },
    update: async (uuid, properties) => {
      find(uuid);
      await replace(uuid, await checkedMapping(host, properties));
    },
    change: async (uuid, changes) => {
      switchDue();
      const old = find(uuid);
      if (old.switchAtMs !== null) throw inUse();
      const next = await checkedMapping(host, { ...old.properties, ...changes });
      const switchAtMs = host.clock.now() + host.switchMs;
      if (next.configuration.enabled === old.configuration.enabled) await replace(uuid, next);
      else mappings.set(uuid, { ...next, poller: old.poller, switchAtMs });
      return describeMapping(uuid, find(uuid));
    },
    delete: async (uuid) => {
      const mapping = mappings.get(uuid);
      mappings.delete(uuid);
      await mapping?.poller?.stop();
    },
    list: () => {
      switchDue();
      return [...mappings].map(([uuid, mapping]) => describeMapping(uuid, mapping));
    },
    stop: async () => {
      clearInterval(timer);
      const pollers = [...mappings.values()].map((mapping) => mapping.poller);
      mappings.clear();
      await Promise.all(pollers.flatMap((poller) => poller?.stop() ?? []));
    },
  };
};

const alreadyExists = ({ configuration, target }: RunningMapping) =>
  lambdaError(
    'ResourceConflictException',
    `An event source mapping with SQS arn ("${configuration.queueArn}") and function ("${target.configuration().functionName}") already exists.`,
  );

const inUse = () =>
  lambdaError('ResourceInUseException', 'Cannot update the event source mapping because it is in use.');
