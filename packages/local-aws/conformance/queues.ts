/** SQS: standard queues and their messages. */
import { hash } from 'node:crypto';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SendMessageBatchCommand,
} from '@aws-sdk/client-sqs';
import { behaviour } from './behaviour.ts';
import { present, refused, refusedAs, same } from './difference.ts';
import { api, NEEDS, send, receive, receiveOne, INVALID_VALUE } from './queue-messages.ts';

export const aMessageGoesThrough = behaviour(
  'ReceiveMessage returns a message as it was sent, with the MD5 of its body and the requested attributes.',
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
  'ReceiveMessage returns no attributes unless the request names them.',
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

export const aDeletedMessageStaysAway = behaviour(
  'A deleted message is not received again, and a second DeleteMessage succeeds.',
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

export const aReceiptHandleMustBeOne = behaviour(
  'DeleteMessage fails with ReceiptHandleIsInvalid if the text is not a receipt handle.',
  api('API_DeleteMessage'),
  async (context) => {
    const queue = await context.queue();
    const attempt = context.sqs.send(new DeleteMessageCommand({ QueueUrl: queue.url, ReceiptHandle: 'x' }));
    await refusedAs('DeleteMessage', attempt, ['400 ReceiptHandleIsInvalid', '404 ReceiptHandleIsInvalid']);
  },
  NEEDS,
);

export const batchesHaveTenEntries = behaviour(
  'SendMessageBatch accepts 1 to 10 entries and requires distinct, valid ids.',
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
  'SendMessage fails with 400 InvalidMessageContents for characters that XML does not allow, and rejects an empty body.',
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
  'ReceiveMessage rejects a MaxNumberOfMessages above 10 and a WaitTimeSeconds above 20.',
  api('API_ReceiveMessage'),
  async (context) => {
    const queue = await context.queue();
    await refusedAs('11', receive(context, queue, { MaxNumberOfMessages: 11 }), INVALID_VALUE);
    await refusedAs('21 s', receive(context, queue, { WaitTimeSeconds: 21 }), INVALID_VALUE);
  },
  NEEDS,
);

export const aMissingQueueDoesNotExist = behaviour(
  'SendMessage and GetQueueUrl fail with 400 QueueDoesNotExist if the queue does not exist.',
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

export const queuesDescribeThemselves = behaviour(
  'GetQueueAttributes of a new queue returns its ARN, a message count, a retention of 4 days and SQS-managed encryption.',
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
