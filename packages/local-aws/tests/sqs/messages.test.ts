import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SendMessageCommandInput,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { accountId, type CoreServices, region, startCoreServices } from '../core-services.ts';

let services: CoreServices;
let client: SQSClient;
let QueueUrl: string;
let queueCount = 0;

beforeAll(async () => {
  services = await startCoreServices();
});
afterAll(() => services.close());
beforeEach(async () => {
  client = services.sqsClient();
  QueueUrl = await createQueue();
});

async function createQueue(Attributes: Record<string, string> = {}): Promise<string> {
  queueCount += 1;
  const created = await client.send(new CreateQueueCommand({ QueueName: `queue-${queueCount}`, Attributes }));
  return created.QueueUrl ?? '';
}

function send(input: Partial<SendMessageCommandInput> = {}) {
  return client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'body', ...input }));
}

async function receive(input: Partial<ReceiveMessageCommandInput> = {}): Promise<Message[]> {
  const answer = await client.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...input }),
  );
  return answer.Messages ?? [];
}

/** Moves the clock by as much as no client's signature gets too old by. */
function wait(seconds: number): void {
  services.clock.advance(seconds * 1000);
  client = services.sqsClient();
  client.config.systemClockOffset = services.clock.now() - Date.now();
}

async function counts(): Promise<(number | undefined)[]> {
  const names = ['', 'NotVisible', 'Delayed'].map((what) => `ApproximateNumberOfMessages${what}` as const);
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
  );
  return names.map((name) => Number(Attributes?.[name as keyof typeof Attributes]));
}

test('a message is received with what was sent, and is gone when deleted', async () => {
  const sent = await send({
    MessageBody: 'Grüße 🎉',
    MessageAttributes: {
      reason: { DataType: 'String', StringValue: 'access-denied' },
      attempts: { DataType: 'Number', StringValue: '3' },
      raw: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 255, 7]) },
    },
  });
  const [message] = await receive({ MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'] });
  expect(message).toMatchObject({
    MessageId: sent.MessageId,
    Body: 'Grüße 🎉',
    MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
    MessageAttributes: {
      reason: { StringValue: 'access-denied' },
      raw: { BinaryValue: new Uint8Array([0, 255, 7]) },
    },
    Attributes: { ApproximateReceiveCount: '1', SenderId: accountId },
  });
  expect(await counts()).toEqual([0, 1, 0]);
  await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
  expect(await counts()).toEqual([0, 0, 0]);
});

test('the MD5 of message attributes is the one SQS computes', async () => {
  const attributes = {
    Hello: { DataType: 'String', StringValue: 'There' },
    General: { DataType: 'String', StringValue: 'Kenobi' },
    'Help.Me': { DataType: 'String', StringValue: 'Me' },
  };
  // As recorded from SQS for these attributes, all of them and filtered.
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

test('a received message is hidden until its visibility timeout, and the counts say so', async () => {
  await send();
  expect(await counts()).toEqual([1, 0, 0]);
  expect(await receive({ VisibilityTimeout: 60 })).toHaveLength(1);
  expect(await receive()).toHaveLength(0);
  wait(59);
  expect(await receive()).toHaveLength(0);
  wait(1);
  const [again] = await receive({ MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
  expect(again?.Attributes).toEqual({ ApproximateReceiveCount: '2' });
});

test('visibility can be changed while the message is in flight, counting from now', async () => {
  await send();
  const [message] = await receive();
  const change = (seconds: number) =>
    client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl,
        ReceiptHandle: message?.ReceiptHandle,
        VisibilityTimeout: seconds,
      }),
    );
  await change(100);
  wait(99);
  expect(await receive()).toHaveLength(0);
  await change(0);
  expect(await counts()).toEqual([1, 0, 0]);
  await expect(change(10)).rejects.toMatchObject({ name: 'MessageNotInflight' });
  expect(await receive()).toHaveLength(1);
  await expect(change(10)).rejects.toMatchObject({ name: 'MessageNotInflight' });
});

test('the visibility of a deleted message cannot be changed, and nothing reaches beyond twelve hours', async () => {
  await send();
  const [message] = await receive();
  const change = (seconds: number) =>
    client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl,
        ReceiptHandle: message?.ReceiptHandle,
        VisibilityTimeout: seconds,
      }),
    );
  wait(10);
  await expect(change(43_200)).rejects.toThrow('beyond the limit [43200 seconds]');
  await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
  await expect(change(1)).rejects.toMatchObject({
    name: 'InvalidParameterValue',
    message: expect.stringContaining('does not exist or is not available for visibility timeout change'),
  });
});

test('an older receipt handle deletes nothing, the last one also after its time', async () => {
  await send();
  const [first] = await receive({ VisibilityTimeout: 0 });
  const [second] = await receive({ VisibilityTimeout: 0 });
  await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first?.ReceiptHandle }));
  expect(await counts()).toEqual([1, 0, 0]);
  await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: second?.ReceiptHandle }));
  expect(await counts()).toEqual([0, 0, 0]);
});

test('a long poll ends when a message arrives, when one becomes visible, or when its time is over', async () => {
  const caller = services.iam.rootCaller(accountId);
  const emptyQueueUrl = await createQueue();
  const poll = () =>
    services.sqs.invoke(
      caller,
      'ReceiveMessage',
      { QueueUrl, WaitTimeSeconds: 20, VisibilityTimeout: 5 },
      { region },
    );
  const first = poll();
  await send();
  expect(await first).toMatchObject({ Messages: [{ Body: 'body' }] });
  const second = poll();
  services.clock.advance(6_000);
  expect(await second).toMatchObject({ Messages: [{ Body: 'body' }] });
  const inVain = receiveNothing();
  services.clock.advance(20_000);
  expect(await inVain).toEqual({});

  function receiveNothing() {
    return services.sqs.invoke(
      caller,
      'ReceiveMessage',
      { QueueUrl: emptyQueueUrl, WaitTimeSeconds: 20 },
      { region },
    );
  }
});

