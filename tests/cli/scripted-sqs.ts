/**
 * A live queue and a dead-letter queue behind SQS's JSON protocol. A script can make any call fail. The clock
 * moves only when a test sets it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StoredMessage {
  id: string;
  body: string;
  attributes: Record<string, { DataType: string; StringValue?: string; BinaryValue?: string }>;
  sentMs: number;
  visibleAtMs: number;
  receiptHandle: string | null;
}

export interface MoveTaskEntry {
  TaskHandle?: string;
  Status: string;
  StartedTimestamp: number;
  ApproximateNumberOfMessagesMoved: number;
  ApproximateNumberOfMessagesToMove?: number;
  FailureReason?: string;
}

/** What a call returns instead of its normal result. Undefined means that the call works normally. */
export type Verdict = { status: number; code: string; message: string } | 'no answer' | undefined;

/** All fields that the requests may have. Each operation uses some of them. */
interface Input {
  QueueName: string;
  QueueUrl: string;
  SourceArn: string;
  DestinationArn: string;
  MaxNumberOfMessages: number;
  MaxNumberOfMessagesPerSecond: number;
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
  moveTasks: MoveTaskEntry[];
  /** The calls so far, in order. Each one has the form `Operation queue-name`. */
  calls: string[];
  nowMs: number;
  /** Called before each call to SQS is performed. Decides whether the call works normally. */
  script: (operation: string, input: Input) => Verdict;
  /**
   * Called each time the status of the move tasks is read. By default, all tasks are complete the first time.
   */
  onPoll: () => void;
  put(queue: string, body: string, attributes?: Record<string, string>, sentMs?: number): void;
  close(): Promise<void>;
}

export const DEAD = 's3-replicator-prod-live-dlq';
export const LIVE = 's3-replicator-prod-live';
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
    queues: { [LIVE]: [], [DEAD]: [] },
    moveTasks: [],
    calls: [],
    nowMs: Date.parse('2026-11-22T12:00:00Z'),
    script: () => undefined,
    onPoll: () => completeMoves(sqs),
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

/** Completes all running move tasks. */
export const completeMoves = (sqs: ScriptedSqs): void => {
  for (const task of sqs.moveTasks.filter(({ Status }) => Status === 'RUNNING')) {
    const visible = sqs.queues[DEAD]!.filter(({ visibleAtMs }) => visibleAtMs <= sqs.nowMs);
    sqs.queues[DEAD] = sqs.queues[DEAD]!.filter((message) => !visible.includes(message));
    for (const message of visible) store(sqs, LIVE, message);
    task.Status = 'COMPLETED';
    task.ApproximateNumberOfMessagesMoved = visible.length;
    task.ApproximateNumberOfMessagesToMove = visible.length;
    delete task.TaskHandle;
  }
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
  const operation = String(request.headers['x-amz-target']).replace('AmazonSQS.', '');
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  const input: Input = JSON.parse(text);
  sqs.calls.push(
    `${operation} ${(input.QueueName ?? input.QueueUrl ?? input.SourceArn ?? '').split(/[/:]/).at(-1)}`,
  );
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
      Messages: received.map(({ id, body, attributes, sentMs, receiptHandle }) => ({
        MessageId: id,
        ReceiptHandle: receiptHandle,
        Body: body,
        MD5OfBody: md5(body),
        Attributes: { SentTimestamp: String(sentMs) },
        MessageAttributes: attributes,
      })),
    };
  },
  SendMessageBatch: (sqs, input) => ({
    Successful: input.Entries.map(({ Id, MessageBody, MessageAttributes }) => ({
      Id,
      MD5OfMessageBody: md5(MessageBody),
      MessageId: store(sqs, queueOf(input), {
        body: MessageBody,
        attributes: MessageAttributes,
        sentMs: sqs.nowMs,
      }),
    })),
  }),
  DeleteMessageBatch: (sqs, input) =>
    eachReceipt(sqs, input, (message) => {
      sqs.queues[queueOf(input)] = sqs.queues[queueOf(input)]!.filter((other) => other !== message);
    }),
  ChangeMessageVisibilityBatch: (sqs, input) =>
    eachReceipt(sqs, input, (message, { VisibilityTimeout }) => {
      message.visibleAtMs = VisibilityTimeout === 0 ? 0 : sqs.nowMs + VisibilityTimeout * 1000;
    }),
  StartMessageMoveTask: (sqs, input) => {
    if (sqs.moveTasks.some(({ Status }) => Status === 'RUNNING')) {
      return { status: 400, code: 'UnsupportedOperation', message: 'There is already a task running.' };
    }
    if (input.DestinationArn !== `arn:aws:sqs:us-east-1:${ACCOUNT}:${LIVE}`) throw new Error('destination');
    const handle = randomUUID();
    sqs.nowMs += 1;
    sqs.moveTasks.unshift({
      TaskHandle: handle,
      Status: 'RUNNING',
      StartedTimestamp: sqs.nowMs,
      ApproximateNumberOfMessagesMoved: 0,
    });
    return { TaskHandle: handle };
  },
  ListMessageMoveTasks: (sqs) => {
    sqs.onPoll();
    return { Results: sqs.moveTasks };
  },
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
