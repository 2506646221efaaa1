/** Rules over HTTP, with the real SDK. Documents: API_DescribeRule, API_ListTargetsByRule, API_DisableRule, API_EnableRule. */
import {
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListTargetsByRuleCommand,
} from '@aws-sdk/client-eventbridge';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEventsApi } from '../../src/events/events-api.ts';
import { parseRule, type Rule } from '../../src/events/event-rule.ts';
import { accountId, type CoreServices, region, startCoreServices } from '../core-services.ts';

const Targets = [{ Id: 'live', Arn: `arn:aws:sqs:${region}:${accountId}:live` }];
const place = { accountId, region, generatedName: 'tick' };
let services: CoreServices;
let client: EventBridgeClient;

beforeEach(async () => {
  const rule = parseRule(place, 'tick', { ScheduleExpression: 'rate(1 minute)', Targets }, 0);
  const rules = new Map<string, Rule>([[rule.arn, rule]]);
  services = await startCoreServices({
    events: { handle: (request, response) => createEventsApi(rules, services.iam).handle(request, response) },
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

test('a rule that does not exist is ResourceNotFoundException, and a stranger is denied', async () => {
  await expect(client.send(new DescribeRuleCommand({ Name: 'tock' }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
  const stranger = new EventBridgeClient(services.clientOptions(services.sessionOf('stranger', [])));
  await expect(stranger.send(new DescribeRuleCommand({ Name: 'tick' }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
  });
  stranger.destroy();
});
