/** Schedules that invoke functions. The functions and schedules are deployed from a template. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createScheduler } from '../../src/scheduler/scheduler.ts';
import {
  functionRole,
  lambdaFunction,
  PATIENCE,
  startAwsFixture,
  type AwsFixture,
} from '../cloudformation/aws-fixture.ts';

const ECHO = `exports.handler = async (event) => console.log('GOT ' + JSON.stringify(event));`;
const INVOKE = {
  Effect: 'Allow',
  Action: 'lambda:InvokeFunction',
  Resource: 'arn:aws:lambda:eu-central-1:111111111111:function:echo',
};
const HOUR_MS = 3_600_000;

let fixture: AwsFixture;

beforeAll(async () => {
  fixture = await startAwsFixture();
  await fixture.artifact('echo', ECHO);
});
afterAll(() => fixture.close());

const schedulerRole = (statements: object[], service = 'scheduler.amazonaws.com'): object =>
  functionRole(statements, {
    ManagedPolicyArns: [],
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: service },
          Action: 'sts:AssumeRole',
          Condition: { StringEquals: { 'aws:SourceAccount': '111111111111' } },
        },
      ],
    },
  });

const deploy = (schedule: object, role = schedulerRole([INVOKE])) =>
  fixture.deploy({
    Role: functionRole(),
    Echo: lambdaFunction('echo', { FunctionName: 'echo' }),
    SchedulerRole: role,
    Schedule: {
      Type: 'AWS::Scheduler::Schedule',
      Properties: {
        Name: 'sweep',
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: {
          Arn: { 'Fn::GetAtt': ['Echo', 'Arn'] },
          RoleArn: { 'Fn::GetAtt': ['SchedulerRole', 'Arn'] },
          Input: '{"at":"<aws.scheduler.scheduled-time>","by":"<aws.scheduler.schedule-arn>"}',
        },
        ...schedule,
      },
    },
  });

const events = (): { at: string; by: string }[] =>
  fixture.lines.flatMap((line) => {
    const [, json] = /GOT (.+)/.exec(line) ?? [];
    return json === undefined ? [] : [JSON.parse(json)];
  });

test('a schedule invokes its function when it is due, and only once if the clock skips several times', async () => {
  await deploy({ ScheduleExpression: 'cron(0 * * * ? *)' });
  expect(events()).toEqual([]);
  fixture.aws.clock.advance(3 * HOUR_MS);
  await vi.waitUntil(() => events().length > 0, PATIENCE);
  const lastHour = new Date(Math.floor(fixture.aws.clock.now() / HOUR_MS) * HOUR_MS);
  expect(events()).toEqual([
    {
      at: lastHour.toISOString().replace('.000', ''),
      by: 'arn:aws:scheduler:eu-central-1:111111111111:schedule/default/sweep',
    },
  ]);
  fixture.aws.clock.advance(HOUR_MS);
  await vi.waitUntil(() => events().length === 2, PATIENCE);
});

test('a schedule by rate begins at once', async () => {
  const before = events().length;
  await deploy({ ScheduleExpression: 'rate(1 hour)' });
  await vi.waitUntil(() => events().length === before + 1, PATIENCE);
});

test('a disabled schedule invokes nothing', async () => {
  const before = events().length;
  await deploy({ ScheduleExpression: 'rate(2 hours)', State: 'DISABLED' });
  fixture.aws.clock.advance(3 * HOUR_MS);
  await deploy({ ScheduleExpression: 'rate(3 hours)' });
  await vi.waitUntil(() => events().length > before, PATIENCE);
  expect(events()).toHaveLength(before + 1);
});

test('a schedule whose role may not invoke the function reports a failed invocation', async () => {
  await deploy({ ScheduleExpression: 'rate(4 hours)' }, schedulerRole([]));
  await vi.waitUntil(() => fixture.aws.scheduler.failedInvocations.length > 0, PATIENCE);
  expect(fixture.aws.scheduler.failedInvocations[0]?.reason).toMatch(
    /is not authorized to perform: lambda:InvokeFunction on resource: .+:echo because no identity-based policy/,
  );
});

test('a schedule whose role does not trust the scheduler cannot be deployed', async () => {
  await expect(
    deploy({ ScheduleExpression: 'rate(5 hours)' }, schedulerRole([INVOKE], 'lambda.amazonaws.com')),
  ).rejects.toThrow('must allow AWS EventBridge Scheduler to assume the role');
});

test('a schedule with an unknown expression or property cannot be deployed', async () => {
  await expect(deploy({ ScheduleExpression: 'rate(1 week)' })).rejects.toThrow(
    'Invalid Schedule Expression rate(1 week).',
  );
  await expect(
    deploy({ ScheduleExpression: 'rate(1 day)', ScheduleExpressionTimezone: 'Europe/Berlin' }),
  ).rejects.toThrow('ScheduleExpressionTimezone');
});

test('a deleted schedule invokes nothing', async () => {
  await deploy({ ScheduleExpression: 'rate(1 hour)' });
  await fixture.remove();
  const failures = fixture.aws.scheduler.failedInvocations.length;
  fixture.aws.clock.advance(HOUR_MS);
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(fixture.aws.scheduler.failedInvocations).toHaveLength(failures);
});

test('a schedule by rate fires once at its creation although the clock moves meanwhile', async () => {
  let nowMs = 1_700_000_000_000;
  const invoked: string[] = [];
  const scheduler = createScheduler({
    // The clock moves by one millisecond whenever it is read.
    clock: { now: () => nowMs++ },
    iam: {
      role: () => ({ accountId: '111111111111' }),
      decide: () => ({ allowed: true }),
      createSession: () => ({ caller: {} }),
    },
    lambda: {
      function: () => ({ policy: () => null }),
      invokeText: async (arn: string) => invoked.push(arn),
    },
  } as unknown as Parameters<typeof createScheduler>[0]);
  scheduler.create({
    accountId: '111111111111',
    region: 'eu-central-1',
    name: 'sweep',
    expression: 'rate(1 hour)',
    startMs: null,
    endMs: null,
    isEnabled: true,
    functionArn: 'arn:aws:lambda:eu-central-1:111111111111:function:echo',
    roleArn: 'arn:aws:iam::111111111111:role/scheduler',
    input: '{}',
  });
  await vi.waitUntil(() => invoked.length > 0, PATIENCE);
  scheduler.stop();
  expect(invoked).toHaveLength(1);
});
