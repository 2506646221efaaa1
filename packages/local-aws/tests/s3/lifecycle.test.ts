/** Sources: User Guide "Expiring objects", "Lifecycle configuration elements"; API_PutBucketLifecycleConfiguration.html. */
import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  type LifecycleRule,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { codeOf, queueArn, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
let Bucket = '';
let buckets = 0;
const DAY_MS = 86_400_000;
const START_MS = Date.parse('2026-11-22T10:30:00Z');

beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());
beforeEach(async () => {
  harness.clock.nowMs = Math.max(harness.clock.nowMs, START_MS);
  harness.sent.length = 0;
  buckets += 1;
  Bucket = `lifecycle-${buckets}`;
});

const make = async (versioned: boolean, ...rules: LifecycleRule[]) => {
  harness.s3.createBucket({
    name: Bucket,
    accountId: SOURCE,
    region: REGION,
    ...(versioned ? { VersioningConfiguration: { Status: 'Enabled' } } : {}),
    NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
  });
  const queue = queueArn('lifecycle');
  harness.queues.set(queue, 'allowed');
  await harness.client.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket,
      NotificationConfiguration: {
        QueueConfigurations: [
          { QueueArn: queue, Events: ['s3:LifecycleExpiration:*', 's3:ObjectRemoved:*'] },
        ],
        EventBridgeConfiguration: {},
      },
    }),
  );
  if (rules.length > 0) await configure(rules);
};
const configure = (Rules: LifecycleRule[]) =>
  harness.client.send(
    new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }),
  );
const put = (Key: string, more: object = {}) =>
  harness.client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(Key), ...more }));
const remove = (Key: string) => harness.client.send(new DeleteObjectCommand({ Bucket, Key }));
const listed = async () => {
  const { Versions = [], DeleteMarkers = [] } = await harness.client.send(
    new ListObjectVersionsCommand({ Bucket }),
  );
  return [...Versions.map(({ Key }) => Key), ...DeleteMarkers.map(({ Key }) => `marker of ${Key}`)];
};
const rule = (more: Partial<LifecycleRule>): LifecycleRule => ({
  ID: 'rule',
  Status: 'Enabled',
  Filter: { Prefix: '' },
  ...more,
});

test('an object expires at the midnight after its days have passed, as announced', async () => {
  await make(false, rule({ Expiration: { Days: 3 } }));
  const { Expiration } = await put('old');
  const dueMs = Math.ceil((harness.clock.nowMs + 3 * DAY_MS) / DAY_MS) * DAY_MS;
  expect(Expiration).toBe(`expiry-date="${new Date(dueMs).toUTCString()}", rule-id="rule"`);
  expect((await harness.client.send(new HeadObjectCommand({ Bucket, Key: 'old' }))).Expiration).toBe(
    Expiration,
  );
  harness.clock.nowMs = dueMs - 1;
  expect(await listed()).toEqual(['old']);
  harness.clock.nowMs = dueMs;
  expect(await listed()).toEqual([]);
  const [record] = harness.records();
  expect(record).toMatchObject({
    eventName: 'LifecycleExpiration:Delete',
    eventVersion: '2.3',
    userIdentity: { principalId: 's3.amazonaws.com' },
    requestParameters: { sourceIPAddress: 's3.amazonaws.com' },
    s3: { object: { key: 'old', sequencer: expect.any(String) } },
  });
  expect(harness.events.at(-1)).toMatchObject({
    detailType: 'Object Deleted',
    detail: {
      reason: 'Lifecycle Expiration',
      requester: 's3.amazonaws.com',
      'deletion-type': 'Permanently Deleted',
    },
  });
  expect(harness.events.at(-1)?.detail).not.toHaveProperty('source-ip-address');
});

test('the expiry of a versioned object adds a delete marker', async () => {
  await make(true, rule({ Expiration: { Days: 1 } }));
  await put('k');
  harness.clock.nowMs += 2 * DAY_MS;
  expect(await listed()).toEqual(['k', 'marker of k']);
  const [record] = harness.records();
  expect(record?.eventName).toBe('LifecycleExpiration:DeleteMarkerCreated');
  expect(record?.s3.object.versionId).toBeDefined();
});

