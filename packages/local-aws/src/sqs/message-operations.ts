import type { Caller } from '../core/access.ts';
import { parseBatch, runBatch } from './batch.ts';
import { type Input, optionalInteger, text } from './input.ts';
import { type MessageContent, parseMessageContent } from './message-content.ts';
import { enterQueue } from './enter-queue.ts';
import type { Message } from './message-store.ts';
import { authorizedQueue, type Operation, type OperationContext } from './operation.ts';
import type { Queue } from './queue-registry.ts';
import { parseReceiptHandle } from './receipt-handle.ts';
import { receiveMessage } from './receive-message.ts';
import {
  invalidParameter,
  invalidParameterValue,
  messageNotInflight,
  simpleQueueError,
} from './sqs-errors.ts';

const maximumBatchBytes = 1_048_576;
const maximumVisibilityTimeoutSeconds = 43_200;

/** The operations on messages. A batch operation requires the same permission as its counterpart for a single message. */
export const messageOperations: Readonly<Record<string, Operation>> = {
  ReceiveMessage: receiveMessage,

  SendMessage(input, context) {
    const queue = authorizedQueue(input, context, 'sqs:SendMessage');
    return send(queue, input, parseMessageContent(input, context.traceHeader), context);
  },

  SendMessageBatch(input, context) {
    const queue = authorizedQueue(input, context, 'sqs:SendMessage');
    const batch = parseBatch(input);
    refuseTooLongBatch(batch);
    return runBatch(batch, (entry) =>
      send(queue, entry, parseMessageContent(entry, context.traceHeader), context),
    );
  },

  DeleteMessage(input, context) {
    const queue = authorizedQueue(input, context, 'sqs:DeleteMessage');
    deleteMessage(queue, input, context);
    return {};
  },

  DeleteMessageBatch(input, context) {
    const queue = authorizedQueue(input, context, 'sqs:DeleteMessage');
    return runBatch(parseBatch(input), (entry) => {
      deleteMessage(queue, entry, context);
      return {};
    });
  },

  ChangeMessageVisibility(input, context) {
    const queue = authorizedQueue(input, context, 'sqs:ChangeMessageVisibility');
    changeVisibility(queue, input, context);
    return {};
  },

  ChangeMessageVisibilityBatch(input, context) {
    const queue = authorizedQueue(input, context, 'sqs:ChangeMessageVisibility');
    return runBatch(parseBatch(input), (entry) => {
      changeVisibility(queue, entry, context);
      return {};
    });
  },
};

function send(
  queue: Queue,
  input: Input,
  content: MessageContent,
  { caller, faults }: OperationContext,
): Record<string, unknown> {
  const { maximumMessageSizeBytes, delayMs } = queue.attributes;
  if (content.sizeBytes > maximumMessageSizeBytes) {
    throw invalidParameterValue(
      `One or more parameters are invalid. Reason: Message must be shorter than ${maximumMessageSizeBytes} bytes.`,
    );
  }
  const delaySeconds = optionalInteger(input, 'DelaySeconds', 0, 900);
  const messageId = enterQueue(faults.plan, queue, {
    content,
    senderId: senderIdOf(caller),
    delayMs: delaySeconds === undefined ? delayMs : delaySeconds * 1000,
  });
  return {
    MessageId: messageId,
    MD5OfMessageBody: content.bodyMd5,
    ...(content.attributesMd5 !== undefined && { MD5OfMessageAttributes: content.attributesMd5 }),
  };
}

function senderIdOf(caller: Caller): string {
  if (caller.kind === 'service') return caller.service;
  return caller.kind === 'anonymous' ? 'Anonymous' : caller.principalId;
}

function refuseTooLongBatch(batch: { id: string; entry: Input }[]): void {
  const sizes = batch.map(({ entry }) => {
    try {
      return parseMessageContent(entry).sizeBytes;
    } catch {
      return 0; // The batch operation reports the error later, for this entry only.
    }
  });
  const sizeBytes = sizes.reduce((sum, size) => sum + size, 0);
  if (sizeBytes <= maximumBatchBytes) return;
  throw simpleQueueError(
    'BatchRequestTooLong',
    `Batch requests cannot be longer than ${maximumBatchBytes} bytes. You have sent ${sizeBytes} bytes.`,
  );
}

/** Deletes a message. Does nothing if the message was received again, because only the latest receipt handle is valid. */
function deleteMessage(queue: Queue, input: Input, { faults }: OperationContext): void {
  const receipt = parseReceiptHandle(text(input, 'ReceiptHandle'), queue.arn);
  const message = queue.messages.find(receipt.messageId);
  if (message?.receiveCount !== receipt.receiveCount) return;
  const fault = faults.plan?.deleting?.({ queueArn: queue.arn, body: message.content.body });
  if (!fault) queue.messages.delete(message);
}

function changeVisibility(queue: Queue, input: Input, { clock }: OperationContext): void {
  const handle = text(input, 'ReceiptHandle');
  const receipt = parseReceiptHandle(handle, queue.arn);
  const seconds = optionalInteger(input, 'VisibilityTimeout', 0, maximumVisibilityTimeoutSeconds);
  if (seconds === undefined)
    throw invalidParameterValue('The request must contain the parameter VisibilityTimeout.');
  const message = queue.messages.find(receipt.messageId);
  if (!message) {
    throw invalidParameter(
      'ReceiptHandle',
      handle,
      'Message does not exist or is not available for visibility timeout change.',
    );
  }
  // The API reference documents this error. The real SQS sometimes returns 200 instead and changes nothing.
  if (message.state !== 'in-flight' || message.receiveCount !== receipt.receiveCount)
    throw messageNotInflight();
  const visibleAtMs = clock.now() + seconds * 1000;
  refuseBeyondLimit(message, visibleAtMs, seconds);
  queue.messages.setVisibleAt(message, visibleAtMs);
}

/** Throws an error if the message would become visible more than twelve hours after it was last received. */
function refuseBeyondLimit(message: Message, visibleAtMs: number, seconds: number): void {
  if (visibleAtMs <= message.lastReceivedAtMs + maximumVisibilityTimeoutSeconds * 1000) return;
  throw invalidParameter(
    'VisibilityTimeout',
    String(seconds),
    `Total VisibilityTimeout for the message is beyond the limit [${maximumVisibilityTimeoutSeconds} seconds].`,
  );
}
