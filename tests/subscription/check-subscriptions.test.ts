/**
 * The check that finds lost subscriptions. The tests repeat a failure: a team's Terraform replaced the whole notification configuration of
 * a bucket. Replication ended without any report, and nobody could tell when.
 */
import { readFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { bucketSubscription } from '../../src/lib/subscription/bucket-subscription.ts';
import {
  type CheckDependencies,
  checkSubscriptions,
  type Repairs,
} from '../../src/lib/subscription/check-subscriptions.ts';
import { type Finding, findingText } from '../../src/lib/subscription/finding.ts';
import { BucketNotificationsError } from '../../src/lib/subscription/notification-change.ts';
import { checkOnSchedule, subscriptionCheck } from '../../src/lib/subscription/subscription-check.ts';
import { isSubscribed, type SubscriptionProperties } from '../../src/lib/subscription/subscription.ts';
import { BUCKET, others, wanted } from './fixtures.ts';
import { createMemoryNotifications, createMemoryStore } from './memory-twins.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const START_MS = Date.parse('2026-11-30T18:00:00Z');
const OPTIONS = '--stage test --region us-east-1';

let nowMs: number;
let notifications: ReturnType<typeof createMemoryNotifications>;
let store: ReturnType<typeof createMemoryStore>;
let announced: string[];
let deps: CheckDependencies;

beforeEach(async () => {
  nowMs = START_MS;
  notifications = createMemoryNotifications();
  notifications.buckets.set(BUCKET, others);
  store = createMemoryStore();
  announced = [];
  deps = {
    notifications,
    store,
    clock: { now: () => nowMs, sleep: async (ms) => void (nowMs += ms) },
    announce: async (finding) => void announced.push(findingText(finding, OPTIONS)),
  };
  await bucketSubscription(deps).create(wanted);
});

const check = async (repairs: Repairs = 'sparingly', afterMinutes = 5): Promise<Finding['kind'][]> => {
  nowMs += afterMinutes * MINUTE_MS;
  const { findings } = await checkSubscriptions(deps, repairs);
  return findings.map(({ kind }) => kind);
};

/** Replaces the whole configuration, as Terraform does. */
const replace = (configuration = others): void => void notifications.buckets.set(BUCKET, configuration);

const isThere = (properties: SubscriptionProperties = wanted): boolean =>
  isSubscribed(notifications.buckets.get(properties.bucket) ?? {}, properties);

const puts = (): number => notifications.calls.filter((call) => call.startsWith('put')).length;

test('a lost subscription is made again beside the entries of others, and the announcement names the time and the command that close the gap', async () => {
  expect(await check()).toEqual([]);
  const theirs = { TopicConfigurations: others.TopicConfigurations };
  replace(theirs);
  expect(await check()).toEqual(['back']);
  expect(isThere()).toBe(true);
  expect(notifications.buckets.get(BUCKET)).toMatchObject(theirs);
  expect(announced).toEqual([
    [
      'acme-documents had lost its subscription and has it again. Events since 2026-11-30T18:05:00Z may be missing.',
      'Close the gap:',
      '  npx s3-replicator backfill start --rule invoices --since 2026-11-30T18:05:00Z --stage test --region us-east-1',
    ].join('\n'),
  ]);
  expect(readFileSync('docs/operations.md', 'utf8')).toContain(announced[0]?.replace(' --stage test', ''));
  expect(await check()).toEqual([]);
});

test('a check of a bucket that is subscribed writes nothing', async () => {
  const before = puts();
  for (let round = 0; round < 3; round++) await check();
  expect(puts()).toBe(before);
  expect(announced).toEqual([]);
});

test('after three repairs within a day a subscription that is removed again is only reported, once a day, with the time of the first loss', async () => {
  for (let round = 0; round < 3; round++) {
    replace();
    expect(await check()).toEqual(['back']);
  }
  const lastGood = new Date(Math.floor(nowMs / 1000) * 1000).toISOString().replace('.000Z', 'Z');
  replace();
  announced = [];
  for (let round = 0; round < 3; round++) expect(await check()).toEqual(['lost']);
  expect(isThere()).toBe(false);
  expect(announced).toHaveLength(1);
  expect(announced[0]).toContain('repaired 3 times within a day');
  expect(announced[0]).toContain(`--since ${lastGood} `);
  expect(announced[0]).toContain('"their-topic"');
  await check('never', DAY_MS / MINUTE_MS);
  expect(announced).toHaveLength(2);
  expect(announced[1]).toContain(`--since ${lastGood} `);
  expect(await check()).toEqual(['back']);
});

test('with `lostSubscriptions: alarm` nothing is written until somebody deploys again, which repairs and announces the whole gap', async () => {
  replace();
  const before = puts();
  expect(await check('never')).toEqual(['lost']);
  expect(puts()).toBe(before);
  expect(announced[0]).toContain('Deploy again (`npx serverless deploy`), which repairs it, close the gap:');
  nowMs += MINUTE_MS;
  expect(await subscriptionCheck(deps, { options: OPTIONS, repairs: 'never' }).update({})).toMatchObject({
    Report: expect.stringContaining('has it again'),
  });
  expect(isThere()).toBe(true);
  expect(announced.at(-1)).toContain('--since 2026-11-30T18:00:00Z');
});

test('a deployment that changes the subscription after it was lost announces the gap as well', async () => {
  await check();
  replace();
  const changed = { ...wanted, filters: [{ prefix: 'contracts/', suffix: '' }] };
  await bucketSubscription(deps).update(changed);
  expect(await check('always', 0)).toEqual(['back']);
  expect(announced[0]).toContain('--since 2026-11-30T18:05:00Z');
});

test('a configuration that another tool is changing is left alone until the next check', async () => {
  replace({});
  let reads = 0;
  notifications.before = (call) => {
    if (call === 'get' && ++reads === 2) replace(others);
  };
  const before = puts();
  expect(await check()).toEqual(['lost']);
  expect(puts()).toBe(before);
  expect(announced).toEqual([]);
  expect(await check()).toEqual(['back']);
  expect(notifications.buckets.get(BUCKET)).toMatchObject({
    TopicConfigurations: others.TopicConfigurations,
  });
});

test('entries that another tool writes during a repair are kept, and named', async () => {
  replace({});
  notifications.before = (call) => {
    if (call !== 'put') return;
    notifications.before = () => {
      notifications.before = () => {};
      // The other tool read the configuration before our write and replaces it after our write.
      replace({ TopicConfigurations: others.TopicConfigurations });
    };
  };
  expect(await check()).toEqual(['back']);
  expect(isThere()).toBe(true);
  expect(notifications.buckets.get(BUCKET)).toMatchObject({
    TopicConfigurations: others.TopicConfigurations,
  });
  expect(announced[0]).toMatch(/Entries of others that changed meanwhile.*"their-topic"/);
});

test('a repair whose invocation crashed is announced by the next check', async () => {
  replace();
  const { announce } = deps;
  deps.announce = async () => {
    throw new Error('crashed');
  };
  await expect(check()).rejects.toThrow('crashed');
  expect(isThere()).toBe(true);
  deps.announce = announce;
  expect(await check()).toEqual(['back']);
  expect(announced[0]).toContain('--since 2026-11-30T18:00:00Z');
});

test('a bucket that is removed from the stack during a check is not subscribed again', async () => {
  replace();
  notifications.before = () => store.records.clear();
  expect(await check()).toEqual([]);
  expect(isThere()).toBe(false);
});

test('a subscription that a deployment changes during a check is not reported as lost', async () => {
  const changed = { ...wanted, filters: [{ prefix: 'contracts/', suffix: '' }] };
  await bucketSubscription({ ...deps, store: createMemoryStore() }).update(changed);
  notifications.before = () =>
    void store.want(changed, {
      goodMs: 0,
      missingSinceMs: null,
      announcedMs: null,
      repairsMs: [],
      switchedOnMs: null,
    });
  expect(await check()).toEqual([]);
  expect(isThere(changed)).toBe(true);
});

test('one bucket that cannot be read does not keep the others from being repaired, and is reported once a day', async () => {
  const other = { ...wanted, bucket: 'acme-other', rules: ['all'], events: 'eventbridge' as const };
  await bucketSubscription(deps).create(other);
  notifications.buckets.set('acme-other', {});
  notifications.before = (_call, bucket) => {
    if (bucket === BUCKET) throw new BucketNotificationsError('access-denied', 'AccessDenied: no');
  };
  expect(await check()).toEqual(['unchecked', 'back']);
  expect(await check()).toEqual(['unchecked']);
  expect(isThere(other)).toBe(true);
  expect(announced).toHaveLength(2);
  expect(announced[0]).toMatch(/cannot be checked.*AccessDenied: no\. Check that/s);
  expect(announced[1]).toMatch(
    /Wait five minutes, until EventBridge reports the bucket, and close the gap:.*--rule all/s,
  );
});

test('the schedule fails with all findings, and when the records are gone, so that the alarm is raised', async () => {
  const settings = { options: OPTIONS, repairs: 'sparingly' } as const;
  await checkOnSchedule(deps, settings, 1);
  replace();
  await expect(checkOnSchedule(deps, settings, 1)).rejects.toThrow(/backfill start --rule invoices --since/);
  await checkOnSchedule(deps, settings, 1);
  store.records.clear();
  await expect(checkOnSchedule(deps, settings, 1)).rejects.toThrow(
    '1 of 1 records of subscriptions are gone. Deploy again',
  );
});

test('a check on a deployment never fails the deployment', async () => {
  store.list = async () => {
    throw new Error('no table');
  };
  const { create } = subscriptionCheck(deps, { options: OPTIONS, repairs: 'sparingly' });
  expect(await create({})).toEqual({
    Report: 'The subscriptions could not be checked: no table. Deploy again.',
  });
});

test('the report of a deployment that switched EventBridge on names the command for what EventBridge does not report yet', async () => {
  const other = { ...wanted, bucket: 'acme-other', rules: ['all'], events: 'eventbridge' as const };
  await bucketSubscription(deps).create(other);
  const { update } = subscriptionCheck(deps, { options: OPTIONS, repairs: 'sparingly' });
  expect(await update({})).toEqual({
    Report: [
      'Source buckets with a subscription: 2.',
      'EventBridge reports changes in acme-other from about five minutes after now. Then replicate what was written meanwhile:',
      '  npx s3-replicator backfill start --rule all --since 2026-11-30T18:00:00Z --stage test --region us-east-1',
    ].join('\n'),
  });
  nowMs += DAY_MS;
  expect(await update({})).toEqual({ Report: 'Source buckets with a subscription: 2.' });
});
