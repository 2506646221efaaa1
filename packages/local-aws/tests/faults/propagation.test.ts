/**
 * Sources: IAM User Guide "Changes that I make are not always immediately visible" (troubleshoot.html); SQS Developer Guide, "up to 60
 * seconds"; S3 User Guide "Enabling Amazon EventBridge", "around five minutes".
 */
import {
  PutBucketNotificationConfigurationCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { PolicyDocument } from '../../src/core/access.ts';
import { clientConfig } from '../../src/start/client-config.ts';
import { ACCOUNT, BUCKET, QUEUE, type Stand, startStand } from './stand.ts';

const OTHER_ACCOUNT = '222222222222';

let stand: Stand;
beforeAll(async () => {
  stand = await startStand();
});
afterAll(() => stand.stop());
afterEach(() => {
  stand.aws.faults.propagation = undefined;
});

const allow = (Action: string): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
});
const trust = (accountId: string): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: accountId }, Action: 'sts:AssumeRole' }],
});
const putRole = (roleName: string, policies: PolicyDocument[], accountId = ACCOUNT): string =>
  stand.aws.iam.putRole({ accountId, roleName, assumeRolePolicy: trust(ACCOUNT), policies }).arn;
const clientsOf = (roleArn: string) => {
  const { credentials } = stand.aws.iam.createSession(roleArn, 'test', 3600);
  const config = { ...clientConfig(stand.aws, credentials, { tls: false }), maxAttempts: 1 };
  return { s3: new S3Client(config), sts: new STSClient(config) };
};
const put = (s3: S3Client, key: string, more = {}) =>
  s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: 'x', ...more })).then(
    () => 'allowed',
    (error: Error) => error.name,
  );

test('a call that a changed role policy allows is denied until the change takes effect', async () => {
  const { s3 } = clientsOf(putRole('writer', []));
  stand.aws.faults.propagation = { policyMs: 60_000 };
  putRole('writer', [allow('s3:*')]);
  expect(await put(s3, 'key')).toBe('AccessDenied');
  stand.aws.clock.advance(59_000);
  putRole('writer', [allow('s3:PutObject')]);
  expect(await put(s3, 'key')).toBe('AccessDenied');
  stand.aws.clock.advance(1_000);
  expect(await put(s3, 'key')).toBe('allowed');
});

test('a new role can be assumed only after a delay', async () => {
  const { sts } = clientsOf(putRole('assumer', [allow('sts:AssumeRole')]));
  stand.aws.faults.propagation = { policyMs: 60_000 };
  const RoleArn = putRole('new', [], OTHER_ACCOUNT);
  const assume = () => sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'test' }));
  await expect(assume()).rejects.toMatchObject({ name: 'AccessDenied' });
  stand.aws.clock.advance(60_000);
  expect((await assume()).AssumedRoleUser?.Arn).toMatch(/assumed-role\/new\/test$/);
});

test('the old bucket policy applies until the change takes effect', async () => {
  const { s3 } = clientsOf(putRole('stranger', [allow('s3:*')], OTHER_ACCOUNT));
  stand.aws.faults.propagation = { policyMs: 60_000 };
  const statement = { Effect: 'Allow', Principal: { AWS: OTHER_ACCOUNT }, Action: 's3:PutObject' };
  const Policy = JSON.stringify({ Statement: [{ ...statement, Resource: `arn:aws:s3:::${BUCKET}/*` }] });
  await stand.s3.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy }));
  expect(await put(s3, 'key')).toBe('AccessDenied');
  stand.aws.clock.advance(60_000);
  expect(await put(s3, 'key')).toBe('allowed');
});

test('the old key policy and grants apply until the changes take effect', async () => {
  const { s3 } = clientsOf(putRole('encrypter', [allow('s3:*')], ACCOUNT));
  const keyArn = `arn:aws:kms:${stand.aws.region}:${ACCOUNT}:key/11111111-1111-1111-1111-111111111111`;
  const encrypted = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyArn };
  const granteePrincipal = `arn:aws:iam::${ACCOUNT}:role/encrypter`;
  stand.aws.faults.propagation = { policyMs: 60_000 };
  const grant = stand.aws.kms.createGrant(keyArn, { granteePrincipal, operations: ['GenerateDataKey'] });
  expect(await put(s3, 'key', encrypted)).toBe('AccessDenied');
  stand.aws.clock.advance(60_000);
  expect(await put(s3, 'key', encrypted)).toBe('allowed');
  stand.aws.kms.revokeGrant(keyArn, grant);
  stand.aws.kms.put(keyArn, {
    Statement: [{ Effect: 'Allow', Principal: { AWS: granteePrincipal }, Action: 'kms:*', Resource: '*' }],
  });
  stand.aws.clock.advance(59_000);
  expect(await put(s3, 'key', encrypted)).toBe('AccessDenied');
  stand.aws.clock.advance(1_000);
  expect(await put(s3, 'key', encrypted)).toBe('allowed');
});

test('S3 refuses a queue whose new policy has not taken effect yet', async () => {
  const queueArn = `arn:aws:sqs:${stand.aws.region}:${ACCOUNT}:${QUEUE}`;
  const setPolicy = (Policy: string) =>
    stand.sqs.send(new SetQueueAttributesCommand({ QueueUrl: stand.queueUrl, Attributes: { Policy } }));
  const policy = stand.aws.sqs.queues.byArn(queueArn)?.attributes.policy;
  await setPolicy('');
  stand.aws.faults.propagation = { policyMs: 60_000 };
  await setPolicy(JSON.stringify(policy));
  const subscribe = () =>
    stand.s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: BUCKET,
        NotificationConfiguration: {
          QueueConfigurations: [{ QueueArn: queueArn, Events: ['s3:ObjectCreated:*'] }],
        },
      }),
    );
  await expect(subscribe()).rejects.toMatchObject({ name: 'InvalidArgument' });
  stand.aws.clock.advance(60_000);
  await subscribe();
});

test('events of a bucket for which EventBridge was just switched on are lost', async () => {
  const { aws } = stand;
  const queueArn = `arn:aws:sqs:${aws.region}:${ACCOUNT}:${QUEUE}`;
  const queue = aws.sqs.queues.byArn(queueArn);
  if (queue) aws.sqs.queues.setAttributes(queue, { Policy: JSON.stringify(EVENTS_MAY_SEND) });
  const place = { accountId: ACCOUNT, region: aws.region, generatedName: 'rule' };
  await aws.events.ruleResource.create(place, {
    EventPattern: { source: ['aws.s3'] },
    Targets: [{ Id: 'queue', Arn: queueArn }],
  });
  const name = 'with-event-bridge';
  aws.s3.createBucket({ name, accountId: ACCOUNT, region: aws.region });
  aws.faults.propagation = { eventBridgeMs: 300_000 };
  const NotificationConfiguration = { EventBridgeConfiguration: {} };
  await stand.s3.send(
    new PutBucketNotificationConfigurationCommand({ Bucket: name, NotificationConfiguration }),
  );
  const putThere = (Key: string) => stand.s3.send(new PutObjectCommand({ Bucket: name, Key, Body: 'x' }));
  queue?.messages.purge();
  await putThere('early');
  aws.clock.advance(300_000);
  await putThere('late');
  expect(await stand.receivedKeys()).toEqual(['late']);
});

const EVENTS_MAY_SEND: PolicyDocument = {
  Statement: {
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: '*',
  },
};
