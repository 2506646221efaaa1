/** SQS: when a receive returns a message, and when the message is hidden. */
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import { behaviour } from './behaviour.ts';
import { refusedAs, same } from './difference.ts';
import { api, guide, NEEDS, send, receive, receiveOne, INVALID_VALUE } from './queue-messages.ts';

export const aReceivedMessageIsHidden = behaviour(
  'A message in flight is not received again until its visibility timeout ends, and its receive count then increases.',
  guide('sqs-visibility-timeout'),
  async (context) => {
    const queue = await context.queue();
    await send(context, queue, 'body');
    const first = await receiveOne(context, queue);
    same('received while in flight', await receive(context, queue), []);
    await context.sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: queue.url,
        ReceiptHandle: first.ReceiptHandle,
        VisibilityTimeout: 0,
      }),
    );
    const second = await receiveOne(context, queue, {
      MessageSystemAttributeNames: ['ApproximateReceiveCount'],
    });
    same('id', second.MessageId, first.MessageId);
    same('receive count', second.Attributes?.ApproximateReceiveCount, '2');
    same('new receipt handle', second.ReceiptHandle !== first.ReceiptHandle, true);
  },
  NEEDS,
);

export const visibilityIsTheQueuesOrTheCallers = behaviour(
  'ReceiveMessage can set its own visibility timeout, and the message is received again when that timeout ends.',
  api('API_ReceiveMessage'),
  async (context) => {
    const queue = await context.queue();
    await send(context, queue, 'body');
    await receiveOne(context, queue, { VisibilityTimeout: 1 });
    same('body', (await receiveOne(context, queue)).Body, 'body');
  },
  NEEDS,
);

export const visibilityIs12HoursAtMost = behaviour(
  'ChangeMessageVisibility fails with 400 InvalidParameterValue for more than 43,200 seconds.',
  api('API_ChangeMessageVisibility'),
  async (context) => {
    const queue = await context.queue();
    await send(context, queue, 'body');
    const { ReceiptHandle } = await receiveOne(context, queue);
    const attempt = context.sqs.send(
      new ChangeMessageVisibilityCommand({ QueueUrl: queue.url, ReceiptHandle, VisibilityTimeout: 43_201 }),
    );
    await refusedAs('ChangeMessageVisibility', attempt, INVALID_VALUE);
  },
  NEEDS,
);

export const aDelayedMessageWaits = behaviour(
  'SendMessage delays a message by DelaySeconds and rejects a delay of more than 900 seconds.',
  guide('sqs-delay-queues'),
  async (context) => {
    const queue = await context.queue();
    await send(context, queue, 'body', { DelaySeconds: 3 });
    same('at once', await receive(context, queue, { WaitTimeSeconds: 0 }), []);
    same('later', (await receiveOne(context, queue)).Body, 'body');
    await refusedAs('901 seconds', send(context, queue, 'body', { DelaySeconds: 901 }), INVALID_VALUE);
  },
  NEEDS,
);

export const aLongPollEndsWithTheMessage = behaviour(
  'ReceiveMessage with a long poll returns as soon as a message arrives.',
  guide('sqs-short-and-long-polling'),
  async (context) => {
    const queue = await context.queue();
    const startMs = Date.now();
    const polled = receive(context, queue, { WaitTimeSeconds: 20 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await send(context, queue, 'body');
    same('received', (await polled).length, 1);
    same('long before its end', Date.now() - startMs < 15_000, true);
  },
  NEEDS,
);
