/**
 * The queues of a stack behind SQS's JSON protocol, and its replicate function, which forwards messages. A script can make any call fail.
 * The clock moves only when a test sets it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ForwardedMessage } from '../../src/lib/delivery/forwarding.ts';

export interface StoredMessage {
  id: string;
  body: string;
  attributes: Record<string, { DataType: string; StringValue?: string; BinaryValue?: string }>;
  sentMs: number;
  visibleAtMs: number;
  receiptHandle: string | null;
  /** The queue from which SQS moved the message; absent if it was sent. */
  movedFrom?: string;
}

/** What a call returns instead of its normal result. Undefined means that the call works normally. */
export type Verdict = { status: number; code: string; message: string } | 'no answer' | undefined;

/** All fields that the requests may have. Each operation uses some of them. */
interface Input {
  QueueName: string;
  QueueUrl: string;
  MaxNumberOfMessages: number;
  VisibilityTimeout: number;
  Entries: Entry[];
}

interface Entry {
  Id: string;
  MessageBody: string;
  MessageAttributes: StoredMessage['attributes'];
  ReceiptHandle: string;
  VisibilityTimeout: number;
}

export interface ScriptedSqs {
  endpoint: string;
  queues: Record<string, StoredMessage[]>;
  /** The calls so far, in order. Each one has the form `Operation queue-name`. */
  calls: string[];
  /** The keys whose letters the function was made to forget. */
  forgotten: string[];
  nowMs: number;
  /** Called before each call to SQS is performed. Decides whether the call works normally. */
  script: (operation: string, input: Input) => Verdict;
  put(queue: string, body: string, attributes?: Record<string, string>, sentMs?: number): void;
  close(): Promise<void>;
}

export const DEAD = 's3-replicator-prod-live-dlq';
export const LIVE = 's3-replicator-prod-live';
export const BACKFILL = 's3-replicator-prod-backfill';
export const REPLICATE = 's3-replicator-prod-replicate';
const ACCOUNT = '111111111111';

export const startScriptedSqs = async (): Promise<ScriptedSqs> => {
  const server = createServer(
    { keepAliveTimeout: 60_000 },
    (request, response) => void answer(sqs, request, response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const sqs: ScriptedSqs = {
    endpoint: `http://127.0.0.1:${port}`,
    queues: { [LIVE]: [], [BACKFILL]: [], [DEAD]: [] },
    calls: [],
    forgotten: [],
    nowMs: Date.parse('2026-11-22T12:00:00Z'),
    script: () => undefined,
    put(queue, body, attributes = {}, sentMs = sqs.nowMs) {
      const typed = Object.entries(attributes).map(([name, value]) => [
        name,
        { DataType: 'String', StringValue: value },
      ]);
      store(sqs, queue, { body, attributes: Object.fromEntries(typed), sentMs });
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return sqs;
};

const store = (
  sqs: ScriptedSqs,
  queue: string,
  message: Pick<StoredMessage, 'body' | 'attributes' | 'sentMs'>,
): string => {
  const id = randomUUID();
  sqs.queues[queue]!.push({ ...message, id, visibleAtMs: 0, receiptHandle: null });
  return id;
};

const answer = async (
  sqs: ScriptedSqs,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  if (request.url?.includes('/functions/')) return invoke(sqs, text, response);
  const operation = String(request.headers['x-amz-target']).replace('AmazonSQS.', '');
  const input: Input = JSON.parse(text);
  sqs.calls.push(`${operation} ${(input.QueueName ?? input.QueueUrl ?? '').split(/[/:]/).at(-1)}`);
  const verdict = sqs.script(operation, input);
  if (verdict === 'no answer') return;
  const result = verdict ?? OPERATIONS[operation]?.(sqs, input);
  if (result === undefined) throw new Error(`no ${operation} here`);
  const failed = 'code' in result && 'status' in result;
  response.writeHead(failed ? Number(result['status']) : 200, {
    'content-type': 'application/x-amz-json-1.0',
  });
  response.end(
    JSON.stringify(
      failed ? { __type: `com.amazonaws.sqs#${String(result['code'])}`, message: result['message'] } : result,
    ),
  );
};

interface Payload {
  forget?: { key: string }[];
  forward: 'live' | 'backfill';
  messages: ForwardedMessage[];
}

/** Sends the messages on, or forgets letters, as the replicate function does. */
const invoke = (sqs: ScriptedSqs, text: string, response: ServerResponse): void => {
  const refused = sqs.script('Invoke', JSON.parse(text));
  if (typeof refused === 'object') {
    response.writeHead(refused.status, {
      'content-type': 'application/json',
      'x-amzn-errortype': refused.code,
    });
    response.end(JSON.stringify({ message: refused.message }));
    return;
  }
  const { forget, forward, messages }: Payload = JSON.parse(text);
  if (forget !== undefined) {
    sqs.forgotten.push(...forget.map(({ key }) => key));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ forgotten: forget.length }));
    return;
  }
  const queue = forward === 'live' ? LIVE : BACKFILL;
  const Entries = messages.map(({ body, attributes }, index) => ({
    Id: String(index),
    MessageBody: body,
    MessageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [
        name,
        'text' in value
          ? { DataType: value.dataType, StringValue: value.text }
          : { DataType: value.dataType, BinaryValue: value.base64 },
      ]),
    ),
    ReceiptHandle: '',
    VisibilityTimeout: 0,
  }));
  const input = { QueueName: queue, QueueUrl: queue, Entries, MaxNumberOfMessages: 0, VisibilityTimeout: 0 };
  sqs.calls.push(`SendMessageBatch ${queue}`);
  const verdict = sqs.script('SendMessageBatch', input);
  if (typeof verdict === 'object') {
    response.writeHead(200, { 'content-type': 'application/json', 'x-amz-function-error': 'Unhandled' });
    response.end(JSON.stringify({ errorType: verdict.code, errorMessage: verdict.message }));
    return;
  }
  for (const { MessageBody: body, MessageAttributes: attributes } of input.Entries)
    store(sqs, queue, { body, attributes, sentMs: sqs.nowMs });
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ forwarded: input.Entries.map(({ Id }) => Number(Id)) }));
};

