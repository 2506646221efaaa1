import {
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type NotificationConfiguration,
  type QueueConfiguration,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { codeOf, OTHER, queueArn, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
let buckets = 0;
let Bucket = '';
const QueueArn = queueArn('live');

beforeAll(async () => {
  harness = await startHarness();
  harness.queues.set(QueueArn, 'allowed');
  harness.queues.set(queueArn('other'), 'allowed');
  harness.queues.set(queueArn('closed'), 'denied');
});
afterAll(() => harness.close());
beforeEach(() => {
  buckets += 1;
  Bucket = `notifying-${buckets}`;
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
  harness.sent.length = 0;
  harness.events.length = 0;
});

const configure = (NotificationConfiguration: NotificationConfiguration, more: object = {}) =>
  harness.client.send(
    new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration, ...more }),
  );
const toQueue = (...QueueConfigurations: Partial<QueueConfiguration>[]) =>
  configure({
    QueueConfigurations: QueueConfigurations.map((one) => ({
      QueueArn,
      Events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*', 's3:ObjectTagging:*'],
      ...one,
    })),
  });
const versioned = () => harness.s3.updateBucket(Bucket, { VersioningConfiguration: { Status: 'Enabled' } });
const put = (Key: string, Body = 'body', more: object = {}) =>
  harness.client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const filter = (prefix?: string, suffix?: string) => {
  const rules = [
    { Name: 'prefix' as const, Value: prefix },
    { Name: 'suffix' as const, Value: suffix },
  ];
  return { Filter: { Key: { FilterRules: rules.filter(({ Value }) => Value !== undefined) } } };
};

test('a put sends the record that S3 documents', async () => {
  await toQueue({ Id: 'mine' });
  const { ETag } = await put('a/b.txt');
  expect(harness.sent.at(-1)).toMatchObject({
    queueArn: QueueArn,
    sourceArn: `arn:aws:s3:::${Bucket}`,
    sourceAccount: SOURCE,
  });
  const [record] = harness.records();
  expect(record).toMatchObject({
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: REGION,
    eventTime: '2026-11-22T10:00:00.000Z',
    eventName: 'ObjectCreated:Put',
    userIdentity: { principalId: `AWS:${SOURCE}` },
    requestParameters: { sourceIPAddress: '127.0.0.1' },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: 'mine',
      bucket: { name: Bucket, arn: `arn:aws:s3:::${Bucket}` },
      object: { key: 'a/b.txt', size: 4, eTag: ETag?.replaceAll('"', '') },
    },
  });
  expect(record?.responseElements['x-amz-request-id']).toMatch(/^REQ/);
  expect(record?.s3.object.sequencer).toMatch(/^[0-9A-F]{18}$/);
  expect(record?.s3.object).not.toHaveProperty('versionId');
});

test('the key of an event record is form-encoded', async () => {
  await toQueue({});
  await put('a b+c/ü@1~(x).txt');
  expect(harness.records()[0]?.s3.object.key).toBe('a+b%2Bc/%C3%BC%401%7E%28x%29.txt');
});

test('the sequencers of one key grow with each commit, even within a millisecond', async () => {
  await toQueue({});
  for (let write = 0; write < 20; write += 1) await put('k', `${write}`);
  const sequencers = harness.records().map((record) => record.s3.object.sequencer);
  expect(sequencers).toEqual(sequencers.toSorted());
  expect(new Set(sequencers).size).toBe(20);
});

test('a delete in an unversioned bucket sends ObjectRemoved:Delete with neither size nor ETag', async () => {
  await put('k');
  await toQueue({});
  await harness.client.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
  const [record] = harness.records();
  expect(record?.eventName).toBe('ObjectRemoved:Delete');
  expect(Object.keys(record?.s3.object ?? {})).toEqual(['key', 'sequencer']);
});

test('events of tagging have no sequencer', async () => {
  await put('k');
  await toQueue({});
  await harness.client.send(
    new PutObjectTaggingCommand({ Bucket, Key: 'k', Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }),
  );
  await harness.client.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'k' }));
  expect(harness.records()).toMatchObject([
    { eventName: 'ObjectTagging:Put', eventVersion: '2.3' },
    { eventName: 'ObjectTagging:Delete', eventVersion: '2.3' },
  ]);
  expect(harness.records()[0]?.s3.object.sequencer).toBeUndefined();
});

test('a refused write sends no event', async () => {
  await put('k');
  await toQueue({});
  await codeOf(put('k', 'other', { IfNoneMatch: '*' }));
  expect(harness.records()).toEqual([]);
});

test('prefix and suffix filters match the decoded key, and each event goes to the queue that asked for it', async () => {
  await toQueue(
    { Id: 'in', Events: ['s3:ObjectCreated:*'], ...filter('in box/', '.txt') },
    { Id: 'removed', QueueArn: queueArn('other'), Events: ['s3:ObjectRemoved:Delete'] },
  );
  for (const key of ['in box/a.txt', 'in box/a.bin', 'out/a.txt']) await put(key);
  await harness.client.send(new DeleteObjectCommand({ Bucket, Key: 'out/a.txt' }));
  expect(harness.records().map((record) => [record.s3.configurationId, record.s3.object.key])).toEqual([
    ['in', 'in+box/a.txt'],
    ['removed', 'out/a.txt'],
  ]);
});

