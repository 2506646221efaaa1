/** Whoever may send to the queues of the stack, and what a message that reaches one of them can do. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createClock, type Caller, type PolicyDocument } from '@s3-replicator/local-aws';
import { createIam } from '@s3-replicator/local-aws/iam';
import { queueMessage } from '../../src/lib/aws/sqs/queues.ts';
import { toRetryAttributes } from '../../src/lib/delivery/retry.ts';
import { formatHint, type Hint } from '../../src/lib/hint/hint.ts';
import { testConfiguration, testRule } from '../model/settings.ts';
import { batchWorld, NOW } from '../replicate/batch-world.ts';
import { generatedTemplate } from '../stack/sample-stack.ts';
import { ofType } from '../stack/statements.ts';

const ACCOUNT = '111111111111';
const iam = createIam({ clock: createClock() });

/** The template with ARNs in place of its intrinsic functions. */
const resolved = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(resolved);
  if ('Ref' in value) return value.Ref === 'AWS::AccountId' ? ACCOUNT : value.Ref;
  if ('Fn::Sub' in value) return String(value['Fn::Sub']).replaceAll('${AWS::Partition}', 'aws');
  if ('Fn::GetAtt' in value) {
    const [id] = value['Fn::GetAtt'] as [string];
    if (id.endsWith('Role')) return `arn:aws:iam::${ACCOUNT}:role/${id}`;
    const service = id.startsWith('EventRule') ? 'events' : 'sqs';
    return `arn:aws:${service}:eu-west-1:${ACCOUNT}:${service === 'events' ? 'rule/' : ''}${id}`;
  }
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, resolved(each)]));
};

const policies = new Map(
  ofType(generatedTemplate(), 'AWS::SQS::QueuePolicy').map(([, { Properties }]) => {
    const [{ Ref: queue }] = Properties['Queues'] as [{ Ref: string }];
    return [queue, resolved(Properties['PolicyDocument']) as PolicyDocument];
  }),
);

const role = (roleName: string): Caller => {
  const { arn } = iam.putRole({
    accountId: ACCOUNT,
    roleName,
    assumeRolePolicy: { Statement: { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' } },
    policies: [{ Statement: { Effect: 'Allow', Action: 'sqs:*', Resource: '*' } }],
  });
  return iam.createSession(arn, 'session', 900).caller;
};

const s3 = (bucket: string, sourceAccount = ACCOUNT): Caller => ({
  kind: 'service',
  service: 's3.amazonaws.com',
  sourceArn: `arn:aws:s3:::${bucket}`,
  sourceAccount,
});

const maySend = (queue: string, caller: Caller, policy = policies.get(queue)): boolean =>
  iam.decide({
    caller,
    action: 'sqs:SendMessage',
    resource: `arn:aws:sqs:eu-west-1:${ACCOUNT}:${queue}`,
    resourceAccountId: ACCOUNT,
    resourcePolicy: policy,
    secureTransport: true,
  }).allowed;

test('a role with sqs:* and the account itself cannot send to any queue of the stack', () => {
  const root: Caller = {
    kind: 'root',
    accountId: ACCOUNT,
    arn: `arn:aws:iam::${ACCOUNT}:root`,
    principalId: ACCOUNT,
  };
  const attackers = [role('analyst'), role('ReplicateRole-of-another-stack'), root];
  const queues = ofType(generatedTemplate(), 'AWS::SQS::Queue').map(([id]) => id);
  expect(queues.length).toBeGreaterThan(6);
  for (const queue of queues)
    expect(attackers.map((caller) => maySend(queue, caller))).toEqual([false, false, false]);
});

test('S3 for the source buckets and the roles of the stack still send, and S3 for other buckets and accounts does not', () => {
  expect(maySend('LiveQueue', s3('acme-documents'))).toBe(true);
  expect(maySend('LiveQueue', s3('somebodys-bucket'))).toBe(false);
  expect(maySend('LiveQueue', s3('acme-documents', '999999999999'))).toBe(false);
  const senders: Record<string, string[]> = {
    LiveQueue: ['ReplicateRole'],
    LiveDeadLetterQueue: ['ReplicateRole'],
    BackfillQueue: ['BackfillRole', 'ReplicateRole'],
    RangesQueue: ['BackfillRole'],
    TransferQueue: ['ReplicateRole', 'BatchRole'],
  };
  for (const [queue, roles] of Object.entries(senders))
    for (const name of ['ReplicateRole', 'BackfillRole', 'BatchRole', 'SubscribeRole'])
      expect(maySend(queue, role(name)), `${name} to ${queue}`).toBe(roles.includes(name));
});

test('the deny names services as such, because without that S3, which acts under no role, could not send', () => {
  const policy = structuredClone(policies.get('LiveQueue')!);
  for (const { Sid, Condition } of [policy.Statement].flat())
    if (Sid === 'OnlyThisStack') delete Condition?.['Bool'];
  expect(maySend('LiveQueue', s3('acme-documents'), policy)).toBe(false);
});

/** A message as Lambda delivers it, with the attributes that its sender chose. */
const delivered = (queue: string, hint: Partial<Hint>, attributes: Record<string, string> = {}) =>
  queueMessage({
    messageId: randomUUID(),
    receiptHandle: 'h',
    body: formatHint({ ...HINT, ...hint }),
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: String(NOW),
      SenderId: 'AIDA',
      ApproximateFirstReceiveTimestamp: String(NOW),
    },
    messageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, stringValue]) => [name, { dataType: 'String', stringValue }]),
    ),
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:eu-west-1:${ACCOUNT}:acme-prod-${queue}`,
    awsRegion: 'eu-west-1',
  });

const HINT: Hint = {
  bucket: 'source',
  key: 'k',
  versionId: null,
  sizeBytes: null,
  kind: 'hint',
  identity: null,
  principalId: null,
  rule: null,
  destination: null,
  run: null,
};

test.each(['live', 'transfers'])(
  'a forged hint of a run in the %s queue deletes no replica, whatever its attributes say',
  async (queue) => {
    const { source, replica, run } = batchWorld(testConfiguration(testRule({ deletes: 'replicate' })));
    source.put('k', Buffer.from('precious'));
    await run(delivered('live', {}));
    source.history.delete('k');
    const forged = toRetryAttributes({
      id: 'm0',
      origin: 'backfill',
      tries: 1,
      attempts: 1,
      firstSeenMs: NOW,
      waitingSinceMs: NOW,
      firstFailedMs: null,
      reason: 'throttled',
      detail: '-',
    });
    await run(delivered(queue, { kind: 'extra' }), delivered(queue, { kind: 'extra' }, forged));
    expect(replica('replica').history.get('k')).toHaveLength(1);
    // The same hint is carried out if it comes from the queue of runs.
    await run(delivered('backfill', { kind: 'extra' }));
    expect(replica('replica').history.get('k')).toHaveLength(2);
  },
);

test('a forged hint of a run that fails is no hint of a run in the dead-letter queue either, so that a redrive does not launder it', async () => {
  const { dead, failing, run } = batchWorld(testConfiguration(testRule({ deletes: 'replicate' })));
  failing.set('replica', 'object-lock');
  await run(delivered('live', { kind: 'extra' }));
  expect(dead.map(({ body }) => JSON.parse(body).kind)).toEqual(['hint']);
});
