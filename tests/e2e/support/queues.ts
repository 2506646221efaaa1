/** Uses the live queue and the dead-letter queue as an operator or as an unknown sender would. */
import {
  ChangeMessageVisibilityCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { type CliRun, runReplicatorCli } from '../../../demo/replicator-cli.ts';
import type { Stage } from './stages/stage.ts';

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

/** Sends a message to the live queue. */
export const send = async ({ source, liveQueueUrl: QueueUrl }: Stage, body: unknown): Promise<void> => {
  const MessageBody = typeof body === 'string' ? body : JSON.stringify(body);
  await source.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
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
