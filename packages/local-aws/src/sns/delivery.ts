import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { QueueSender } from '../core/delivery.ts';
import type { MessageAttribute } from '../sqs/message-content.ts';
import type { Subscription, Topic } from './topics.ts';

/** A published message. */
export interface Publication {
  messageId: string;
  message: string;
  subject: string | undefined;
  attributes: ReadonlyMap<string, MessageAttribute>;
}

/** A message that reached neither its subscription's queue nor a dead-letter queue. */
export interface FailedDelivery {
  subscriptionArn: string;
  queueArn: string;
  reason: 'denied' | 'no-such-queue' | 'too-many-attributes';
}

/** Maximum number of attributes of an SQS message. SNS accepts more, but cannot deliver such messages in raw form. */
const MAX_ATTRIBUTES = 10;

/** Sends a publication to the queue of every confirmed subscription. Returns the deliveries that failed. */
export const deliver = (
  { queues, clock }: { queues: QueueSender; clock: Clock },
  topic: Topic,
  publication: Publication,
): FailedDelivery[] =>
  topic.subscriptions
    .filter((subscription) => subscription.protocol === 'sqs' && subscription.confirmationToken === null)
    .flatMap((subscription) => deliverTo({ queues, nowMs: clock.now() }, topic, subscription, publication));

const deliverTo = (
  { queues, nowMs }: { queues: QueueSender; nowMs: number },
  topic: Topic,
  subscription: Subscription,
  publication: Publication,
): FailedDelivery[] => {
  const { isRaw, arn: subscriptionArn, endpoint: queueArn, deadLetterArn } = subscription;
  const message = isRaw
    ? { body: publication.message, attributes: publication.attributes }
    : { body: envelope(topic, subscription, publication, nowMs) };
  const send = (target: string) => queues.sendAsService({ ...senderOf(topic), queueArn: target, ...message });
  const isTooMuch = isRaw && publication.attributes.size > MAX_ATTRIBUTES;
  const outcome = isTooMuch ? 'too-many-attributes' : send(queueArn);
  if (outcome === 'sent') return [];
  if (!isTooMuch && deadLetterArn !== undefined && send(deadLetterArn) === 'sent') return [];
  return [{ subscriptionArn, queueArn, reason: outcome }];
};

/** Returns the sender that the queue's policy sees: SNS, on behalf of the topic. */
const senderOf = (topic: Topic) => ({
  service: 'sns.amazonaws.com',
  sourceArn: topic.arn,
  sourceAccount: topic.accountId,
});

/** Asks the owner of a queue in another account to confirm the subscription. */
export const requestConfirmation = (
  { queues, clock }: { queues: QueueSender; clock: Clock },
  topic: Topic,
  { protocol, endpoint, confirmationToken }: Subscription,
): void => {
  if (protocol !== 'sqs' || confirmationToken === null) return;
  const message = `You have chosen to subscribe to the topic ${topic.arn}.\nTo confirm the subscription, visit the SubscribeURL included in this message.`;
  const fields: [string, string][] = [
    ['Type', 'SubscriptionConfirmation'],
    ['MessageId', randomUUID()],
    ['Token', confirmationToken],
    ['TopicArn', topic.arn],
    ['Message', message],
    [
      'SubscribeURL',
      `https://sns.${topic.region}.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${topic.arn}&Token=${confirmationToken}`,
    ],
    ['Timestamp', new Date(clock.now()).toISOString()],
    ...signatureFields(topic, message),
  ];
  queues.sendAsService({ ...senderOf(topic), queueArn: endpoint, body: jsonLines(fields) });
};

/**
 * Returns the JSON document in which SNS sends a message.
 * Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
 */
const envelope = (
  topic: Topic,
  subscription: Subscription,
  { messageId, message, subject, attributes }: Publication,
  nowMs: number,
): string => {
  const fields: [string, string][] = [
    ['Type', 'Notification'],
    ['MessageId', messageId],
    ['TopicArn', topic.arn],
    ...(subject === undefined ? [] : [['Subject', subject] satisfies [string, string]]),
    ['Message', message],
    ['Timestamp', new Date(nowMs).toISOString()],
    ...signatureFields(topic, message),
    [
      'UnsubscribeURL',
      `https://sns.${topic.region}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=${subscription.arn}`,
    ],
  ];
  return jsonLines(fields, attributes.size === 0 ? '' : attributeLines(attributes));
};

/** Returns the signature fields. SNS signs messages with its own key, but the local signature is a placeholder that proves nothing. */
const signatureFields = (topic: Topic, message: string): [string, string][] => [
  ['SignatureVersion', '1'],
  ['Signature', createHash('sha512').update(message).digest('base64')],
  [
    'SigningCertURL',
    `https://sns.${topic.region}.amazonaws.com/SimpleNotificationService-00000000000000000000000000000000.pem`,
  ],
];

/** Formats JSON as SNS does, with one field per line and a space before the colon. */
const jsonLines = (fields: [string, string][], last = ''): string => {
  const lines = fields.map(([name, value]) => `  ${JSON.stringify(name)} : ${JSON.stringify(value)}`);
  return `{\n${[...lines, ...(last === '' ? [] : [last])].join(',\n')}\n}`;
};

const attributeLines = (attributes: ReadonlyMap<string, MessageAttribute>): string => {
  const lines = [...attributes].map(([name, attribute]) => {
    const value = { Type: attribute.DataType, Value: attribute.StringValue ?? attribute.BinaryValue ?? '' };
    return `    ${JSON.stringify(name)} : ${JSON.stringify(value)}`;
  });
  return `  "MessageAttributes" : {\n${lines.join(',\n')}\n  }`;
};