test('EventBridge gets every event of a bucket that enables it, with the key unencoded', async () => {
  versioned();
  await configure({ EventBridgeConfiguration: {} });
  const { ETag, VersionId } = await put('a b+ü');
  const marker = await harness.client.send(new DeleteObjectCommand({ Bucket, Key: 'a b+ü' }));
  expect(harness.events).toMatchObject([
    {
      accountId: SOURCE,
      region: REGION,
      source: 'aws.s3',
      detailType: 'Object Created',
      resources: [`arn:aws:s3:::${Bucket}`],
      detail: {
        version: '0',
        bucket: { name: Bucket },
        object: { key: 'a b+ü', size: 4, etag: ETag?.replaceAll('"', ''), 'version-id': VersionId },
        requester: SOURCE,
        'source-ip-address': '127.0.0.1',
        reason: 'PutObject',
      },
    },
    {
      detailType: 'Object Deleted',
      detail: {
        object: { key: 'a b+ü', 'version-id': marker.VersionId },
        reason: 'DeleteObject',
        'deletion-type': 'Delete Marker Created',
      },
    },
  ]);
  expect(harness.sent).toEqual([]);
});

test('EventBridge gets no event of a bucket that does not enable it', async () => {
  await put('k');
  expect(harness.events).toEqual([]);
});

const read = async () => {
  const { QueueConfigurations, EventBridgeConfiguration } = await harness.client.send(
    new GetBucketNotificationConfigurationCommand({ Bucket }),
  );
  return { QueueConfigurations, EventBridgeConfiguration };
};

test('a notification configuration is returned as it was put, with capitalized rule names and an id for each entry', async () => {
  await toQueue({ Events: ['s3:ObjectCreated:*'], ...filter('a&b/') });
  const { QueueConfigurations } = await read();
  expect(QueueConfigurations).toMatchObject([
    {
      QueueArn,
      Events: ['s3:ObjectCreated:*'],
      Filter: { Key: { FilterRules: [{ Name: 'Prefix', Value: 'a&b/' }] } },
    },
  ]);
  expect(QueueConfigurations?.[0]?.Id).toBeTruthy();
});

test('a queue that does not exist is accepted if the validation is skipped', async () => {
  await configure(
    { QueueConfigurations: [{ QueueArn: queueArn('missing'), Events: ['s3:ObjectCreated:*'] }] },
    { SkipDestinationValidation: true },
  );
  expect((await read()).QueueConfigurations).toHaveLength(1);
  expect(harness.sent).toEqual([]);
});

test('a queue of another region and a FIFO queue are refused as destinations', async () => {
  const elsewhere = `arn:aws:sqs:us-east-1:${OTHER}:live`;
  expect(await codeOf(toQueue({ QueueArn: elsewhere }))).toBe('InvalidArgument');
  expect(await codeOf(toQueue({ QueueArn: queueArn('live.fifo') }))).toBe('InvalidArgument');
});

const created = { Events: ['s3:ObjectCreated:*' as const] };
test.each([
  ['the same event without filters', {}, {}, 'Configurations overlap'],
  ['a filter beside none', {}, filter('a/'), 'Configuration is ambiguously defined'],
  ['one suffix ending in another', filter(undefined, '.jpg'), filter(undefined, 'pg'), 'ambiguously'],
])("overlapping configurations are refused in S3's words: %s", async (_, one, other, message) => {
  const error = await toQueue({ ...created, ...one }, { ...created, ...other }).catch(
    (caught: Error) => caught,
  );
  expect(error).toMatchObject({ name: 'InvalidArgument', message: expect.stringContaining(message) });
});

test.each([
  ['prefixes apart', filter('a/'), filter('b/')],
  ['same prefix, suffixes apart', filter('a/', '.jpg'), filter('a/', '.png')],
])('configurations that match no common key are accepted: %s', async (_, one, other) => {
  await toQueue({ ...created, ...one }, { ...created, ...other });
  expect((await read()).QueueConfigurations).toHaveLength(2);
});

test('an event overlaps with a wildcard that covers it, and not with another event', async () => {
  const putOnly = { Events: ['s3:ObjectCreated:Put' as const] };
  expect(await codeOf(toQueue(created, putOnly))).toBe('InvalidArgument');
  await toQueue(created, { Events: ['s3:ObjectRemoved:*'] });
});

test('notification configurations with unknown events, equal or long ids or malformed XML are refused', async () => {
  await toQueue({ ...created, Id: 'x'.repeat(255) });
  expect(await codeOf(toQueue({ ...created, Id: 'x'.repeat(256) }))).toBe('InvalidArgument');
  expect(await codeOf(toQueue({ Events: ['s3:ObjectEaten:*' as never] }))).toBe('InvalidArgument');
  expect(await codeOf(toQueue({ Id: 'x', ...created }, { Id: 'x', Events: ['s3:ObjectRemoved:*'] }))).toBe(
    'InvalidArgument',
  );
  const raw = await harness.raw('PUT', `/${Bucket}?notification`, { body: '<NotificationConf' });
  expect(raw.body).toContain('<Code>MalformedXML</Code>');
});

test('the notification properties of a CloudFormation bucket send events', async () => {
  harness.s3.updateBucket(Bucket, {
    NotificationConfiguration: {
      QueueConfigurations: [
        {
          Event: 's3:ObjectCreated:*',
          Queue: QueueArn,
          Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: 'p/' }] } },
        },
      ],
      EventBridgeConfiguration: { EventBridgeEnabled: true },
    },
  });
  await put('p/1');
  await put('q/1');
  expect(harness.records().map((record) => record.s3.object.key)).toEqual(['p/1']);
  expect(harness.events).toHaveLength(2);
});
