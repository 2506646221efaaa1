import type { CreatedResource, ResourcePlace, ResourceProvider } from '../core/resource-provider.ts';
import { AwsError } from '../front/aws-error.ts';
import { isRecord } from './input.ts';
import { defaultQueueAttributes } from './queue-attributes.ts';
import { arnOf } from './queue-registry.ts';
import type { Sqs } from './sqs.ts';

/** The resource type AWS::SQS::Queue. `Ref` returns the queue URL. */
export function createQueueResource(sqs: Sqs): ResourceProvider {
  return {
    create(place, properties) {
      const queuePlace = queuePlaceOf(place, properties);
      if (sqs.queues.byName(queuePlace)) throw alreadyExists(queuePlace.name);
      sqs.queues.create(queuePlace, attributesOf(properties));
      return created(sqs, place, queuePlace.name);
    },
    update(place, physicalId, properties) {
      const name = nameOf(physicalId);
      const wanted = properties.QueueName;
      if (typeof wanted === 'string' && wanted !== name) return this.create(place, properties);
      const queue = sqs.queues.byName({ ...place, name });
      if (!queue) throw new AwsError('NotFound', `there is no queue ${name}`);
      sqs.queues.setAttributes(queue, { ...resets(properties), ...attributesOf(properties) });
      return created(sqs, place, name);
    },
    adopt(place, { QueueUrl: url = '' }) {
      const name = nameOf(url);
      if (!sqs.queues.byName({ ...place, name })) throw new AwsError('NotFound', `there is no queue ${url}`);
      return created(sqs, place, name);
    },
    delete(place, physicalId) {
      const queue = sqs.queues.byName({ ...place, name: nameOf(physicalId) });
      if (queue) sqs.queues.delete(queue);
    },
  };
}

/** The resource type AWS::SQS::QueuePolicy. It replaces the whole policy of each queue that it names. */
export function createQueuePolicyResource(sqs: Sqs): ResourceProvider {
  const put = (place: ResourcePlace, properties: Record<string, unknown>): void => {
    const policy = JSON.stringify(properties.PolicyDocument);
    for (const queueUrl of queueUrlsOf(properties)) {
      const queue = sqs.queues.byName({ ...place, name: nameOf(queueUrl) });
      if (!queue)
        throw new AwsError('AWS.SimpleQueueService.NonExistentQueue', `there is no queue ${queueUrl}`);
      sqs.queues.setAttributes(queue, { Policy: policy });
    }
  };
  const queuesByPolicy = new Map<string, string[]>();
  const drop = (place: ResourcePlace, queueUrls: string[]): void => {
    for (const queueUrl of queueUrls) {
      const queue = sqs.queues.byName({ ...place, name: nameOf(queueUrl) });
      if (queue) sqs.queues.setAttributes(queue, { Policy: '' });
    }
  };
  return {
    create(place, properties) {
      put(place, properties);
      queuesByPolicy.set(place.generatedName, queueUrlsOf(properties));
      return { physicalId: place.generatedName, attributes: { Id: place.generatedName } };
    },
    update(place, physicalId, properties) {
      const queueUrls = queueUrlsOf(properties);
      put(place, properties);
      const before = queuesByPolicy.get(physicalId) ?? [];
      drop(
        place,
        before.filter((queueUrl) => !queueUrls.includes(queueUrl)),
      );
      queuesByPolicy.set(physicalId, queueUrls);
      return { physicalId, attributes: { Id: physicalId } };
    },
    delete(place, physicalId) {
      drop(place, queuesByPolicy.get(physicalId) ?? []);
      queuesByPolicy.delete(physicalId);
    },
  };
}

const settable = [
  'DelaySeconds',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'ReceiveMessageWaitTimeSeconds',
  'VisibilityTimeout',
  'KmsMasterKeyId',
  'KmsDataKeyReusePeriodSeconds',
  'SqsManagedSseEnabled',
  'RedrivePolicy',
  'RedriveAllowPolicy',
];

function attributesOf(properties: Record<string, unknown>): Record<string, string> {
  const unknown = Object.keys(properties).find((name) => !['QueueName', 'Tags', ...settable].includes(name));
  if (unknown !== undefined)
    throw new AwsError('NotImplemented', `AWS::SQS::Queue ${unknown} is not supported`);
  return Object.fromEntries(
    settable
      .filter((name) => properties[name] !== undefined)
      .map((name) => {
        const value = properties[name];
        return [name, isRecord(value) ? JSON.stringify(value) : String(value)] as const;
      }),
  );
}

/**
 * Returns the default values of the attributes that the template does not contain, because an update resets them.
 */
function resets(properties: Record<string, unknown>): Record<string, string> {
  const absent = settable.filter((name) => properties[name] === undefined);
  const isOwnKey = properties.KmsMasterKeyId !== undefined;
  return Object.fromEntries(
    absent
      .filter((name) => !(isOwnKey && name === 'SqsManagedSseEnabled'))
      .map((name) => [name, defaultQueueAttributes[name] ?? ''] as const),
  );
}

function queuePlaceOf(
  place: ResourcePlace,
  properties: Record<string, unknown>,
): { accountId: string; region: string; name: string } {
  const { accountId, region, generatedName } = place;
  return {
    accountId,
    region,
    name: typeof properties.QueueName === 'string' ? properties.QueueName : generatedName,
  };
}

function created(sqs: Sqs, { accountId, region }: ResourcePlace, name: string): CreatedResource {
  const arn = arnOf({ accountId, region, name });
  const url = sqs.queueUrl(arn);
  return { physicalId: url, attributes: { Arn: arn, QueueName: name, QueueUrl: url } };
}

function nameOf(queueUrl: string): string {
  return queueUrl.slice(queueUrl.lastIndexOf('/') + 1);
}

function queueUrlsOf(properties: Record<string, unknown>): string[] {
  const { Queues: queues } = properties;
  if (Array.isArray(queues) && queues.every((queue) => typeof queue === 'string')) return queues;
  throw new AwsError('ValidationError', 'Queues must be a list of queue URLs');
}

function alreadyExists(name: string): AwsError {
  return new AwsError(
    'AlreadyExists',
    `Resource of type 'AWS::SQS::Queue' with identifier '${name}' already exists.`,
  );
}
