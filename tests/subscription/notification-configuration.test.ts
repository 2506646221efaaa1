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

test('ours is added to what others have, which stays as it is', () => {
  const configuration = subscribed(others, wanted);

  expect(configuration).toEqual({
    ...others,
    QueueConfigurations: [...(others.QueueConfigurations ?? []), ours],
  });
  expect(isSubscribed(configuration, wanted)).toBe(true);
});

test('taking ours out gives back what others have', () => {
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

test('entries of another stack on the same bucket are not ours', () => {
  const otherStack = {
    ...ours,
    Id: 's3-replicator-prod-2:1',
    Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'x/' }] } },
  };
  const existing: NotificationConfiguration = { QueueConfigurations: [otherStack] };

  expect(unsubscribed(subscribed(existing, wanted), idPrefix)).toEqual(existing);
  expect(isUnsubscribed(existing, idPrefix)).toBe(true);
});

test('S3 spells filter names with a capital when it reports them', () => {
  const reported = { ...ours, Filter: { Key: { FilterRules: [{ Name: 'Prefix', Value: 'invoices/' }] } } };
  expect(isSubscribed({ QueueConfigurations: [reported] }, wanted)).toBe(true);
});

test('an entry of ours that was tampered with is put right', () => {
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
])('%s of others for the same events is named, with the way out', (_, existing) => {
  expect(() => subscribed(existing, wanted)).toThrow(SubscriptionConflict);
  expect(() => subscribed(existing, wanted)).toThrow(/entry "thumbnails" .* to arn:fn.*events: eventbridge/s);
});

test('entries of others for other keys or events are not in the way', () => {
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
  ['s3:ObjectCreated:*', 's3:ObjectCreated:Put', true],
  ['s3:ObjectRestore:Completed', 's3:ObjectRestore:*', true],
  ['s3:ObjectAcl:Put', 's3:ObjectAcl:Put', true],
  ['s3:ObjectRemoved:*', 's3:ObjectRemoved:DeleteMarkerCreated', true],
  ['s3:ObjectRemoved:*', 's3:LifecycleExpiration:*', false],
  ['s3:ObjectRestore:Completed', 's3:ObjectRestore:Post', false],
  ['s3:ObjectTagging:*', 's3:ObjectCreated:*', false],
])('for %s an entry of others for %s is in the way: %s', (needed, theirs, isInTheWay) => {
  const existing = {
    LambdaFunctionConfigurations: [
      { Id: 'thumbnails', LambdaFunctionArn: 'arn:fn', Events: ['s3:ReducedRedundancyLostObject', theirs] },
    ],
  };
  const subscribe = () => subscribed(existing, { ...wanted, eventTypes: [needed] });

  if (isInTheWay) expect(subscribe).toThrow(/entry "thumbnails"/);
  else expect(subscribe).not.toThrow();
});

test('the order in which S3 reports event types means nothing', () => {
  const reported = { ...ours, Events: ours.Events.toReversed() };
  expect(isSubscribed({ QueueConfigurations: [reported] }, wanted)).toBe(true);
});

test('a subscription for fewer event types, as the first version made it, is brought up to date in place', () => {
  const former = { ...ours, Events: ['s3:ObjectCreated:*'] };

  expect(isSubscribed({ QueueConfigurations: [former] }, wanted)).toBe(false);
  expect(subscribed({ ...others, QueueConfigurations: [former] }, wanted)).toEqual({
    ...others,
    QueueConfigurations: [ours],
  });
});

test('EventBridge mode sets the flag and nothing else, whoever is notified of the same events', () => {
  const viaEventBridge = { ...wanted, events: 'eventbridge' as const, filters: [] };
  const { EventBridgeConfiguration: _, ...withoutFlag } = others;

  expect(subscribed(withoutFlag, viaEventBridge)).toEqual({ ...withoutFlag, EventBridgeConfiguration: {} });
  expect(isSubscribed(withoutFlag, viaEventBridge)).toBe(false);
  expect(isSubscribed(others, viaEventBridge)).toBe(true);
});

test('changing to EventBridge takes our entries out', () => {
  const viaEventBridge = { ...wanted, events: 'eventbridge' as const, filters: [] };
  const before = subscribed({}, wanted);

  expect(isSubscribed(before, viaEventBridge)).toBe(false);
  expect(subscribed(before, viaEventBridge)).toEqual({
    QueueConfigurations: [],
    EventBridgeConfiguration: {},
  });
});

test('unsubscribing leaves the EventBridge flag on: others may rely on it', () => {
  expect(unsubscribed({ EventBridgeConfiguration: {} }, idPrefix)).toEqual({ EventBridgeConfiguration: {} });
});
