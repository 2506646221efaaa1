/** Creates queues that receive a bucket's event notifications, and reads the event records in them. */
import { PutBucketNotificationConfigurationCommand, type QueueConfiguration } from '@aws-sdk/client-s3';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { Context, Queue, Versioning } from './context.ts';
import { Difference } from './difference.ts';

export const NEEDS = ['s3', 'sqs'] as const;

/** How long to wait for events. They usually take seconds, and sometimes a minute or longer. */
export const PATIENCE_MS = 90_000;

export interface EventRecord {
  eventName: string;
  eventVersion: string;
  eventSource: string;
  awsRegion: string;
  objectRetentionEventData?: { mode: string; retainUntilDate: string };
  s3: {
    configurationId: string;
    bucket: { name: string; arn: string };
    object: { key: string; size?: number; eTag?: string; versionId?: string; sequencer?: string };
  };
}

export interface Subscription {
  Bucket: string;
  queue: Queue;
  /**
   * Waits for this many event records, not counting test events. Returns the records sorted by sequencer. The
   * sequencers give the order of the events of one key.
   */
  records(count: number): Promise<EventRecord[]>;
  /** The bodies of messages without event records, for example test events. */
  others: Record<string, unknown>[];
}

export const subscribe = async (
  context: Context,
  versioning: Versioning,
  configuration: Partial<QueueConfiguration> = {},
): Promise<Subscription> => {
  const Bucket = await context.freshBucket(versioning);
  const queue = await context.queue({ from: Bucket });
  await configure(context, Bucket, [
    { QueueArn: queue.arn, Events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'], ...configuration },
  ]);
  const others: Record<string, unknown>[] = [];
  return { Bucket, queue, others, records: (count) => receive(context, queue, others, count) };
};

export const configure = async (
  { s3 }: Context,
  Bucket: string,
  QueueConfigurations: QueueConfiguration[],
) => {
  const NotificationConfiguration = { QueueConfigurations };
  await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
};

export const receive = async (
  { sqs }: Context,
  queue: Queue,
  others: Record<string, unknown>[],
  count: number,
): Promise<EventRecord[]> => {
  // An event may be delivered twice. The identity of a record contains the sequencer, which is different for
  // each event of a key, so a second delivery replaces the first.
  const records = new Map<string, EventRecord>();
  const endMs = Date.now() + PATIENCE_MS;
  while (records.size < count && Date.now() < endMs) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: queue.url, WaitTimeSeconds: 5, MaxNumberOfMessages: 10 }),
    );
    for (const { Body = '', ReceiptHandle } of Messages) {
      const parsed = JSON.parse(Body) as { Records?: EventRecord[] } & Record<string, unknown>;
      if (parsed.Records === undefined) others.push(parsed);
      for (const record of parsed.Records ?? []) records.set(identityOf(record), record);
      await sqs.send(new DeleteMessageCommand({ QueueUrl: queue.url, ReceiptHandle }));
    }
  }
  if (records.size < count) throw new Difference('event records', count, records.size);
  const sequencer = ({ s3 }: EventRecord) => s3.object.sequencer ?? '';
  return [...records.values()].toSorted((a, b) => (sequencer(a) < sequencer(b) ? -1 : 1));
};

export const identityOf = ({ eventName, s3 }: EventRecord): string =>
  [eventName, s3.object.key, s3.object.versionId, s3.object.sequencer].join(' ');
