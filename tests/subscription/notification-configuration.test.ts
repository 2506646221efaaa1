import { expect, test } from 'vitest';
import {
  SubscriptionConflict,
  isSubscribed,
  isUnsubscribed,
  subscribed,
  unsubscribed,
} from '../../src/lib/subscription/subscription.ts';
import type { NotificationConfiguration } from '../../src/lib/subscription/subscription.ts';
import { QUEUE, others, ours, wanted } from './fixtures.ts';

const { idPrefix } = wanted;

test('our entry is added beside the entries of others, which stay unchanged', () => {
  const configuration = subscribed(others, wanted);

  expect(configuration).toEqual({
    ...others,
    QueueConfigurations: [...(others.QueueConfigurations ?? []), ours],
  });
  expect(isSubscribed(configuration, wanted)).toBe(true);
});

test('removing our entry gives back exactly the entries of others', () => {
  expect(unsubscribed(subscribed(others, wanted), idPrefix)).toEqual(others);
  expect(isUnsubscribed(unsubscribed(subscribed(others, wanted), idPrefix), idPrefix)).toBe(true);
});

test('a changed subscription replaces the former one', () => {
  const changed = { ...wanted, filters: [{ prefix: 'contracts/', suffix: '.pdf' }] };
  const configuration = subscribed(subscribed({}, wanted), changed);

  expect(configuration.QueueConfigurations).toHaveLength(1);
  expect(isSubscribed(configuration, wanted)).toBe(false);
  expect(isSubscribed(configuration, changed)).toBe(true);
});

test('entries of another stack on the same bucket do not count as ours', () => {
  const otherStack = {
    ...ours,
    Id: 's3-replicator-prod-2:1',
    Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'x/' }] } },
  };
  const existing: NotificationConfiguration = { QueueConfigurations: [otherStack] };

  expect(unsubscribed(subscribed(existing, wanted), idPrefix)).toEqual(existing);
  expect(isUnsubscribed(existing, idPrefix)).toBe(true);
});

test('our entry is recognised although S3 reports filter names with a capital', () => {
  const reported = { ...ours, Filter: { Key: { FilterRules: [{ Name: 'Prefix', Value: 'invoices/' }] } } };
  expect(isSubscribed({ QueueConfigurations: [reported] }, wanted)).toBe(true);
});

test('an entry of ours that somebody changed is restored', () => {
  for (const change of [{ QueueArn: `${QUEUE}-old` }, { Events: ['s3:ObjectCreated:Put'] }, { Filter: {} }]) {
    expect(isSubscribed({ QueueConfigurations: [{ ...ours, ...change }] }, wanted)).toBe(false);
  }
});

test.each([
  [
    'a function',
    {
      LambdaFunctionConfigurations: [
        { Id: 'thumbnails', LambdaFunctionArn: 'arn:fn', Events: ['s3:ObjectCreated:Put'] },
      ],
    },
  ],
  [
    'a topic',
    { TopicConfigurations: [{ Id: 'thumbnails', TopicArn: 'arn:fn', Events: ['s3:ObjectCreated:*'] }] },
  ],
  [
    'a queue',
    { QueueConfigurations: [{ Id: 'thumbnails', QueueArn: 'arn:fn', Events: ['s3:ObjectCreated:Copy'] }] },
  ],
])(
  'subscribing beside %s of others for the same events fails with the name of the entry and a way out',
  (_, existing) => {
    expect(() => subscribed(existing, wanted)).toThrow(SubscriptionConflict);
    expect(() => subscribed(existing, wanted)).toThrow(
      /entry "thumbnails" .* to arn:fn.*events: eventbridge/s,
    );
  },
);

test('entries of others for other keys or events do not conflict with ours', () => {
  const elsewhere: NotificationConfiguration = {
    LambdaFunctionConfigurations: [
      { Id: 'a', LambdaFunctionArn: 'arn:fn', Events: ['s3:ObjectRemoved:*', 's3:ObjectAcl:Put'] },
      {
        Id: 'b',
        LambdaFunctionArn: 'arn:fn',
        Events: ['s3:ObjectCreated:*'],
        Filter: { Key: { FilterRules: [{ Name: 'Prefix', Value: 'invoices-old/' }] } },
      },
    ],
  };
  expect(() => subscribed(elsewhere, wanted)).not.toThrow();
});

test.each([
  ['s3:ObjectCreated:*', 's3:ObjectCreated:Put', 'conflict'],
  ['s3:ObjectRestore:Completed', 's3:ObjectRestore:*', 'conflict'],
  ['s3:ObjectAcl:Put', 's3:ObjectAcl:Put', 'conflict'],
  ['s3:ObjectRemoved:*', 's3:ObjectRemoved:DeleteMarkerCreated', 'conflict'],
  ['s3:ObjectRemoved:*', 's3:LifecycleExpiration:*', 'do not conflict'],
  ['s3:ObjectRestore:Completed', 's3:ObjectRestore:Post', 'do not conflict'],
  ['s3:ObjectTagging:*', 's3:ObjectCreated:*', 'do not conflict'],
])('a subscription to %s and an entry of others for %s %s', (needed, theirs, verdict) => {
  const existing = {
    LambdaFunctionConfigurations: [
      { Id: 'thumbnails', LambdaFunctionArn: 'arn:fn', Events: ['s3:ReducedRedundancyLostObject', theirs] },
    ],
  };
  const subscribe = () => subscribed(existing, { ...wanted, eventTypes: [needed] });

  if (verdict === 'conflict') expect(subscribe).toThrow(/entry "thumbnails"/);
  else expect(subscribe).not.toThrow();
});

test('our entry is recognised in whatever order S3 reports its event types', () => {
  const reported = { ...ours, Events: ours.Events.toReversed() };
  expect(isSubscribed({ QueueConfigurations: [reported] }, wanted)).toBe(true);
});

test('a subscription of the first version, with fewer event types, is updated in place', () => {
  const former = { ...ours, Events: ['s3:ObjectCreated:*'] };

  expect(isSubscribed({ QueueConfigurations: [former] }, wanted)).toBe(false);
  expect(subscribed({ ...others, QueueConfigurations: [former] }, wanted)).toEqual({
    ...others,
    QueueConfigurations: [ours],
  });
});

test('EventBridge mode sets only the EventBridge flag, whoever else is notified of the same events', () => {
  const viaEventBridge = { ...wanted, events: 'eventbridge' as const, filters: [] };
  const { EventBridgeConfiguration: _, ...withoutFlag } = others;

  expect(subscribed(withoutFlag, viaEventBridge)).toEqual({ ...withoutFlag, EventBridgeConfiguration: {} });
  expect(isSubscribed(withoutFlag, viaEventBridge)).toBe(false);
  expect(isSubscribed(others, viaEventBridge)).toBe(true);
});

test('changing a subscription to EventBridge removes our entries', () => {
  const viaEventBridge = { ...wanted, events: 'eventbridge' as const, filters: [] };
  const before = subscribed({}, wanted);

  expect(isSubscribed(before, viaEventBridge)).toBe(false);
  expect(subscribed(before, viaEventBridge)).toEqual({
    QueueConfigurations: [],
    EventBridgeConfiguration: {},
  });
});

test('unsubscribing leaves the EventBridge flag on, because others may rely on it', () => {
  expect(unsubscribed({ EventBridgeConfiguration: {} }, idPrefix)).toEqual({ EventBridgeConfiguration: {} });
});
