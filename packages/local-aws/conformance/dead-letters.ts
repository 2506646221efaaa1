/** SQS: dead-letter queues, and the tasks that move their messages back to other queues. */
import { ListMessageMoveTasksCommand, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';
import { behaviour } from './behaviour.ts';
import type { Context } from './context.ts';
import { refusedAs, same } from './difference.ts';
import { api, guide, NEEDS, send, receive, receiveOne, INVALID_VALUE } from './queue-messages.ts';

const withDeadLetters = async (context: Context) => {
  const dead = await context.queue();
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 });
  const live = await context.queue({ attributes: { RedrivePolicy } });
  return { dead, live };
};

export const aMessageReceivedTooOftenIsADeadLetter = behaviour(
  'A message that is received more than maxReceiveCount times moves to the dead-letter queue and keeps its id and age.',
  guide('sqs-dead-letter-queues'),
  async (context) => {
    const { dead, live } = await withDeadLetters(context);
    await send(context, live, 'body');
    const first = await receiveOne(context, live, {
      VisibilityTimeout: 0,
      MessageSystemAttributeNames: ['SentTimestamp'],
    });
    same('received again', await receive(context, live), []);
    const letter = await receiveOne(context, dead, { MessageSystemAttributeNames: ['All'] });
    same('id', letter.MessageId, first.MessageId);
    same('sent at', letter.Attributes?.SentTimestamp, first.Attributes?.SentTimestamp);
    same('source', letter.Attributes?.DeadLetterQueueSourceArn, live.arn);
  },
  NEEDS,
);

export const deadLettersAreMovedByATask = behaviour(
  'StartMessageMoveTask moves messages that SQS put into a dead-letter queue back to their source queue.',
  api('API_StartMessageMoveTask'),
  async (context) => {
    const { dead, live } = await withDeadLetters(context);
    await send(context, live, 'body');
    await receiveOne(context, live, { VisibilityTimeout: 0 });
    await receive(context, live);
    await context.sqs.send(new StartMessageMoveTaskCommand({ SourceArn: dead.arn }));
    same('body', (await receiveOne(context, live)).Body, 'body');
    const { Results } = await context.sqs.send(new ListMessageMoveTasksCommand({ SourceArn: dead.arn }));
    same('tasks', Results?.length, 1);
  },
  NEEDS,
);

export const onlyDeadLetterQueuesAreMoved = behaviour(
  'StartMessageMoveTask fails with 400 if the source is not the dead-letter queue of any queue.',
  api('API_StartMessageMoveTask'),
  async (context) => {
    const { arn: SourceArn } = await context.queue();
    const attempt = context.sqs.send(new StartMessageMoveTaskCommand({ SourceArn }));
    await refusedAs('StartMessageMoveTask', attempt, [...INVALID_VALUE, '400 UnsupportedOperation']);
  },
  NEEDS,
);
