/** SQS: standard queues. */
import { hash } from 'node:crypto';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListMessageMoveTasksCommand,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SendMessageCommandInput,
  StartMessageMoveTaskCommand,
  type Message,
} from '@aws-sdk/client-sqs';
import { behaviour } from './behaviour.ts';
import type { Context, Queue } from './context.ts';
import { Difference, present, refused, refusedAs, same } from './difference.ts';

const api = (page: string): string =>
  `https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/${page}.html`;
const guide = (page: string): string =>
  `https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/${page}.html`;
const NEEDS = ['sqs'] as const;

const PATIENCE_MS = 60_000;

const send = ({ sqs }: Context, { url }: Queue, body: string, more: Partial<SendMessageCommandInput> = {}) =>
  sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, ...more }));

const receive = async (
  { sqs }: Context,
  { url }: Queue,
  more: Partial<ReceiveMessageCommandInput> = {},
): Promise<Message[]> => {
  const command = new ReceiveMessageCommand({
    QueueUrl: url,
    WaitTimeSeconds: 2,
    MaxNumberOfMessages: 10,
    ...more,
  });
  return (await sqs.send(command)).Messages ?? [];
};

/** One message, waited for: a short poll may miss what is there. */
const receiveOne = async (
  context: Context,
  queue: Queue,
  more: Partial<ReceiveMessageCommandInput> = {},
): Promise<Message> => {
  const endMs = Date.now() + PATIENCE_MS;
  while (Date.now() < endMs) {
    const [message] = await receive(context, queue, { MaxNumberOfMessages: 1, ...more });
    if (message !== undefined) return message;
  }
  throw new Difference('messages received', 1, 0);
};

