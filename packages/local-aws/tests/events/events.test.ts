import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AdjustableClock, createClock } from '../../src/core/clock.ts';
import type { PolicyStatement } from '../../src/core/access.ts';
import { type EventBridge, createEventBridge } from '../../src/events/events.ts';
import { parseEventPattern } from '../../src/events/event-pattern.ts';
import { createIam } from '../../src/iam/iam.ts';
import { createQueuePolicyResource, createQueueResource } from '../../src/sqs/resources.ts';
import { createSqs, type Sqs } from '../../src/sqs/sqs.ts';

const accountId = '111111111111';
const region = 'eu-central-1';
const place = { accountId, region, generatedName: 'stack-Rule-1' };
const queueArn = `arn:aws:sqs:${region}:${accountId}:live`;
const ruleArn = `arn:aws:events:${region}:${accountId}:rule/stack-Rule-1`;
const EventPattern = { source: ['aws.s3'], detail: { bucket: { name: ['source'] } } };
const Targets = [{ Id: 'live', Arn: queueArn }];

const functionArn = `arn:aws:lambda:${region}:${accountId}:function:worker`;

let clock: AdjustableClock;
let sqs: Sqs;
let bridge: EventBridge;
/** The events with which the function was invoked so far. */
let invoked: unknown[];
let policy: PolicyStatement[];

beforeEach(() => {
  clock = createClock();
  invoked = [];
  policy = [];
  const iam = createIam({ clock });
  sqs = createSqs({ iam, clock, endpoint: () => 'https://127.0.0.1' });
  const lambda = {
    functionArns: () => [functionArn],
    function: () => ({ policy: () => ({ Statement: policy }) }),
    invokeText: (_name: string, event: string) => Promise.resolve(invoked.push(JSON.parse(event))),
  };
  bridge = createEventBridge({ clock, queues: sqs, iam, lambda });
  void createQueueResource(sqs).create(place, { QueueName: 'live' });
});
afterEach(() => bridge.stop());

function allow(sourceArn: string): void {
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queueArn,
    Condition: { ArnEquals: { 'aws:SourceArn': sourceArn } },
  };
  const properties = { Queues: [sqs.queueUrl(queueArn)], PolicyDocument: { Statement: [statement] } };
  void createQueuePolicyResource(sqs).create(place, properties);
}

function put(bucket = 'source'): void {
  bridge.putEvent({
    accountId,
    region,
    source: 'aws.s3',
    detailType: 'Object Created',
    resources: [`arn:aws:s3:::${bucket}`],
    detail: { bucket: { name: bucket }, object: { key: 'a b' } },
  });
}

function received(): unknown[] {
  const queue = sqs.queues.byArn(queueArn);
  return queue?.messages.take(10, 0, () => false).map((message) => JSON.parse(message.content.body)) ?? [];
}

test('a matching event reaches the queue in its envelope, and other events do not', () => {
  allow(ruleArn);
  void bridge.ruleResource.create(place, { EventPattern, Targets });
  put();
  put('another');
  expect(received()).toEqual([
    {
      version: '0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      'detail-type': 'Object Created',
      source: 'aws.s3',
      account: accountId,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      region,
      resources: ['arn:aws:s3:::source'],
      detail: { bucket: { name: 'source' }, object: { key: 'a b' } },
    },
  ]);
});

test('a rule sends nothing to a queue whose policy does not name the rule', () => {
  allow(`arn:aws:events:${region}:${accountId}:rule/another`);
  void bridge.ruleResource.create(place, { EventPattern, Targets });
  put();
  expect(received()).toEqual([]);
  expect(bridge.failedInvocations).toEqual([{ ruleArn, targetArn: queueArn, reason: 'denied' }]);
});

test('a rule that is disabled, changed or removed sends nothing', async () => {
  allow(ruleArn);
  await bridge.ruleResource.create(place, { EventPattern, Targets, State: 'DISABLED' });
  put();
  expect(received()).toEqual([]);
  await bridge.ruleResource.update(place, 'stack-Rule-1', { EventPattern, Targets });
  put();
  expect(received()).toHaveLength(1);
  await bridge.ruleResource.delete(place, 'stack-Rule-1');
  put();
  expect(received()).toHaveLength(1);
});

test('a rule with an unsupported property is refused', () => {
  const make = (properties: object) => () => bridge.ruleResource.create(place, { ...properties });
  expect(make({ EventPattern, RoleArn: 'role' })).toThrow('AWS::Events::Rule RoleArn');
  const [target] = Targets;
  expect(make({ EventPattern, Targets: [{ ...target, InputPath: '$' }] })).toThrow(
    'a rule target with InputPath',
  );
  expect(make({ Targets })).toThrow('event pattern');
});

const event = {
  source: 'aws.s3',
  resources: ['arn:aws:s3:::source', 'arn:aws:s3:::other'],
  detail: { reason: 'PutObject', object: { key: 'photos/cat.JPG', size: 2000 }, flag: true, nothing: null },
};

