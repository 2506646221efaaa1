/** Uses the live queue and the dead-letter queue as an operator or as an unknown sender would. */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { clientConfig } from '@s3-replicator/local-aws';
import { type CliRun, runReplicatorCli } from '../../../demo/replicator-cli.ts';
import { SOURCE_ACCOUNT, type TwoAccounts } from '../../../demo/two-accounts.ts';
import { REGION, type Stage } from './stages/stage.ts';

export interface Letter {
  body: string;
  attributes: Record<string, string>;
}

/**
 * Minimum time after which a second equal message counts as a repetition by the SDK. The SDK waits four seconds for a response
 * before it sends again. When the function itself sends a message again, it does so sooner.
 */
const RESENT_AFTER_MS = 3_000;

/**
 * Reads all messages of the dead-letter queue, in no particular order. The messages stay in the queue. Leaves out messages that
 * the SDK sent again because a busy machine did not respond in time.
 */
export const deadLetters = async ({
  source,
  deadLetterQueueUrl: QueueUrl,
}: Pick<Stage, 'source' | 'deadLetterQueueUrl'>): Promise<Letter[]> => {
  const letters: (Letter & { sentMs: number })[] = [];
  const handles: string[] = [];
  for (;;) {
    const { Messages: messages = [] } = await source.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: 60,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['SentTimestamp'],
      }),
    );
    if (messages.length === 0) break;
    for (const {
      Body = '',
      MessageAttributes: attributes = {},
      Attributes,
      ReceiptHandle = '',
    } of messages) {
      const texts = Object.entries(attributes).map(
        ([name, value]) => [name, value.StringValue ?? ''] as const,
      );
      const sentMs = Number(Attributes?.SentTimestamp);
      letters.push({ body: Body, attributes: Object.fromEntries(texts), sentMs });
      handles.push(ReceiptHandle);
    }
  }
  for (const ReceiptHandle of handles) {
    await source.sqs.send(
      new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }),
    );
  }
  const isResent = (letter: (typeof letters)[number]): boolean =>
    letters.some(
      (other) =>
        letter.sentMs - other.sentMs >= RESENT_AFTER_MS &&
        JSON.stringify([other.body, other.attributes]) === JSON.stringify([letter.body, letter.attributes]),
    );
  return letters.filter((letter) => !isResent(letter)).map(({ body, attributes }) => ({ body, attributes }));
};

/** Sends a message to the live queue as S3, because the queue policy allows no operator to send. */
export const send = async ({ aws, names, configuration }: TwoAccounts, body: unknown): Promise<void> => {
  const bucket = configuration.replication.rules.find(({ source }) => source.events === 's3')?.source.bucket;
  const verdict = aws.sqs.sendAsService({
    queueArn: `arn:aws:sqs:${REGION}:${SOURCE_ACCOUNT}:${names.liveQueue}`,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    service: 's3.amazonaws.com',
    sourceArn: `arn:aws:s3:::${bucket}`,
    sourceAccount: SOURCE_ACCOUNT,
  });
  if (verdict !== 'sent') throw new Error(`the queue policy does not allow S3 to send: ${verdict}`);
};

/** Sends a message to a queue of the stack with the permissions of one of its roles. */
export const sendAs = async (
  { aws }: Pick<TwoAccounts, 'aws'>,
  { role, queue, body }: { role: string; queue: string; body: string },
): Promise<void> => {
  const { credentials } = aws.iam.createSession(`arn:aws:iam::${SOURCE_ACCOUNT}:role/${role}`, 'test', 900);
  const client = new SQSClient(clientConfig(aws, credentials));
  const QueueUrl = aws.sqs.queueUrl(`arn:aws:sqs:${REGION}:${SOURCE_ACCOUNT}:${queue}`);
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: body })).finally(() => client.destroy());
};

/** Does the same as `dlq redrive` without a filter, whose process would take seconds to start. */
export const redriveAll = async ({
  aws,
  source,
  names,
  deadLetterQueueUrl: QueueUrl,
}: TwoAccounts): Promise<void> => {
  for (;;) {
    const { Messages: messages = [] } = await source.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
    );
    if (messages.length === 0) return;
    const wires = messages.map(({ Body: body = '', MessageAttributes: typed = {} }) => ({
      body,
      attributes: Object.fromEntries(
        Object.entries(typed).map(([name, { DataType: dataType, StringValue: text }]) => [
          name,
          { dataType, text },
        ]),
      ),
    }));
    const request = { forward: 'live', messages: wires };
    const { payload, functionError } = await aws.lambda.invoke(names.replicateFunction, request);
    if (functionError) throw new Error(payload);
    for (const { ReceiptHandle } of messages)
      await source.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  }
};

/** Returns the record that S3 would send for an object. `more` adds fields to the object, e.g. to make two events differ. */
export const s3Record = (bucket: string, key: string, more: object = {}) => ({
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  awsRegion: 'us-east-1',
  eventTime: '2026-11-22T12:00:00.000Z',
  eventName: 'ObjectCreated:Put',
  s3: { bucket: { name: bucket }, object: { key: encodeURIComponent(key).replaceAll('%20', '+'), ...more } },
});

/** Runs the replicator's command line in its own process, with the rights of the source account's administrator. */
export const cli = (stage: Stage, ...argv: string[]): Promise<CliRun> =>
  runReplicatorCli([...argv, '--config', stage.replicationFile], stage.source.environment());

/** Empties all queues, including messages in flight. */
export const purge = (stage: Stage): void => {
  for (const queue of [stage.live, stage.dead, ...stage.waiting]) queue.purge();
};

/**
 * Delays all new messages of the live queue while `what` runs. Everything that `what` changes at the source is therefore complete
 * before the first event is received.
 */
export const beforeEvents = async (stage: Stage, what: () => Promise<unknown>): Promise<void> => {
  const delay = (seconds: number): Promise<unknown> =>
    stage.source.sqs.send(
      new SetQueueAttributesCommand({
        QueueUrl: stage.liveQueueUrl,
        Attributes: { DelaySeconds: String(seconds) },
      }),
    );
  await delay(10);
  await what();
  await delay(0);
};
