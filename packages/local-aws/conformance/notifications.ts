/** Event notifications of a bucket to a queue. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  GetBucketNotificationConfigurationCommand,
  GetObjectAclCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutObjectAclCommand,
  PutObjectTaggingCommand,
  type QueueConfiguration,
  RestoreObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import type { Context, Queue, Versioning } from './context.ts';
import { Difference, matches, refused, same } from './difference.ts';

const STRUCTURE = s3Guide('notification-content-structure');
const FILTERING = s3Guide('notification-how-to-filtering');
const NEEDS = ['s3', 'sqs'] as const;

/** Events take seconds as a rule, and sometimes a minute or longer. */
const PATIENCE_MS = 90_000;

interface EventRecord {
  eventName: string;
  eventVersion: string;
  eventSource: string;
  awsRegion: string;
  s3: {
    configurationId: string;
    bucket: { name: string; arn: string };
    object: { key: string; size?: number; eTag?: string; versionId?: string; sequencer?: string };
  };
}

interface Subscription {
  Bucket: string;
  queue: Queue;
  /** Waits for so many records; test events do not count. Ordered as they happened to one key, by sequencer. */
  records(count: number): Promise<EventRecord[]>;
  /** Bodies of messages without records. */
  others: Record<string, unknown>[];
}

const subscribe = async (
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

const configure = async ({ s3 }: Context, Bucket: string, QueueConfigurations: QueueConfiguration[]) => {
  const NotificationConfiguration = { QueueConfigurations };
  await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
};

const receive = async (
  { sqs }: Context,
  queue: Queue,
  others: Record<string, unknown>[],
  count: number,
): Promise<EventRecord[]> => {
  // An event may come twice; the sequencer of one key tells it.
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

const identityOf = ({ eventName, s3 }: EventRecord): string =>
  [eventName, s3.object.key, s3.object.versionId, s3.object.sequencer].join(' ');

export const aPutIsToldToTheQueue = behaviour(
  'An upload sends a record with the bucket, the key, size and ETag without quotes, and the id of the configuration.',
  STRUCTURE,
  async (context) => {
    const { Bucket, records } = await subscribe(context, 'never', { Id: 'mine' });
    const { ETag } = await context.put(Bucket, 'a/b.txt', 'content');
    const [record] = await records(1);
    same('name', record?.eventName, 'ObjectCreated:Put');
    same('source', [record?.eventSource, record?.awsRegion], ['aws:s3', context.region]);
    matches('version', record?.eventVersion, /^2\.\d+$/);
    same('configuration', record?.s3.configurationId, 'mine');
    same('bucket', [record?.s3.bucket.name, record?.s3.bucket.arn], [Bucket, `arn:aws:s3:::${Bucket}`]);
    const { sequencer, ...object } = record?.s3.object ?? {};
    same('object', object, { key: 'a/b.txt', size: 7, eTag: ETag?.replaceAll('"', '') });
    matches('sequencer', sequencer, /^[0-9A-F]+$/);
  },
  NEEDS,
);

export const keysOfEventsAreFormEncoded = behaviour(
  'The key of a record is form-encoded: a space is a plus, a plus %2B.',
  STRUCTURE,
  async (context) => {
    const { Bucket, records } = await subscribe(context, 'never');
    await context.put(Bucket, 'a b+c/ü&=%.txt', 'content');
    const [record] = await records(1);
    same('key', record?.s3.object.key, 'a+b%2Bc/%C3%BC%26%3D%25.txt');
  },
  NEEDS,
);

export const deletesAreToldApart = behaviour(
  'A delete marker is ObjectRemoved:DeleteMarkerCreated with its own version id, a version deleted for good ObjectRemoved:Delete.',
  s3Guide('notification-how-to-event-types-and-destinations'),
  async (context) => {
    const { s3, put } = context;
    const { Bucket, records } = await subscribe(context, 'Enabled');
    const { VersionId } = await put(Bucket, 'k', 'content');
    const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId }));
    const found = (await records(3)).map((one) => `${one.eventName} ${one.s3.object.versionId}`);
    same('records by sequencer', found, [
      `ObjectCreated:Put ${VersionId}`,
      `ObjectRemoved:DeleteMarkerCreated ${marker.VersionId}`,
      `ObjectRemoved:Delete ${VersionId}`,
    ]);
  },
  NEEDS,
);

