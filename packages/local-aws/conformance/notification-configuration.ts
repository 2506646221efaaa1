/** The notification configuration of a bucket: filters, destinations, and configurations that S3 refuses. */
import { GetBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import { matches, refused, same } from './difference.ts';
import { NEEDS, subscribe, configure } from './notified-queue.ts';

const FILTERING = s3Guide('notification-how-to-filtering');

export const aNewDestinationIsSentATestEvent = behaviour(
  'PutBucketNotificationConfiguration sends s3:TestEvent, a message without Records, to the queue.',
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
  'A notification configuration with a prefix and a suffix applies to keys that have both, compared as plain text.',
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
  'PutBucketNotificationConfiguration fails with 400 InvalidArgument if two filters for one event type overlap, and accepts separate suffixes.',
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
  'PutBucketNotificationConfiguration fails with 400 InvalidArgument if the queue does not exist or its policy does not allow S3 to send.',
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
  'PutBucketNotificationConfiguration replaces the whole configuration, generates missing ids, and stops all notifications if it is empty.',
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

export const aQueueWithTheManagedKeyIsRefused = behaviour(
  'PutBucketNotificationConfiguration fails with 400 InvalidArgument for a queue that is encrypted with alias/aws/sqs, because the policy of this key does not allow S3.',
  s3Guide('grant-destinations-permissions-to-s3'),
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const attributes = { KmsMasterKeyId: 'alias/aws/sqs' };
    const { arn: QueueArn } = await context.queue({ from: Bucket, attributes });
    const refusal = configure(context, Bucket, [{ QueueArn, Events: ['s3:ObjectCreated:*'] }]);
    await refused('encrypted queue', refusal, '400 InvalidArgument');
  },
  NEEDS,
);
