/**
 * The commands for dead letters, against the local SQS. The local SQS implements visibility, redrive
 * policies, move tasks and permissions.
 */
import {
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type AdjustableClock, createClock } from '@s3-replicator/local-aws';
import { type FrontDoor, startFrontDoor } from '@s3-replicator/local-aws/front';
import { createIam, type Iam } from '@s3-replicator/local-aws/iam';
import { createSqs, type Sqs } from '@s3-replicator/local-aws/sqs';
import { toAttributes } from '../../src/lib/delivery/dead-letter.ts';
import { formatHint } from '../../src/lib/hint/hint.ts';
import { forwardingFunction } from './forwarding-function.ts';
import { type Run, run } from './run.ts';
import { DEAD, LIVE, REPLICATE } from './scripted-sqs.ts';

const ACCOUNT = '111111111111';
const PLACE = { accountId: ACCOUNT, region: 'us-east-1' };
const arnOf = (name: string): string => `arn:aws:sqs:us-east-1:${ACCOUNT}:${name}`;

/** The actions that docs/operations.md lists for operators. */
const OPERATOR_ACTIONS = [
  'sqs:GetQueueUrl',
  'sqs:GetQueueAttributes',
  'sqs:ReceiveMessage',
  'sqs:ChangeMessageVisibility',
  'sqs:DeleteMessage',
  'lambda:InvokeFunction',
];

let clock: AdjustableClock;
let iam: Iam;
let sqs: Sqs;
let door: FrontDoor;
let client: SQSClient;

beforeEach(async () => {
  clock = createClock();
  iam = createIam({ clock });
  sqs = createSqs({ iam, clock, endpoint: () => door.httpEndpoint });
  const lambda = forwardingFunction(
    iam,
    () => client,
    () => urlOf(LIVE),
  );
  door = await startFrontDoor({ services: { sqs, lambda }, iam, clock });
  sqs.queues.create({ ...PLACE, name: DEAD }, { MessageRetentionPeriod: '1209600' });
  sqs.queues.create(
    { ...PLACE, name: LIVE },
    { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(DEAD), maxReceiveCount: 1 }) },
  );
  const { accessKeyId, secretAccessKey } = iam.rootCredentials(ACCOUNT);
  vi.stubEnv('AWS_ENDPOINT_URL', door.httpEndpoint);
  signInAs({ accessKeyId, secretAccessKey });
  client = new SQSClient({ region: 'us-east-1' });
});

afterEach(async () => {
  client.destroy();
  vi.unstubAllEnvs();
  await door.close();
});

const signInAs = (keys: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }): void => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', keys.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', keys.secretAccessKey);
  vi.stubEnv('AWS_SESSION_TOKEN', keys.sessionToken);
};

