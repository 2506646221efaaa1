/** Bodies, attributes and batches of messages, and their limits. */
import {
  DeleteMessageBatchCommand,
  SendMessageBatchCommand,
  type SendMessageCommandInput,
} from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { useQueues } from './queue-calls.ts';

const { client, queueUrl, send, receive, invoke } = useQueues();

const text = (StringValue: string) => ({ DataType: 'String', StringValue });

test('the MD5 of message attributes is the one that SQS calculates', async () => {
  const attributes = {
    Hello: { DataType: 'String', StringValue: 'There' },
    General: { DataType: 'String', StringValue: 'Kenobi' },
    'Help.Me': { DataType: 'String', StringValue: 'Me' },
  };
  // These digests were recorded from SQS, for all attributes and for selections of them.
  const sent = await send({ MessageBody: 'msg', MessageAttributes: attributes });
  expect(sent.MD5OfMessageAttributes).toBe('4c360f3fdafd970e05fae2f149d997f5');
  const filtered = async (...names: string[]): Promise<string | undefined> => {
    const [message] = await receive({ MessageAttributeNames: names, VisibilityTimeout: 0 });
    return message?.MD5OfMessageAttributes;
  };
  expect(await filtered('.*')).toBe('4c360f3fdafd970e05fae2f149d997f5');
  expect(await filtered('General', 'Hello')).toBe('fca026605781cb4126a1e9044df24232');
  expect(await filtered('Hello', 'Missing')).toBe('a311262e065454b75da111d535b8dacd');
  expect(await filtered('Hel.*')).toBe('83fee93c1bcd8b9a5a923ffacdc636c7');
  expect(await filtered()).toBeUndefined();
});

test.each(['\u0000', '\u0008', '\u001f', '\ufffe', '\uffff', '\ud800'])(
  'the character %j is refused in a body and in an attribute',
  async (character) => {
    const sendInside = (input: Record<string, unknown>) =>
      invoke('SendMessage', { MessageBody: 'b', ...input });
    await expect(sendInside({ MessageBody: `a${character}` })).rejects.toMatchObject({
      code: 'InvalidMessageContents',
    });
    const MessageAttributes = { key: { DataType: 'String', StringValue: `a${character}` } };
    await expect(sendInside({ MessageAttributes })).rejects.toMatchObject({ code: 'InvalidMessageContents' });
    await expect(send({ MessageBody: '\t\n\r \ud7ff\ue000\ufffd🎉\u007f\u0080' })).resolves.toBeDefined();
  },
);

test.each<[string, SendMessageCommandInput['MessageAttributes'], string]>([
  ['eleven', Object.fromEntries(Array.from('abcdefghijk', (name) => [name, text('x')])), 'maximum [10]'],
  ['an empty value', { a: text('') }, 'non-empty message attribute value'],
  ['a reserved name', { 'AWS.a': text('x') }, 'must not start with AWS.'],
  ['a name with a space', { 'a b': text('x') }, 'can only contain'],
  ['two periods in a row', { 'a..b': text('x') }, 'can only contain'],
  ['an unknown type', { a: { DataType: 'Text', StringValue: 'x' } }, 'invalid message attribute type'],
  ['a number that is none', { a: { DataType: 'Number', StringValue: 'x' } }, 'to a number'],
])('message attributes with %s are refused', async (_name, MessageAttributes, message) => {
  await expect(send({ MessageAttributes })).rejects.toMatchObject({
    name: 'InvalidParameterValue',
    message: expect.stringContaining(message),
  });
});

test('body and attributes together have at most 1 MiB, and so has a batch', async () => {
  const limit = 1_048_576;
  await expect(send({ MessageBody: 'a'.repeat(limit) })).resolves.toBeDefined();
  await expect(send({ MessageBody: 'a'.repeat(limit + 1) })).rejects.toThrow(
    'must be shorter than 1048576 bytes',
  );
  const MessageAttributes = { name: text('value') };
  const overhead = 'name'.length + 'String'.length + 'value'.length;
  await expect(send({ MessageBody: 'a'.repeat(limit - overhead), MessageAttributes })).resolves.toBeDefined();
  await expect(send({ MessageBody: 'a'.repeat(limit - overhead + 1), MessageAttributes })).rejects.toThrow(
    'shorter',
  );
  const Entries = ['1', '2'].map((Id) => ({ Id, MessageBody: 'ü'.repeat(limit / 4 + 1) }));
  await expect(
    client().send(new SendMessageBatchCommand({ QueueUrl: queueUrl(), Entries })),
  ).rejects.toMatchObject({
    name: 'BatchRequestTooLong',
    message: `Batch requests cannot be longer than 1048576 bytes. You have sent ${limit + 4} bytes.`,
  });
});

test('an invalid entry of a batch fails alone', async () => {
  const Entries = [
    { Id: 'good', MessageBody: 'x' },
    { Id: 'bad', MessageBody: 'x', MessageAttributes: { a: text('') } },
  ];
  const answer = await client().send(new SendMessageBatchCommand({ QueueUrl: queueUrl(), Entries }));
  expect(answer.Successful?.map(({ Id }) => Id)).toEqual(['good']);
  expect(answer.Failed).toEqual([
    {
      Id: 'bad',
      SenderFault: true,
      Code: 'InvalidParameterValue',
      Message: expect.stringContaining('non-empty'),
    },
  ]);
  const [message] = await receive();
  const deleted = await client().send(
    new DeleteMessageBatchCommand({
      QueueUrl: queueUrl(),
      Entries: [
        { Id: 'known', ReceiptHandle: message?.ReceiptHandle },
        { Id: 'unknown', ReceiptHandle: 'x' },
      ],
    }),
  );
  expect(deleted.Successful?.map(({ Id }) => Id)).toEqual(['known']);
  expect(deleted.Failed?.[0]).toMatchObject({
    Id: 'unknown',
    Code: 'ReceiptHandleIsInvalid',
    SenderFault: true,
  });
});