test('a disabled lifecycle rule expires nothing', async () => {
  await make(false, rule({ Status: 'Disabled', Expiration: { Days: 1 } }));
  await put('k');
  harness.clock.nowMs += 5 * DAY_MS;
  expect(await listed()).toEqual(['k']);
});

test('an object expires even if no request arrives', async () => {
  await make(false, rule({ Expiration: { Days: 1 } }));
  await put('k');
  harness.clock.nowMs += 3 * DAY_MS;
  harness.s3.runDue();
  expect(harness.records()).toHaveLength(1);
});

test.each(['COMPLIANCE', 'GOVERNANCE'])(
  'a noncurrent version does not expire under %s',
  async (ObjectLockMode) => {
    harness.s3.createBucket({
      name: Bucket,
      accountId: SOURCE,
      region: REGION,
      ObjectLockEnabled: true,
      LifecycleConfiguration: {
        Rules: [{ Status: 'Enabled', NoncurrentVersionExpiration: { NoncurrentDays: 1 } }],
      },
    });
    const ObjectLockRetainUntilDate = new Date(harness.clock.nowMs + 10 * DAY_MS);
    await put('k', { ObjectLockMode, ObjectLockRetainUntilDate });
    await put('k');
    harness.clock.nowMs += 5 * DAY_MS;
    expect(await listed()).toHaveLength(2);
    harness.clock.nowMs += 6 * DAY_MS;
    expect(await listed()).toHaveLength(1);
  },
);

test('a delete marker that expired versions leave behind is removed by the rule for delete markers', async () => {
  await make(
    true,
    rule({ ID: 'old', NoncurrentVersionExpiration: { NoncurrentDays: 1 } }),
    rule({ ID: 'marker', Expiration: { ExpiredObjectDeleteMarker: true } }),
  );
  await put('k');
  await remove('k');
  expect(await listed()).toEqual(['k', 'marker of k']);
  harness.clock.nowMs += 3 * DAY_MS;
  expect(await listed()).toEqual([]);
  expect(harness.records().map((record) => record.eventName)).toEqual([
    'ObjectRemoved:DeleteMarkerCreated',
    'LifecycleExpiration:Delete',
    'LifecycleExpiration:Delete',
  ]);
});

test('an unfinished upload is aborted at the time that its creation announced', async () => {
  await make(false, rule({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } }));
  const created = await harness.client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k' }));
  const dueMs = Math.ceil((harness.clock.nowMs + 7 * DAY_MS) / DAY_MS) * DAY_MS;
  expect(created).toMatchObject({ AbortDate: new Date(dueMs), AbortRuleId: 'rule' });
  const upload = { Bucket, Key: 'k', UploadId: created.UploadId };
  const parts = await harness.client.send(new ListPartsCommand(upload));
  expect(parts).toMatchObject({ AbortDate: new Date(dueMs), AbortRuleId: 'rule' });
  harness.clock.nowMs = dueMs;
  const listing = await harness.client.send(new ListMultipartUploadsCommand({ Bucket }));
  expect(listing.Uploads).toBeUndefined();
  expect(await codeOf(harness.client.send(new ListPartsCommand(upload)))).toBe('NoSuchUpload');
});

test('sizes and dates of a lifecycle configuration come back as they were put', async () => {
  await make(false);
  const read = async () =>
    (await harness.client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).Rules;
  const rules: LifecycleRule[] = [
    {
      ID: 'one',
      Status: 'Enabled',
      Filter: { And: { Prefix: 'a/', Tags: [{ Key: 'k', Value: 'v' }], ObjectSizeLessThan: 9 } },
      Expiration: { Days: 1 },
    },
    {
      ID: 'two',
      Status: 'Disabled',
      Filter: { Prefix: 'b/' },
      Expiration: { Date: new Date('2030-01-01T00:00:00Z') },
    },
  ];
  await configure(rules);
  expect(await read()).toEqual(rules);
});

test.each<[string, LifecycleRule[], string]>([
  ['no rule', [], 'MalformedXML'],
  ['a transition', [rule({ Transitions: [{ Days: 1, StorageClass: 'GLACIER' }] })], 'NotImplemented'],
])('a lifecycle configuration with %s is refused', async (_, rules, code) => {
  await make(false);
  expect(await codeOf(configure(rules))).toBe(code);
});