/** Creates a role that may perform only these actions, and signs in with it. */
const signInAsOperator = (actions: readonly string[], resources: readonly string[]): string => {
  const role = iam.putRole({
    accountId: ACCOUNT,
    roleName: 'operator',
    assumeRolePolicy: { Statement: { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' } },
    policies: [{ Statement: { Effect: 'Allow', Action: [...actions], Resource: [...resources] } }],
  });
  signInAs(iam.createSession(role.arn, 'somebody', 900).credentials);
  return role.arn;
};

const dlq = (...argv: string[]): Promise<Run> => run(['dlq', ...argv], { now: () => clock.now() });

const lettersIn = (out: string): unknown[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

const urlOf = async (name: string): Promise<string> =>
  (await client.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl ?? '';

const send = async (queue: string, body: string, attributes: Record<string, string> = {}): Promise<void> => {
  const typed = Object.entries(attributes).map(
    ([name, value]) => [name, { DataType: 'String', StringValue: value }] as const,
  );
  await client.send(
    new SendMessageCommand({
      QueueUrl: await urlOf(queue),
      MessageBody: body,
      MessageAttributes: Object.fromEntries(typed),
    }),
  );
};

const quarantine = (key: string, reason: 'kms' | 'access-denied' = 'kms'): Promise<void> => {
  const of = { bucket: 'acme-documents', key, rule: 'invoices', destination: 'archive' };
  const body = formatHint({
    ...of,
    versionId: null,
    sizeBytes: 1,
    kind: 'hint',
    identity: null,
    principalId: null,
    run: null,
  });
  const firstSeenMs = clock.now() - 60_000;
  const letter = {
    reason,
    version: null,
    firstSeenMs,
    attempts: 1,
    requestId: null,
    detail: 'the key is disabled',
  };
  return send(DEAD, body, toAttributes({ ...of, ...letter }));
};

const countsOf = (name: string): { visible: number; inFlight: number } =>
  sqs.queues.byName({ ...PLACE, name })!.messages.counts();

test('dlq list shows the messages and leaves them visible', async () => {
  const odd = 'invoices/bell\u0007 line\nnoncharacter \uffff 請求書.pdf';
  await quarantine(odd);
  for (let n = 0; n < 12; n += 1) await quarantine(`invoices/${n}`, 'access-denied');
  const { code, out } = await dlq('list', '--each', '--json');
  expect(code).toBe(0);
  expect(lettersIn(out)).toHaveLength(13);
  expect(lettersIn(out)).toContainEqual(expect.objectContaining({ reason: 'kms', key: odd }));
  expect(countsOf(DEAD)).toMatchObject({ visible: 13, inFlight: 0 });
});

test('dlq redrive sends all messages with their attributes', async () => {
  for (let n = 0; n < 30; n += 1) await quarantine(`invoices/${n}`);
  const { code, out } = await dlq('redrive');
  expect({ code, out }).toEqual({ code: 0, out: `30 messages sent from ${DEAD} to ${LIVE}.\n  30 × kms\n` });
  expect([countsOf(DEAD).visible, countsOf(LIVE).visible]).toEqual([0, 30]);
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({ QueueUrl: await urlOf(LIVE), MessageAttributeNames: ['All'] }),
  );
  expect(Object.keys(Messages[0]?.MessageAttributes ?? {})).toEqual(
    expect.arrayContaining(['reason', 'first-seen', 'attempts']),
  );
});

test('dlq redrive with a filter sends the matching messages and releases the others', async () => {
  for (let n = 0; n < 24; n += 1) await quarantine(`invoices/${n}`, n % 2 ? 'kms' : 'access-denied');
  const { code, out } = await dlq('redrive', '--reason', 'kms', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ moved: 12, byReason: { kms: 12 } });
  expect(countsOf(DEAD)).toMatchObject({ visible: 12, inFlight: 0 });
  expect(countsOf(LIVE).visible).toBe(12);
});

test('a message that SQS moved because the function kept crashing can be listed and redriven', async () => {
  const record = {
    eventSource: 'aws:s3',
    s3: { bucket: { name: 'acme-documents' }, object: { key: 'a+b' } },
  };
  await send(LIVE, JSON.stringify({ Records: [record] }));
  const receive = new ReceiveMessageCommand({ QueueUrl: await urlOf(LIVE), VisibilityTimeout: 30 });
  await client.send(receive);
  clock.advance(31_000);
  await client.send(receive);
  expect(lettersIn((await dlq('list', '--each', '--json')).out)).toMatchObject([
    { reason: 'crashed-or-timed-out', key: 'a b', ageSeconds: 31 },
  ]);
  expect((await dlq('redrive', '--reason', 'crashed-or-timed-out')).code).toBe(0);
  expect(countsOf(LIVE).visible).toBe(1);
});

test('a redriven message on which the function crashes is shown as crashed, not with its old reason', async () => {
  await quarantine('invoices/1', 'access-denied');
  await dlq('redrive');
  const receive = new ReceiveMessageCommand({ QueueUrl: await urlOf(LIVE), VisibilityTimeout: 30 });
  await client.send(receive);
  clock.advance(31_000);
  await client.send(receive);
  expect(lettersIn((await dlq('list', '--each', '--json')).out)).toMatchObject([
    {
      reason: 'crashed-or-timed-out',
      rule: 'invoices',
      key: 'invoices/1',
      attempts: null,
      detail: 'Earlier it was in this queue for access-denied: the key is disabled',
    },
  ]);
});

test.each([
  { missing: 'sqs:GetQueueUrl', argv: ['list'] },
  { missing: 'sqs:GetQueueAttributes', argv: ['list'] },
  { missing: 'sqs:ReceiveMessage', argv: ['list'] },
  { missing: 'sqs:ChangeMessageVisibility', argv: ['list'] },
  { missing: 'sqs:DeleteMessage', argv: ['redrive', '--reason', 'kms'] },
  { missing: 'lambda:InvokeFunction', argv: ['redrive'] },
])('dlq $argv names the missing permission $missing', async ({ missing, argv }) => {
  await quarantine('invoices/1');
  signInAsOperator(
    OPERATOR_ACTIONS.filter((action) => action !== missing),
    ['*'],
  );
  const { code, err } = await dlq(...argv);
  expect(code).toBeGreaterThan(0);
  expect(err).toContain(`Access denied: ${missing} on `);
});

test('an operator with exactly the documented actions can run all dlq commands', async () => {
  await quarantine('invoices/1');
  await quarantine('invoices/2', 'access-denied');
  const replicate = `arn:aws:lambda:us-east-1:${ACCOUNT}:function:${REPLICATE}`;
  signInAsOperator(OPERATOR_ACTIONS, [arnOf(DEAD), replicate]);
  for (const argv of [['list'], ['redrive', '--reason', 'kms'], ['redrive']]) {
    expect(await dlq(...argv)).toMatchObject({ code: 0, err: '' });
  }
  expect(countsOf(LIVE).visible).toBe(2);
});

test('dlq commands distinguish expired credentials from missing permissions', async () => {
  iam.expireSessions(signInAsOperator(OPERATOR_ACTIONS, ['*']));
  expect((await dlq('list')).err).toContain('AWS refused the credentials');
  signInAs({ accessKeyId: 'AKIAWRONG', secretAccessKey: 'x' });
  expect((await dlq('list')).err).toContain('AWS refused the credentials');
});
