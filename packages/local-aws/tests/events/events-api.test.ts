/** Rules over HTTP, with the real SDK. Documents: API_DescribeRule, API_ListTargetsByRule, API_DisableRule, API_EnableRule,
 * API_PutEvents, API_PutEventsResultEntry. */
import {
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListTargetsByRuleCommand,
  PutEventsCommand,
} from '@aws-sdk/client-eventbridge';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEventsApi } from '../../src/events/events-api.ts';
import { parseRule, type Rule } from '../../src/events/event-rule.ts';
import { accountId, type CoreServices, region, startCoreServices } from '../core-services.ts';

const Targets = [{ Id: 'live', Arn: `arn:aws:sqs:${region}:${accountId}:live` }];
const place = { accountId, region, generatedName: 'tick' };
let services: CoreServices;
let client: EventBridgeClient;
let put: object[];
const bus = { putEvent: (event: object) => `id ${put.push(event)}` };

beforeEach(async () => {
  put = [];
  const rule = parseRule(place, 'tick', { ScheduleExpression: 'rate(1 minute)', Targets }, 0);
  const rules = new Map<string, Rule>([[rule.arn, rule]]);
  services = await startCoreServices({
    events: {
      handle: (request, response) =>
        createEventsApi(rules, { iam: services.iam, bus }).handle(request, response),
    },
  });
  client = new EventBridgeClient(services.clientOptions());
});
afterEach(async () => {
  client.destroy();
  await services.close();
});

test('a rule is described with its targets, and can be disabled and enabled', async () => {
  const Name = 'tick';
  const state = async () => (await client.send(new DescribeRuleCommand({ Name }))).State;
  expect(await client.send(new DescribeRuleCommand({ Name }))).toMatchObject({
    ScheduleExpression: 'rate(1 minute)',
    State: 'ENABLED',
  });
  expect((await client.send(new ListTargetsByRuleCommand({ Rule: Name }))).Targets).toEqual(Targets);
  await client.send(new DisableRuleCommand({ Name }));
  expect(await state()).toBe('DISABLED');
  await client.send(new EnableRuleCommand({ Name }));
  expect(await state()).toBe('ENABLED');
});

test('a rule that does not exist is ResourceNotFoundException, and a caller without permission is denied', async () => {
  await expect(client.send(new DescribeRuleCommand({ Name: 'tock' }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
  const stranger = new EventBridgeClient(services.clientOptions(services.sessionOf('stranger', [])));
  await expect(stranger.send(new DescribeRuleCommand({ Name: 'tick' }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
  });
  stranger.destroy();
});

const ENTRY = { Source: 'shop', DetailType: 'Order', Detail: '{"id":1}' };

test('each event of a request is put on the bus or fails by itself, and the answer has their order', async () => {
  const answer = await client.send(
    new PutEventsCommand({
      Entries: [
        ENTRY,
        { ...ENTRY, Detail: 'no JSON' },
        { ...ENTRY, Source: 'aws.s3' },
        { ...ENTRY, DetailType: undefined },
        { ...ENTRY, Resources: ['arn:aws:s3:::bucket'] },
      ],
    }),
  );
  expect(answer).toMatchObject({
    FailedEntryCount: 3,
    Entries: [
      { EventId: 'id 1' },
      { ErrorCode: 'MalformedDetail' },
      { ErrorCode: 'NotAuthorizedForSourceException' },
      { ErrorCode: 'InvalidArgument' },
      { EventId: 'id 2' },
    ],
  });
  expect(put).toMatchObject([
    { source: 'shop', detailType: 'Order', detail: { id: 1 }, resources: [] },
    { resources: ['arn:aws:s3:::bucket'] },
  ]);
});

test.each([
  ['more than ten events', Array.from({ length: 11 }, () => ENTRY)],
  ['no events', []],
  ['no complete event', [{ Source: 'shop', DetailType: 'Order' }]],
  ['more than 256 KB', [{ ...ENTRY, Detail: JSON.stringify('x'.repeat(262_144)) }]],
])('a request with %s is refused as a whole', async (_, Entries) => {
  await expect(client.send(new PutEventsCommand({ Entries }))).rejects.toMatchObject({
    name: 'ValidationException',
  });
  expect(put).toEqual([]);
});

test('a role can be allowed to put only events of one source and one type', async () => {
  const allowed = services.sessionOf('sender', [
    {
      Effect: 'Allow',
      Action: 'events:PutEvents',
      Resource: `arn:aws:events:${region}:${accountId}:event-bus/default`,
      Condition: {
        'ForAllValues:StringEquals': { 'events:source': 'shop', 'events:detail-type': 'Order' },
      },
    },
  ]);
  const sender = new EventBridgeClient(services.clientOptions(allowed));
  await sender.send(new PutEventsCommand({ Entries: [ENTRY] }));
  for (const other of [
    { ...ENTRY, Source: 'other' },
    { ...ENTRY, DetailType: 'Other' },
  ])
    await expect(sender.send(new PutEventsCommand({ Entries: [ENTRY, other] }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  expect(put).toHaveLength(1);
  sender.destroy();
});