const queueOf = (input: Input): string => (input.QueueUrl ?? '').split('/').at(-1) ?? '';

const OPERATIONS: Record<string, (sqs: ScriptedSqs, input: Input) => Record<string, unknown>> = {
  GetQueueUrl: (sqs, { QueueName }) =>
    QueueName in sqs.queues
      ? { QueueUrl: `${sqs.endpoint}/${ACCOUNT}/${QueueName}` }
      : { status: 400, code: 'QueueDoesNotExist', message: 'The specified queue does not exist.' },
  GetQueueAttributes: (sqs, input) => {
    const messages = sqs.queues[queueOf(input)]!;
    const visible = messages.filter(({ visibleAtMs }) => visibleAtMs <= sqs.nowMs).length;
    return {
      Attributes: {
        QueueArn: `arn:aws:sqs:us-east-1:${ACCOUNT}:${queueOf(input)}`,
        ApproximateNumberOfMessages: String(visible),
        ApproximateNumberOfMessagesNotVisible: String(messages.length - visible),
        ApproximateNumberOfMessagesDelayed: '0',
        MessageRetentionPeriod: '1209600',
      },
    };
  },
  ReceiveMessage: (sqs, input) => {
    const visible = sqs.queues[queueOf(input)]!.filter(({ visibleAtMs }) => visibleAtMs <= sqs.nowMs);
    const received = visible.slice(0, input.MaxNumberOfMessages);
    for (const message of received) {
      message.visibleAtMs = sqs.nowMs + input.VisibilityTimeout * 1000;
      message.receiptHandle = randomUUID();
    }
    return {
      Messages: received.map(({ id, body, attributes, sentMs, receiptHandle, movedFrom }) => ({
        MessageId: id,
        ReceiptHandle: receiptHandle,
        Body: body,
        MD5OfBody: md5(body),
        Attributes: {
          SentTimestamp: String(sentMs),
          ...(movedFrom === undefined
            ? {}
            : { DeadLetterQueueSourceArn: `arn:aws:sqs:us-east-1:${ACCOUNT}:${movedFrom}` }),
        },
        MessageAttributes: attributes,
      })),
    };
  },
  DeleteMessageBatch: (sqs, input) =>
    eachReceipt(sqs, input, (message) => {
      sqs.queues[queueOf(input)] = sqs.queues[queueOf(input)]!.filter((other) => other !== message);
    }),
  ChangeMessageVisibilityBatch: (sqs, input) =>
    eachReceipt(sqs, input, (message, { VisibilityTimeout }) => {
      message.visibleAtMs = VisibilityTimeout === 0 ? 0 : sqs.nowMs + VisibilityTimeout * 1000;
    }),
};

const eachReceipt = (
  sqs: ScriptedSqs,
  input: Input,
  act: (message: StoredMessage, entry: Entry) => void,
): Record<string, unknown> => {
  const found = (entry: Entry): StoredMessage | undefined =>
    sqs.queues[queueOf(input)]!.find(({ receiptHandle }) => receiptHandle === entry.ReceiptHandle);
  const entries = input.Entries;
  for (const entry of entries) {
    const message = found(entry);
    if (message !== undefined) act(message, entry);
  }
  return { Successful: entries.map(({ Id }) => ({ Id })) };
};

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