export const aMessageGoesThrough = behaviour(
  'A message is received as it was sent, with the MD5 of its body and its attributes where they are asked for.',
  api('API_SendMessage'),
  async (context) => {
    const queue = await context.queue();
    const body = 'ü \u{1f600} \t\n<&>';
    const sent = await send(context, queue, body, {
      MessageAttributes: { reason: { DataType: 'String', StringValue: 'why' } },
    });
    same('MD5 of SendMessage', sent.MD5OfMessageBody, hash('md5', body, 'hex'));
    const message = await receiveOne(context, queue, {
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
    });
    same('body', message.Body, body);
    same('id', message.MessageId, sent.MessageId);
    same('MD5', message.MD5OfBody, hash('md5', body, 'hex'));
    same('MD5 of the attributes', message.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
    same('attribute', message.MessageAttributes?.['reason']?.StringValue, 'why');
    same('receive count', message.Attributes?.ApproximateReceiveCount, '1');
    present('SentTimestamp', message.Attributes?.SentTimestamp);
  },
  NEEDS,
);

export const attributesComeOnlyWhenAskedFor = behaviour(
  'A receive that names no attributes gets none.',
  api('API_ReceiveMessage'),
  async (context) => {
    const queue = await context.queue();
    await send(context, queue, 'body', {
      MessageAttributes: { reason: { DataType: 'String', StringValue: 'why' } },
    });
    const message = await receiveOne(context, queue);
    same('attributes', [message.MessageAttributes, message.Attributes], [undefined, undefined]);
  },
  NEEDS,
);

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

export const aDeletedMessageStaysAway = behaviour(
  'A deleted message does not come back; deleting it again succeeds.',
  api('API_DeleteMessage'),
  async (context) => {
    const queue = await context.queue();
    await send(context, queue, 'body');
    const { ReceiptHandle } = await receiveOne(context, queue, { VisibilityTimeout: 3 });
    const remove = () => context.sqs.send(new DeleteMessageCommand({ QueueUrl: queue.url, ReceiptHandle }));
    await remove();
    await remove();
    same('received', await receive(context, queue, { WaitTimeSeconds: 5 }), []);
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

/** The SDK takes the name from the answer's query code where there is one. */
const INVALID_VALUE = ['400 InvalidParameterValue', '400 InvalidParameterValueException'];

export const aReceiptHandleMustBeOne = behaviour(
  'Text that is no receipt handle is ReceiptHandleIsInvalid.',
  api('API_DeleteMessage'),
  async (context) => {
    const queue = await context.queue();
    const attempt = context.sqs.send(new DeleteMessageCommand({ QueueUrl: queue.url, ReceiptHandle: 'x' }));
    await refusedAs('DeleteMessage', attempt, ['400 ReceiptHandleIsInvalid', '404 ReceiptHandleIsInvalid']);
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

export const batchesHaveTenEntries = behaviour(
  'A batch has 1 to 10 entries with ids that differ.',
  api('API_SendMessageBatch'),
  async (context) => {
    const { url: QueueUrl } = await context.queue();
    const batch = (...ids: string[]) =>
      context.sqs.send(
        new SendMessageBatchCommand({ QueueUrl, Entries: ids.map((Id) => ({ Id, MessageBody: Id })) }),
      );
    const ids = Array.from({ length: 11 }, (_, index) => `id-${index}`);
    const ten = await batch(...ids.slice(0, 10));
    same('successful', ten.Successful?.map(({ Id }) => Id).toSorted(), ids.slice(0, 10).toSorted());
    await refused('eleven', batch(...ids), '400 TooManyEntriesInBatchRequest');
    await refused('none', batch(), '400 EmptyBatchRequest');
    await refused('one id twice', batch('a', 'a'), '400 BatchEntryIdsNotDistinct');
    await refused('an odd id', batch('a b'), '400 InvalidBatchEntryId');
  },
  NEEDS,
);

export const controlCharactersAreRefused = behaviour(
  'A body with characters XML does not have is 400 InvalidMessageContents; an empty one is refused too.',
  api('API_SendMessage'),
  async (context) => {
    const queue = await context.queue();
    await refused('control character', send(context, queue, 'a\u0001b'), '400 InvalidMessageContents');
    await refusedAs('empty', send(context, queue, ''), [
      '400 MissingParameter',
      '400 MissingRequiredParameterException',
      ...INVALID_VALUE,
    ]);
  },
  NEEDS,
);

export const tenMessagesAtATime = behaviour(
  'ReceiveMessage takes 1 to 10 as MaxNumberOfMessages and at most 20 seconds of waiting.',
  api('API_ReceiveMessage'),
  async (context) => {
    const queue = await context.queue();
    await refusedAs('11', receive(context, queue, { MaxNumberOfMessages: 11 }), INVALID_VALUE);
    await refusedAs('21 s', receive(context, queue, { WaitTimeSeconds: 21 }), INVALID_VALUE);
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

export const aMissingQueueDoesNotExist = behaviour(
  'Every call on a queue that does not exist is 400 QueueDoesNotExist.',
  api('API_GetQueueUrl'),
  async (context) => {
    const { url, arn } = await context.queue();
    const attempt = send(context, { url: `${url}-missing`, arn }, 'body');
    await refused('SendMessage', attempt, '400 QueueDoesNotExist');
    const QueueName = `${arn.split(':').at(-1)}-missing`;
    const lookUp = context.sqs.send(new GetQueueUrlCommand({ QueueName }));
    await refused('GetQueueUrl', lookUp, '400 QueueDoesNotExist');
  },
  NEEDS,
);

const withDeadLetters = async (context: Context) => {
  const dead = await context.queue();
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 });
  const live = await context.queue({ attributes: { RedrivePolicy } });
  return { dead, live };
};

export const aMessageReceivedTooOftenIsADeadLetter = behaviour(
  'A message received more than maxReceiveCount times moves to the dead-letter queue and keeps its id and its age.',
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
  'StartMessageMoveTask moves what SQS itself had put into the dead-letter queue back to its source.',
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
  'StartMessageMoveTask from a queue that is nobody’s dead-letter queue is 400.',
  api('API_StartMessageMoveTask'),
  async (context) => {
    const { arn: SourceArn } = await context.queue();
    const attempt = context.sqs.send(new StartMessageMoveTaskCommand({ SourceArn }));
    await refusedAs('StartMessageMoveTask', attempt, [...INVALID_VALUE, '400 UnsupportedOperation']);
  },
  NEEDS,
);

export const queuesDescribeThemselves = behaviour(
  'GetQueueAttributes answers ARN, counts and limits; SQS-managed encryption is on, messages stay for 4 days.',
  api('API_GetQueueAttributes'),
  async (context) => {
    const { url: QueueUrl, arn } = await context.queue();
    const { Attributes } = await context.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
    );
    const { QueueArn, VisibilityTimeout, MessageRetentionPeriod, SqsManagedSseEnabled } = Attributes ?? {};
    same(
      'attributes',
      [QueueArn, VisibilityTimeout, MessageRetentionPeriod, SqsManagedSseEnabled],
      [arn, '30', '345600', 'true'],
    );
    same('ApproximateNumberOfMessages', Attributes?.['ApproximateNumberOfMessages'], '0');
  },
  NEEDS,
);
