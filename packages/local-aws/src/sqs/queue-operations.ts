import type { PolicyKeeper } from '../core/access.ts';
import { AwsError } from '../front/aws-error.ts';
import { optionalInteger, optionalRecord, optionalText, text, textList } from './input.ts';
import { accountOf, authorize, authorizedQueue, type Operation, queueUrlOf } from './operation.ts';
import { arnOf, existing, type Queue } from './queue-registry.ts';
import { simpleQueueError } from './sqs-errors.ts';

/** The operations on queues. */
export const queueOperations: Readonly<Record<string, Operation>> = {
  CreateQueue(input, context) {
    const place = {
      accountId: accountOf(context.caller),
      region: context.region,
      name: text(input, 'QueueName'),
    };
    authorize(context, 'sqs:CreateQueue', arnOf(place));
    const queue = context.registry.create(place, optionalRecord(input, 'Attributes'));
    return { QueueUrl: queueUrlOf(context.endpoint, queue) };
  },

  GetQueueUrl(input, context) {
    const accountId = optionalText(input, 'QueueOwnerAWSAccountId') ?? accountOf(context.caller);
    const name = text(input, 'QueueName');
    const queue = existing(context.registry.byName({ accountId, region: context.region, name }));
    authorize(context, 'sqs:GetQueueUrl', queue.arn, queue);
    return { QueueUrl: queueUrlOf(context.endpoint, queue) };
  },

  ListQueues(input, context) {
    const accountId = accountOf(context.caller);
    authorize(context, 'sqs:ListQueues', arnOf({ accountId, region: context.region, name: '*' }));
    const prefix = optionalText(input, 'QueueNamePrefix') ?? '';
    const limit = optionalInteger(input, 'MaxResults', 1, 1000);
    const after = Buffer.from(optionalText(input, 'NextToken') ?? '', 'base64').toString();
    const queues = context.registry
      .list(accountId, context.region)
      .filter((queue) => queue.name.startsWith(prefix) && queue.name > after);
    const page = queues.slice(0, limit ?? 1000);
    const last = page.at(-1);
    return {
      ...(page.length > 0 && { QueueUrls: page.map((queue) => queueUrlOf(context.endpoint, queue)) }),
      ...(limit !== undefined &&
        last &&
        page.length < queues.length && { NextToken: Buffer.from(last.name).toString('base64') }),
    };
  },

  ListDeadLetterSourceQueues(input, context) {
    const queue = authorizedQueue(input, context, 'sqs:ListDeadLetterSourceQueues');
    return {
      queueUrls: context.registry.sourcesOf(queue).map((source) => queueUrlOf(context.endpoint, source)),
    };
  },

  GetQueueAttributes(input, context) {
    const queue = authorizedQueue(input, context, 'sqs:GetQueueAttributes');
    const wanted = textList(input, 'AttributeNames');
    const all = attributesOf(queue, context.authorizer);
    const unknown = wanted.find((name) => name !== 'All' && !(name in all) && !optionalNames.includes(name));
    if (unknown !== undefined) throw new AwsError('InvalidAttributeName', `Unknown Attribute ${unknown}.`);
    const chosen = Object.entries(all).filter(([name]) => wanted.includes('All') || wanted.includes(name));
    return chosen.length > 0 ? { Attributes: Object.fromEntries(chosen) } : {};
  },

  SetQueueAttributes(input, context) {
    const queue = authorizedQueue(input, context, 'sqs:SetQueueAttributes');
    context.registry.setAttributes(queue, optionalRecord(input, 'Attributes'));
    return {};
  },

  DeleteQueue(input, context) {
    context.registry.delete(authorizedQueue(input, context, 'sqs:DeleteQueue'));
    return {};
  },

  PurgeQueue(input, context) {
    const queue = authorizedQueue(input, context, 'sqs:PurgeQueue');
    const now = context.clock.now();
    if (queue.purgedAtMs + 60_000 > now) {
      throw simpleQueueError(
        'PurgeQueueInProgress',
        `Only one PurgeQueue operation on ${queue.name} is allowed every 60 seconds.`,
        403,
      );
    }
    queue.purgedAtMs = now;
    queue.messages.purge();
    return {};
  },
};

/** The attributes that some queues do not have. */
const optionalNames = [
  'Policy',
  'RedrivePolicy',
  'RedriveAllowPolicy',
  'KmsMasterKeyId',
  'KmsDataKeyReusePeriodSeconds',
];

function attributesOf(queue: Queue, keeper: PolicyKeeper): Record<string, string> {
  const counts = queue.messages.counts();
  const { policy } = queue.attributes;
  return {
    ...queue.attributes.text,
    ...(policy === undefined ? {} : { Policy: JSON.stringify(keeper.show(policy)) }),
    QueueArn: queue.arn,
    ApproximateNumberOfMessages: String(counts.visible),
    ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
    ApproximateNumberOfMessagesDelayed: String(counts.delayed),
    CreatedTimestamp: String(Math.floor(queue.createdAtMs / 1000)),
    LastModifiedTimestamp: String(Math.floor(queue.modifiedAtMs / 1000)),
  };
}
