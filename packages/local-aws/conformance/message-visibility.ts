/** SQS: which messages a receive returns, and when. */
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import { behaviour } from './behaviour.ts';
import { refusedAs, same } from './difference.ts';
import { api, guide, NEEDS, send, receive, receiveOne, INVALID_VALUE } from './queue-messages.ts';

export const aReceivedMessageIsHidden = behaviour(
  'A message in flight is not received again until its visibility ends; made visible, its receive count grows.',
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
  'A receive may give a visibility of its own; when it ends the message comes again.',
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
  'A visibility of more than 43,200 seconds is 400 InvalidParameterValue.',
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
  'DelaySeconds keeps a message back; more than 900 are refused.',
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
  'A long poll answers as soon as a message comes.',
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