test('a client that hangs up during a long poll takes no message with it', async () => {
  const abort = new AbortController();
  const command = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 });
  const waiting = client.send(command, { abortSignal: abort.signal }).catch((error: Error) => error.name);
  await new Promise((resolve) => setTimeout(resolve, 30));
  abort.abort();
  expect(await waiting).toBe('AbortError');
  await new Promise((resolve) => setTimeout(resolve, 30));
  await send();
  expect(await counts()).toEqual([1, 0, 0]);
});

test('a delayed message is not visible before its time', async () => {
  await send({ DelaySeconds: 30 });
  expect(await counts()).toEqual([0, 0, 1]);
  expect(await receive()).toHaveLength(0);
  wait(30);
  expect(await receive()).toHaveLength(1);
});

test('a message older than the retention period is gone', async () => {
  QueueUrl = await createQueue({ MessageRetentionPeriod: '60' });
  await send();
  wait(30);
  await send({ MessageBody: 'younger' });
  wait(31);
  expect(await counts()).toEqual([1, 0, 0]);
  expect((await receive()).map(({ Body }) => Body)).toEqual(['younger']);
});

test.each(['\u0000', '\u0008', '\u001f', '\ufffe', '\uffff', '\ud800'])(
  'the character %j is refused in a body and in an attribute',
  async (character) => {
    const options = { region, caller: services.iam.rootCaller(accountId) };
    const invoke = (input: Record<string, unknown>) =>
      services.sqs.invoke(options.caller, 'SendMessage', { QueueUrl, MessageBody: 'b', ...input }, options);
    await expect(invoke({ MessageBody: `a${character}` })).rejects.toMatchObject({
      code: 'InvalidMessageContents',
    });
    const MessageAttributes = { key: { DataType: 'String', StringValue: `a${character}` } };
    await expect(invoke({ MessageAttributes })).rejects.toMatchObject({ code: 'InvalidMessageContents' });
    await expect(send({ MessageBody: '\t\n\r \ud7ff\ue000\ufffd🎉\u007f\u0080' })).resolves.toBeDefined();
  },
);

const text = (StringValue: string) => ({ DataType: 'String', StringValue });

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

test('body and attributes together may have 1 MiB, and so may a batch', async () => {
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
  await expect(client.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).rejects.toMatchObject({
    name: 'BatchRequestTooLong',
    message: `Batch requests cannot be longer than 1048576 bytes. You have sent ${limit + 4} bytes.`,
  });
});

test('in a batch one bad entry fails alone', async () => {
  const Entries = [
    { Id: 'good', MessageBody: 'x' },
    { Id: 'bad', MessageBody: 'x', MessageAttributes: { a: text('') } },
  ];
  const answer = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
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
  const deleted = await client.send(
    new DeleteMessageBatchCommand({
      QueueUrl,
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

test('a message received too often goes to the dead-letter queue and remembers where it came from', async () => {
  const deadLetterUrl = QueueUrl;
  const arnOf = (url: string): string => `arn:aws:sqs:${region}:${accountId}:${url.split('/').at(-1)}`;
  QueueUrl = await createQueue({
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(deadLetterUrl), maxReceiveCount: 2 }),
  });
  const sent = await send({ MessageAttributes: { a: text('x') } });
  expect(await receive({ VisibilityTimeout: 0 })).toHaveLength(1);
  expect(await receive({ VisibilityTimeout: 0 })).toHaveLength(1);
  expect(await receive({ VisibilityTimeout: 0 })).toHaveLength(0);
  expect(await counts()).toEqual([0, 0, 0]);
  const [dead] = await receive({
    QueueUrl: deadLetterUrl,
    MessageSystemAttributeNames: ['DeadLetterQueueSourceArn', 'ApproximateReceiveCount'],
    MessageAttributeNames: ['All'],
  });
  expect(dead).toMatchObject({
    MessageId: sent.MessageId,
    // Received twice in its own queue: SQS counts on.
    Attributes: { DeadLetterQueueSourceArn: arnOf(QueueUrl), ApproximateReceiveCount: '3' },
    MessageAttributes: { a: { StringValue: 'x' } },
  });
});

test('purging takes everything and may be done once a minute', async () => {
  await send();
  await client.send(new PurgeQueueCommand({ QueueUrl }));
  expect(await counts()).toEqual([0, 0, 0]);
  await expect(client.send(new PurgeQueueCommand({ QueueUrl }))).rejects.toMatchObject({
    name: 'PurgeQueueInProgress',
  });
});

test('no more than 120,000 messages are in flight', async () => {
  const caller = services.iam.rootCaller(accountId);
  const invoke = (operation: string, input: object) =>
    services.sqs.invoke(caller, operation, { QueueUrl, ...input }, { region });
  const Entries = Array.from({ length: 10 }, (_, index) => ({ Id: String(index), MessageBody: 'x' }));
  for (let sent = 0; sent < 120_010; sent += 10) await invoke('SendMessageBatch', { Entries });
  for (let taken = 0; taken < 120_000; taken += 10)
    await invoke('ReceiveMessage', { MaxNumberOfMessages: 10 });
  await expect(receive()).rejects.toMatchObject({ name: 'OverLimit' });
});
