import { AwsError } from '../front/aws-error.ts';
import { type Input, optionalInteger, textList } from './input.ts';
import { md5OfAttributes } from './message-content.ts';
import type { Message } from './message-store.ts';
import { authorizedQueue, type OperationContext } from './operation.ts';
import type { Queue } from './queue-registry.ts';
import { receiptHandleOf } from './receipt-handle.ts';
import { overLimit, queueDoesNotExist } from './sqs-errors.ts';

/**
 * Handles ReceiveMessage. If the maximum number of messages is in flight, a short poll fails, and a long poll finds no message.
 * Sources: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html and, for messages in flight,
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
 */
export async function receiveMessage(input: Input, context: OperationContext): Promise<unknown> {
  const queue = authorizedQueue(input, context, 'sqs:ReceiveMessage');
  const limit = optionalInteger(input, 'MaxNumberOfMessages', 1, 10) ?? 1;
  const visibilitySeconds = optionalInteger(input, 'VisibilityTimeout', 0, 43_200);
  const waitSeconds = optionalInteger(input, 'WaitTimeSeconds', 0, 20) ?? queue.attributes.waitTimeSeconds;
  const systemNames = [
    ...textList(input, 'AttributeNames'),
    ...textList(input, 'MessageSystemAttributeNames'),
  ];
  refuseUnknownNames(systemNames);
  const attributeNames = textList(input, 'MessageAttributeNames');

  const deadlineMs = context.clock.now() + waitSeconds * 1000;
  for (;;) {
    if (queue.isDeleted) throw queueDoesNotExist();
    if (context.signal?.aborted === true) return {};
    const room = context.maximumInFlight - queue.messages.counts().inFlight;
    if (room <= 0 && waitSeconds === 0) {
      throw overLimit('Too many messages in flight, delete some of them first.');
    }
    const visibilityTimeoutMs =
      visibilitySeconds === undefined ? queue.attributes.visibilityTimeoutMs : visibilitySeconds * 1000;
    const { plan } = context.faults;
    const messages = queue.messages.take(
      Math.min(limit, Math.max(room, 0)),
      visibilityTimeoutMs,
      (message) => isDeadLetter(message, queue, context),
      plan?.next && ((count) => plan.next?.(queue.arn, count) ?? 0),
    );
    if (messages.length > 0 || context.clock.now() >= deadlineMs) {
      const answers = messages.map((message) => answerOf(message, queue, systemNames, attributeNames));
      for (const message of messages) shortenVisibility(message, queue, context);
      return answers.length > 0 ? { Messages: answers } : {};
    }
    await queue.messages.mayHaveChanged(deadlineMs, context.signal);
  }
}

/** Shortens the visibility timeout of a received message if the fault plan requests it. */
function shortenVisibility(message: Message, queue: Queue, { faults, clock }: OperationContext): void {
  const fault = faults.plan?.receiving?.({ queueArn: queue.arn, body: message.content.body });
  if (fault) queue.messages.setVisibleAt(message, clock.now() + fault.afterMs);
}

/**
 * Copies a message that was received too often to the dead-letter queue, with the same id and sending time, and returns true. The caller
 * must then remove the message. If the dead-letter queue does not exist, returns false, so that the message can still be received.
 */
function isDeadLetter(message: Message, queue: Queue, context: OperationContext): boolean {
  const { redrivePolicy } = queue.attributes;
  if (!redrivePolicy || message.receiveCount < redrivePolicy.maxReceiveCount) return false;
  const target = context.registry.byArn(redrivePolicy.deadLetterTargetArn);
  if (!target) return false;
  target.messages.add({
    content: message.content,
    senderId: message.senderId,
    delayMs: 0,
    moved: {
      id: message.id,
      sentAtMs: message.sentAtMs,
      receiveCount: message.receiveCount,
      firstReceivedAtMs: message.firstReceivedAtMs,
      deadLetterSourceArn: queue.arn,
    },
  });
  return true;
}

function answerOf(
  message: Message,
  queue: Queue,
  systemNames: string[],
  attributeNames: string[],
): Record<string, unknown> {
  const { content } = message;
  const system = Object.entries(systemAttributesOf(message)).filter(
    ([name]) => systemNames.includes('All') || systemNames.includes(name),
  );
  const attributes = new Map([...content.attributes].filter(([name]) => isWanted(name, attributeNames)));
  return {
    MessageId: message.id,
    ReceiptHandle: receiptHandleOf({
      queueArn: queue.arn,
      messageId: message.id,
      receiveCount: message.receiveCount,
    }),
    MD5OfBody: content.bodyMd5,
    Body: content.body,
    ...(system.length > 0 && { Attributes: Object.fromEntries(system) }),
    ...(attributes.size > 0 && {
      MD5OfMessageAttributes: md5OfAttributes(attributes),
      MessageAttributes: Object.fromEntries(attributes),
    }),
  };
}

function systemAttributesOf(message: Message): Record<string, string> {
  return {
    SenderId: message.senderId,
    SentTimestamp: String(message.sentAtMs),
    ApproximateReceiveCount: String(message.receiveCount),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAtMs),
    ...(message.deadLetterSourceArn !== undefined && {
      DeadLetterQueueSourceArn: message.deadLetterSourceArn,
    }),
    ...message.content.systemAttributes,
  };
}

/**
 * True if a request asks for the attribute. `All` and `.*` ask for every attribute, and `prefix.*` for those that begin with the prefix.
 */
function isWanted(name: string, wanted: string[]): boolean {
  return wanted.some(
    (pattern) =>
      pattern === 'All' ||
      pattern === name ||
      (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -2))),
  );
}

const knownNames = [
  'All',
  'SenderId',
  'SentTimestamp',
  'ApproximateReceiveCount',
  'ApproximateFirstReceiveTimestamp',
  'SequenceNumber',
  'MessageDeduplicationId',
  'MessageGroupId',
  'AWSTraceHeader',
  'DeadLetterQueueSourceArn',
];

function refuseUnknownNames(names: string[]): void {
  const unknown = names.find((name) => !knownNames.includes(name));
  if (unknown !== undefined) throw new AwsError('InvalidAttributeName', `Unknown Attribute ${unknown}.`);
}
