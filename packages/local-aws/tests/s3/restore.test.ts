/** Sources: API_RestoreObject.html; User Guide "Working with archived objects", "How S3 Intelligent-Tiering works". */
import {
  CopyObjectCommand,
  GetBucketIntelligentTieringConfigurationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketIntelligentTieringConfigurationsCommand,
  PutBucketIntelligentTieringConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  RestoreObjectCommand,
  type RestoreRequest,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, queueArn, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
const Bucket = 'archive';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

beforeAll(async () => {
  harness = await startHarness();
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
  const queue = queueArn('restores');
  harness.queues.set(queue, 'allowed');
  await harness.client.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket,
      NotificationConfiguration: {
        QueueConfigurations: [{ QueueArn: queue, Events: ['s3:ObjectRestore:*', 's3:IntelligentTiering'] }],
        EventBridgeConfiguration: {},
      },
    }),
  );
});
afterAll(() => harness.close());

const put = (Key: string, StorageClass: 'GLACIER' | 'DEEP_ARCHIVE' | 'INTELLIGENT_TIERING', Body = 'cold') =>
  harness.client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(Body), StorageClass }));
const head = (Key: string) => harness.client.send(new HeadObjectCommand({ Bucket, Key }));
const get = async (Key: string) => {
  const { Body } = await harness.client.send(new GetObjectCommand({ Bucket, Key }));
  return Body?.transformToString();
};
const restore = async (Key: string, RestoreRequest: RestoreRequest) =>
  (await harness.client.send(new RestoreObjectCommand({ Bucket, Key, RestoreRequest }))).$metadata
    .httpStatusCode;
const eventsOf = (key: string) =>
  harness.records().filter((record) => record.s3.object.key === key) as (ReturnType<
    Harness['records']
  >[number] & { glacierEventData?: object; intelligentTieringEventData?: object })[];

test('an archived object can be read from the completion of its restore until the copy expires', async () => {
  await put('lake', 'GLACIER');
  expect(await codeOf(get('lake'))).toBe('InvalidObjectState');
  expect(await restore('lake', { Days: 2 })).toBe(202);
  expect((await head('lake')).Restore).toBe('ongoing-request="true"');
  expect(await codeOf(get('lake'))).toBe('InvalidObjectState');
  harness.clock.nowMs += 5 * HOUR_MS;
  expect((await head('lake')).Restore).toBe(
    'ongoing-request="false", expiry-date="Wed, 25 Nov 2026 00:00:00 GMT"',
  );
  expect(await get('lake')).toBe('cold');
  await harness.client.send(new CopyObjectCommand({ Bucket, Key: 'thawed', CopySource: `${Bucket}/lake` }));
  harness.clock.nowMs = Date.parse('2026-11-25T00:00:00Z');
  expect(await codeOf(get('lake'))).toBe('InvalidObjectState');
  expect(await head('lake')).toMatchObject({ StorageClass: 'GLACIER' });
  expect((await head('lake')).Restore).toBeUndefined();
});

test('each step of a restore sends an event, even if no request arrives', async () => {
  await put('told', 'GLACIER');
  harness.events.length = 0;
  await restore('told', { Days: 1, GlacierJobParameters: { Tier: 'Expedited' } });
  harness.clock.nowMs += 3 * DAY_MS;
  harness.s3.runDue();
  const events = eventsOf('told');
  expect(events.map(({ eventName, eventVersion }) => [eventName, eventVersion])).toEqual([
    ['ObjectRestore:Post', '2.1'],
    ['ObjectRestore:Completed', '2.1'],
    ['ObjectRestore:Delete', '2.3'],
  ]);
  expect(events[1]).toMatchObject({
    userIdentity: { principalId: expect.stringMatching(/^AmazonCustomer:/) },
    s3: { object: { size: 4, sequencer: expect.any(String) } },
    glacierEventData: {
      restoreEventData: {
        lifecycleRestorationExpiryTime: '2026-11-27T00:00:00.000Z',
        lifecycleRestoreStorageClass: 'GLACIER',
      },
    },
  });
  const details = harness.events.filter((event) => JSON.stringify(event.detail).includes('"told"'));
  expect(details.map((event) => event.detailType)).toEqual([
    'Object Restore Initiated',
    'Object Restore Completed',
    'Object Restore Expired',
  ]);
  expect(details[1]?.detail).toMatchObject({
    requester: 's3.amazonaws.com',
    'restore-expiry-time': '2026-11-27T00:00:00Z',
    'source-storage-class': 'GLACIER',
  });
});

test('a restore that is made faster takes as long as its new tier', async () => {
  await put('twice', 'DEEP_ARCHIVE');
  await restore('twice', { Days: 1, GlacierJobParameters: { Tier: 'Bulk' } });
  await restore('twice', { Days: 1 });
  harness.clock.nowMs += 12 * HOUR_MS;
  await get('twice');
});

test('a restore that runs a query on the object is NotImplemented', async () => {
  await put('queried', 'GLACIER');
  expect(await codeOf(restore('queried', { Type: 'SELECT' }))).toBe('NotImplemented');
});

test('Intelligent-Tiering archives what nobody has read, and restores it on request', async () => {
  await harness.client.send(
    new PutBucketIntelligentTieringConfigurationCommand({
      Bucket,
      Id: 'cold',
      IntelligentTieringConfiguration: {
        Id: 'cold',
        Status: 'Enabled',
        Filter: { Prefix: 'tiered/' },
        Tierings: [
          { AccessTier: 'ARCHIVE_ACCESS', Days: 90 },
          { AccessTier: 'DEEP_ARCHIVE_ACCESS', Days: 180 },
        ],
      },
    }),
  );
  await put('tiered/unread', 'INTELLIGENT_TIERING', 'x'.repeat(200_000));
  await put('tiered/read', 'INTELLIGENT_TIERING', 'x'.repeat(200_000));
  await put('tiered/small', 'INTELLIGENT_TIERING');
  harness.clock.nowMs += 60 * DAY_MS;
  await get('tiered/read');
  harness.clock.nowMs += 31 * DAY_MS;
  expect((await head('tiered/unread')).ArchiveStatus).toBe('ARCHIVE_ACCESS');
  expect(await codeOf(get('tiered/unread'))).toBe('InvalidObjectState');
  await get('tiered/read');
  await get('tiered/small');
  expect(await codeOf(restore('tiered/unread', { Days: 1 }))).toBe('MalformedXML');
  expect(await restore('tiered/unread', {})).toBe(202);
  harness.clock.nowMs += 5 * HOUR_MS;
  await get('tiered/unread');
  expect((await head('tiered/unread')).ArchiveStatus).toBeUndefined();
  expect(eventsOf('tiered/unread').map((event) => event.eventName)).toEqual([
    'IntelligentTiering',
    'ObjectRestore:Post',
    'ObjectRestore:Completed',
  ]);
  expect(eventsOf('tiered/unread')[0]?.intelligentTieringEventData).toEqual({
    destinationAccessTier: 'ARCHIVE_ACCESS',
  });
});

test('Intelligent-Tiering configurations can be read one by one and together', async () => {
  const one = await harness.client.send(
    new GetBucketIntelligentTieringConfigurationCommand({ Bucket, Id: 'cold' }),
  );
  const all = await harness.client.send(new ListBucketIntelligentTieringConfigurationsCommand({ Bucket }));
  expect(all.IntelligentTieringConfigurationList).toEqual([one.IntelligentTieringConfiguration]);
  const none = new GetBucketIntelligentTieringConfigurationCommand({ Bucket, Id: 'none' });
  expect(await codeOf(harness.client.send(none))).toBe('NoSuchConfiguration');
});