export const sequencersGrow = behaviour(
  'Sequencers of one key, compared as text, grow with each write.',
  STRUCTURE,
  async (context) => {
    const { Bucket, records } = await subscribe(context, 'Enabled');
    const ids: (string | undefined)[] = [];
    for (let write = 0; write < 5; write++) ids.push((await context.put(Bucket, 'k', `${write}`)).VersionId);
    const found = (await records(5)).map(({ s3 }) => s3.object.versionId);
    same('versions by sequencer', found, ids);
  },
  NEEDS,
);

export const copiesAndCompletionsHaveNamesOfTheirOwn = behaviour(
  'A copy is ObjectCreated:Copy, a completed upload ObjectCreated:CompleteMultipartUpload with the size of the whole.',
  s3Guide('notification-how-to-event-types-and-destinations'),
  async (context) => {
    const { s3, put } = context;
    const { Bucket, records } = await subscribe(context, 'never');
    await put(Bucket, 'source', 'content');
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/source` }));
    const Key = 'multi';
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const { ETag } = await s3.send(
      new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'part' }),
    );
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
    const found = (await records(3)).map(
      (one) => `${one.s3.object.key} ${one.eventName} ${one.s3.object.size}`,
    );
    same('records', found.toSorted(), [
      'copy ObjectCreated:Copy 7',
      'multi ObjectCreated:CompleteMultipartUpload 4',
      'source ObjectCreated:Put 7',
    ]);
  },
  NEEDS,
);

export const tagChangesAreToldToThoseWhoAsk = behaviour(
  'PutObjectTagging sends ObjectTagging:Put, which ObjectCreated:* does not include.',
  s3Guide('notification-how-to-event-types-and-destinations'),
  async (context) => {
    const { Bucket, records } = await subscribe(context, 'never', { Events: ['s3:ObjectTagging:*'] });
    await context.put(Bucket, 'k', 'content', { Tagging: 'a=1' });
    const Tagging = { TagSet: [{ Key: 'b', Value: '2' }] };
    await context.s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'k', Tagging }));
    same(
      'records',
      (await records(1)).map(({ eventName }) => eventName),
      ['ObjectTagging:Put'],
    );
  },
  NEEDS,
);

export const takingTagsAwayIsTold = behaviour(
  'DeleteObjectTagging sends ObjectTagging:Delete with the id of the version, in a record of version 2.3 or later.',
  STRUCTURE,
  async (context) => {
    const { s3 } = context;
    const { Bucket, records } = await subscribe(context, 'Enabled', { Events: ['s3:ObjectTagging:Delete'] });
    const { VersionId } = await context.put(Bucket, 'k', 'content', { Tagging: 'a=1' });
    await context.put(Bucket, 'k', 'newer');
    await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'k', VersionId }));
    const [record] = await records(1);
    same('name', record?.eventName, 'ObjectTagging:Delete');
    same('object', [record?.s3.object.key, record?.s3.object.versionId], ['k', VersionId]);
    matches('version', record?.eventVersion, /^2\.([3-9]|\d\d)$/);
  },
  NEEDS,
);

export const aNewAclIsTold = behaviour(
  'PutObjectAcl that changes the ACL sends ObjectAcl:Put.',
  s3Guide('notification-how-to-event-types-and-destinations'),
  async (context) => {
    const { s3 } = context;
    const { Bucket, records } = await subscribe(context, 'never', { Events: ['s3:ObjectAcl:Put'] });
    const OwnershipControls = { Rules: [{ ObjectOwnership: 'ObjectWriter' as const }] };
    await s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }));
    await context.put(Bucket, 'k', 'content');
    const { Owner } = await s3.send(new GetObjectAclCommand({ Bucket, Key: 'k' }));
    await s3.send(new PutObjectAclCommand({ Bucket, Key: 'k', GrantRead: `id="${Owner?.ID}"` }));
    const [record] = await records(1);
    same('record', [record?.eventName, record?.s3.object.key], ['ObjectAcl:Put', 'k']);
  },
  NEEDS,
);

export const aRestoreIsTold = behaviour(
  'RestoreObject sends ObjectRestore:Post at once.',
  s3Guide('notification-how-to-event-types-and-destinations'),
  async (context) => {
    const { s3 } = context;
    const { Bucket, records } = await subscribe(context, 'never', { Events: ['s3:ObjectRestore:*'] });
    await context.put(Bucket, 'k', 'content', { StorageClass: 'GLACIER' });
    const RestoreRequest = { Days: 1, GlacierJobParameters: { Tier: 'Bulk' as const } };
    await s3.send(new RestoreObjectCommand({ Bucket, Key: 'k', RestoreRequest }));
    const [record] = await records(1);
    same('record', [record?.eventName, record?.s3.object.key], ['ObjectRestore:Post', 'k']);
  },
  NEEDS,
);

export const aNewDestinationIsSentATestEvent = behaviour(
  'When a configuration is put, its queue is sent s3:TestEvent, a message without Records.',
  s3Guide('notification-content-structure'),
  async (context) => {
    const { Bucket, records, others } = await subscribe(context, 'never');
    await context.put(Bucket, 'k', 'content');
    await records(1);
    same(
      'other messages',
      others.map(({ Service, Event, Bucket: bucket }) => [Service, Event, bucket]),
      [['Amazon S3', 's3:TestEvent', Bucket]],
    );
  },
  NEEDS,
);

const filterOf = (Name: 'prefix' | 'suffix', Value: string) => ({
  Filter: { Key: { FilterRules: [{ Name, Value }] } },
});

export const filtersChooseByPrefixAndSuffix = behaviour(
  'A configuration with a prefix and a suffix is told of keys that have both, compared as plain text.',
  FILTERING,
  async (context) => {
    const FilterRules = [
      { Name: 'prefix' as const, Value: 'in/' },
      { Name: 'suffix' as const, Value: '.jpg' },
    ];
    const { Bucket, records } = await subscribe(context, 'never', { Filter: { Key: { FilterRules } } });
    for (const key of ['in/a.png', 'a.jpg', 'in/b.JPG', 'in/c.jpg', 'in/d.jpg'])
      await context.put(Bucket, key, 'content');
    const found = (await records(2)).map(({ s3 }) => s3.object.key);
    same('keys', found.toSorted(), ['in/c.jpg', 'in/d.jpg']);
  },
  NEEDS,
);

export const overlappingFiltersAreRefused = behaviour(
  'Two configurations for one event type whose prefixes overlap are 400 InvalidArgument; with separate suffixes they are taken.',
  FILTERING,
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const { arn: QueueArn } = await context.queue({ from: Bucket });
    const put = (...filters: object[]) =>
      configure(
        context,
        Bucket,
        filters.map((filter) => ({ QueueArn, Events: ['s3:ObjectCreated:*'], ...filter })),
      );
    await put(filterOf('suffix', '.a'), filterOf('suffix', '.b'));
    const overlap = put(filterOf('prefix', 'a'), filterOf('prefix', 'a/b'));
    await refused('overlapping prefixes', overlap, '400 InvalidArgument');
    await refused(
      'prefix and suffix',
      put(filterOf('prefix', 'a'), filterOf('suffix', 'b')),
      '400 InvalidArgument',
    );
  },
  NEEDS,
);

export const aQueueThatS3MayNotSendToIsRefused = behaviour(
  'A queue that does not exist, or whose policy does not let S3 in, is 400 InvalidArgument when the configuration is put.',
  s3Api('API_PutBucketNotificationConfiguration'),
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const closed = await context.queue();
    const put = (QueueArn: string) =>
      configure(context, Bucket, [{ QueueArn, Events: ['s3:ObjectCreated:*'] }]);
    await refused('closed queue', put(closed.arn), '400 InvalidArgument');
    await refused('missing queue', put(`${closed.arn}-missing`), '400 InvalidArgument');
  },
  NEEDS,
);

export const aConfigurationIsReplacedAsAWhole = behaviour(
  'PutBucketNotificationConfiguration replaces everything; S3 makes an id where none was given, and an empty one ends all.',
  s3Api('API_PutBucketNotificationConfiguration'),
  async (context) => {
    const { s3 } = context;
    const { Bucket, queue } = await subscribe(context, 'never', { Id: 'first' });
    const get = () => s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    await configure(context, Bucket, [{ QueueArn: queue.arn, Events: ['s3:ObjectRemoved:Delete'] }]);
    const [only, ...more] = (await get()).QueueConfigurations ?? [];
    same('configurations', [only?.Events, more], [['s3:ObjectRemoved:Delete'], []]);
    matches('id', only?.Id, /^(?!first$).+$/);
    await configure(context, Bucket, []);
    same('after an empty one', (await get()).QueueConfigurations ?? [], []);
  },
  NEEDS,
);