test.each<[object, boolean]>([
  [{ source: ['aws.s3', 'aws.ec2'] }, true],
  [{ source: ['aws.s'] }, false],
  [{ resources: ['arn:aws:s3:::other'] }, true],
  [{ detail: { reason: ['PutObject'], object: { key: [{ prefix: 'photos/' }] } } }, true],
  [{ detail: { reason: ['CopyObject'], object: { key: [{ prefix: 'photos/' }] } } }, false],
  [{ detail: { object: { key: [{ suffix: '.jpg' }] } } }, false],
  [{ detail: { object: { key: [{ suffix: { 'equals-ignore-case': '.jpg' } }] } } }, true],
  [{ detail: { object: { key: [{ wildcard: 'photos/*.JPG' }] } } }, true],
  [{ detail: { object: { key: [{ wildcard: 'photos/?at.JPG' }] } } }, false],
  [{ detail: { reason: [{ 'equals-ignore-case': 'putobject' }] } }, true],
  [{ detail: { reason: [{ 'anything-but': ['CopyObject', 'POST Object'] }] } }, true],
  [{ detail: { reason: [{ 'anything-but': 'PutObject' }] } }, false],
  [{ detail: { reason: [{ 'anything-but': { prefix: 'Put' } }] } }, false],
  [{ detail: { absent: [{ 'anything-but': 'x' }] } }, false],
  [{ detail: { absent: [{ exists: false }] } }, true],
  [{ absent: { deeper: [{ exists: false }] } }, true],
  [{ detail: { reason: [{ exists: true }] } }, true],
  [{ detail: { object: { size: [{ numeric: ['>', 1000, '<=', 2000] }] } } }, true],
  [{ detail: { object: { size: [{ numeric: ['>', 2000] }] } } }, false],
  [{ detail: { object: { size: ['2000'] } } }, false],
  [{ detail: { flag: [true], nothing: [null] } }, true],
  [{ $or: [{ source: ['x'] }, { detail: { reason: ['PutObject'] } }] }, true],
  [{ source: ['aws.s3'], $or: [{ source: ['x'] }, { detail: { reason: ['y'] } }] }, false],
])('the event pattern %j gives %j', (pattern, expected) => {
  expect(parseEventPattern(pattern)(event)).toBe(expected);
});

test.each([
  {},
  { source: 'aws.s3' },
  { source: [] },
  { source: [{ startsWith: 'a' }] },
  { source: [{ numeric: ['~', 1] }] },
])('the event pattern %j is refused', (pattern) => {
  expect(() => parseEventPattern(pattern)).toThrow('Event pattern is not valid');
});

const ofFunction = { Id: 'worker', Arn: functionArn };
const MINUTE_MS = 60_000;

const allowRule = (): void => {
  policy.push({
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'lambda:InvokeFunction',
    Resource: functionArn,
    Condition: { ArnLike: { 'AWS:SourceArn': ruleArn } },
  });
};
const waited = async (milliseconds: number): Promise<void> => {
  clock.advance(milliseconds);
  await new Promise((resolve) => setTimeout(resolve, 120));
};

test('a rule invokes its function with the event, or with the input of the target', () => {
  allowRule();
  void bridge.ruleResource.create(place, {
    EventPattern,
    Targets: [ofFunction, { ...ofFunction, Id: 'second', Input: '{"sweep":true}' }],
  });
  put();
  expect(invoked).toMatchObject([{ 'detail-type': 'Object Created' }, { sweep: true }]);
});

test('a rule cannot invoke a function whose policy does not admit the rule', () => {
  void bridge.ruleResource.create(place, { EventPattern, Targets: [ofFunction] });
  put();
  expect(invoked).toEqual([]);
  expect(bridge.failedInvocations).toEqual([{ ruleArn, targetArn: functionArn, reason: 'denied' }]);
});

test('a scheduled rule first runs after one interval, and only once if the clock skips several times', async () => {
  allowRule();
  void bridge.ruleResource.create(place, {
    ScheduleExpression: 'rate(15 minutes)',
    Targets: [ofFunction],
  });
  await waited(14 * MINUTE_MS);
  put();
  expect(invoked).toEqual([]);
  await waited(MINUTE_MS);
  expect(invoked).toMatchObject([
    { 'detail-type': 'Scheduled Event', source: 'aws.events', resources: [ruleArn], detail: {} },
  ]);
  await waited(40 * MINUTE_MS);
  expect(invoked).toHaveLength(2);
  void bridge.ruleResource.delete(place, place.generatedName);
  await waited(40 * MINUTE_MS);
  expect(invoked).toHaveLength(2);
});

test('a disabled schedule does not run, and a changed one starts a new interval', async () => {
  allowRule();
  const properties = { ScheduleExpression: 'rate(1 hour)', Targets: [{ ...ofFunction, Input: '{}' }] };
  void bridge.ruleResource.create(place, { ...properties, State: 'DISABLED' });
  await waited(90 * MINUTE_MS);
  expect(invoked).toEqual([]);
  void bridge.ruleResource.update(place, place.generatedName, properties);
  await waited(59 * MINUTE_MS);
  expect(invoked).toEqual([]);
  await waited(2 * MINUTE_MS);
  expect(invoked).toEqual([{}]);
});

test.each(['rate(0 minutes)', 'at(2026-01-31T03:00:00)', 'every day', 7])(
  'a rule with the schedule %j is refused',
  (ScheduleExpression) => {
    expect(() => bridge.ruleResource.create(place, { ScheduleExpression, Targets: [ofFunction] })).toThrow(
      'ScheduleExpression is not valid',
    );
  },
);
