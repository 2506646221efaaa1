/** Bucket policies with the real IAM: principals, public access, the root user, and the condition keys of TLS and KMS. */
import { Agent } from 'node:https';
import { GetTopicAttributesCommand, SetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import {
  DeleteBucketPolicyCommand,
  DeletePublicAccessBlockCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Credentials, PolicyStatement } from '../../src/core/access.ts';
import { clientConfig } from '../../src/start/client-config.ts';
import { type LocalAws, startLocalAws } from '../../src/start/local-aws.ts';

const HOME = '111111111111';
const ABROAD = '222222222222';
const REGION = 'eu-central-1';

let aws: LocalAws;
beforeAll(async () => {
  aws = await startLocalAws({ region: REGION });
});
afterAll(() => aws.stop());

const s3 = (credentials: Credentials = aws.root(HOME)) => new S3Client(clientConfig(aws, credentials));

let made = 0;
const bucketWithObject = async (): Promise<string> => {
  const name = `policed-${++made}`;
  aws.s3.createBucket({ name, accountId: HOME, region: REGION });
  await s3().send(new PutObjectCommand({ Bucket: name, Key: 'k', Body: 'x' }));
  return name;
};

const allowRead = (bucket: string, more: object = {}): PolicyStatement => ({
  Effect: 'Allow',
  Principal: '*',
  Action: 's3:GetObject',
  Resource: `arn:aws:s3:::${bucket}/*`,
  ...more,
});

const setPolicy = (bucket: string, ...statements: PolicyStatement[]) =>
  aws.s3.setBucketPolicy(bucket, { Version: '2012-10-17', Statement: statements });

const roleAbroad = (): Credentials => {
  const policies = [{ Statement: { Effect: 'Allow' as const, Action: '*', Resource: '*' } }];
  const { arn } = aws.iam.putRole({
    accountId: ABROAD,
    roleName: 'reader',
    assumeRolePolicy: { Statement: [] },
    policies,
  });
  return aws.iam.createSession(arn, 'session', 3600).credentials;
};
const ROLE_ARN = `arn:aws:iam::${ABROAD}:role/reader`;

const read = async (bucket: string, client: S3Client): Promise<string> => {
  try {
    await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'k' }));
    return 'read';
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
};

test('a role that is deleted and created again is not the principal of older policies', async () => {
  const bucket = await bucketWithObject();
  const statement = allowRead(bucket, { Principal: { AWS: ROLE_ARN } });
  expect(() => setPolicy(bucket, statement)).toThrow('Invalid principal in policy');
  const first = roleAbroad();
  setPolicy(bucket, statement);
  expect(await read(bucket, s3(first))).toBe('read');
  aws.iam.deleteRole(ROLE_ARN);
  const second = roleAbroad();
  expect(await read(bucket, s3(second))).toBe('AccessDenied');
  const { Policy } = await s3().send(new GetBucketPolicyCommand({ Bucket: bucket }));
  expect(Policy).toMatch(/"Principal":\{"AWS":"AROA\w+"\}/);
  setPolicy(bucket, statement);
  expect(await read(bucket, s3(second))).toBe('read');
  setPolicy(bucket, allowRead(bucket, { Principal: { AWS: ABROAD }, Condition: byArn }));
  aws.iam.deleteRole(ROLE_ARN);
  expect(await read(bucket, s3(roleAbroad()))).toBe('read');
});
const byArn = { ArnEquals: { 'aws:PrincipalArn': ROLE_ARN } };

test('queues and topics refuse principals that do not exist, and show those that no longer exist by their ids', async () => {
  const nobody = { AWS: `arn:aws:iam::${ABROAD}:role/nobody` };
  const sqs = new SQSClient(clientConfig(aws, aws.root(HOME)));
  const queue = aws.sqs.queues.create({ accountId: HOME, region: REGION, name: 'queue' }, {});
  const QueueUrl = aws.sqs.queueUrl(queue.arn);
  const policy = (Principal: object, Resource: string) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal, Action: '*', Resource }],
    });
  const setQueue = (Principal: object) =>
    sqs.send(
      new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: policy(Principal, queue.arn) } }),
    );
  await expect(setQueue(nobody)).rejects.toMatchObject({ name: 'InvalidAttributeValue' });
  roleAbroad();
  await setQueue({ AWS: ROLE_ARN });
  aws.iam.deleteRole(ROLE_ARN);
  // The principals of the policy are not looked up again when another attribute changes.
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { DelaySeconds: '1' } }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Policy'] }),
  );
  expect(Attributes?.['Policy']).toMatch(/"AWS":"AROA\w+"/);

  const sns = new SNSClient(clientConfig(aws, aws.root(HOME)));
  const { physicalId: TopicArn } = await aws.sns.topicResource.create(
    { accountId: HOME, region: REGION, generatedName: 'topic' },
    {},
  );
  const setTopic = (Principal: object) =>
    sns.send(
      new SetTopicAttributesCommand({
        TopicArn,
        AttributeName: 'Policy',
        AttributeValue: policy(Principal, TopicArn),
      }),
    );
  await expect(setTopic(nobody)).rejects.toThrow('PrincipalNotFound');
  roleAbroad();
  await setTopic({ AWS: ROLE_ARN });
  const topic = await sns.send(new GetTopicAttributesCommand({ TopicArn }));
  expect(topic.Attributes?.['Policy']).toContain(ROLE_ARN);
});

test('the root user reads, replaces and deletes a policy that denies everything to everyone', async () => {
  const bucket = await bucketWithObject();
  const all = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
  const lockout = { Effect: 'Deny' as const, Principal: '*' as const, Action: 's3:*', Resource: all };
  setPolicy(bucket, lockout);
  expect(await read(bucket, s3())).toBe('AccessDenied');
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [lockout] });
  await s3().send(new GetBucketPolicyCommand({ Bucket: bucket }));
  await s3().send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  const abroad = s3(aws.root(ABROAD)).send(new DeleteBucketPolicyCommand({ Bucket: bucket }));
  await expect(abroad).rejects.toMatchObject({ name: 'AccessDenied' });
  await s3().send(new DeleteBucketPolicyCommand({ Bucket: bucket }));
  expect(await read(bucket, s3())).toBe('read');
});

test('RestrictPublicBuckets shuts out other accounts, even where a public policy names them', async () => {
  const bucket = await bucketWithObject();
  const reader = s3(roleAbroad());
  await s3().send(new DeletePublicAccessBlockCommand({ Bucket: bucket }));
  setPolicy(bucket, allowRead(bucket), allowRead(bucket, { Principal: { AWS: ABROAD } }));
  const anonymous = async () => (await fetch(`${aws.httpEndpoint}/${bucket}/k`)).status;
  expect([await read(bucket, reader), await anonymous()]).toEqual(['read', 200]);
  await s3().send(
    new PutPublicAccessBlockCommand({
      Bucket: bucket,
      PublicAccessBlockConfiguration: { RestrictPublicBuckets: true },
    }),
  );
  expect([await read(bucket, reader), await anonymous()]).toEqual(['AccessDenied', 403]);
  expect(await read(bucket, s3())).toBe('read');
  setPolicy(bucket, allowRead(bucket, { Principal: { AWS: ABROAD } }));
  expect(await read(bucket, reader)).toBe('read');
});

test('a policy can demand a version of TLS', async () => {
  const bucket = await bucketWithObject();
  setPolicy(
    bucket,
    allowRead(bucket, { Effect: 'Deny', Condition: { NumericLessThan: { 's3:TlsVersion': '1.3' } } }),
  );
  const over = (maxVersion: 'TLSv1.2' | 'TLSv1.3') => {
    const config = clientConfig(aws, aws.root(HOME));
    return new S3Client({
      ...config,
      requestHandler: { httpsAgent: new Agent({ ca: aws.caPem, maxVersion }) },
    });
  };
  expect(await read(bucket, over('TLSv1.2'))).toBe('AccessDenied');
  expect(await read(bucket, over('TLSv1.3'))).toBe('read');
});

test('a key policy sees the names of the encryption context, and that S3 asks in the name of the caller', async () => {
  const bucket = await bucketWithObject();
  const keyArn = `arn:aws:kms:${REGION}:${HOME}:key/0a1b2c3d-0000-4000-8000-000000000001`;
  const put = () =>
    s3().send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: 'sealed',
        Body: 'x',
        ServerSideEncryption: 'aws:kms',
        SSEKMSKeyId: keyArn,
      }),
    );
  const policyWith = (Condition: Record<string, Record<string, string>>) =>
    aws.kms.put(keyArn, {
      Statement: { Effect: 'Allow', Principal: { AWS: HOME }, Action: 'kms:*', Resource: '*', Condition },
    });
  policyWith({
    'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': 'aws:s3:arn' },
    Bool: { 'aws:ViaAWSService': 'true' },
  });
  await put();
  policyWith({ 'ForAnyValue:StringEquals': { 'kms:EncryptionContextKeys': 'team' } });
  await expect(put()).rejects.toMatchObject({ name: 'AccessDenied' });
});

test('CloudFormation refuses the notifications of a bucket whose queue does not let S3 send, like the API', async () => {
  const arn = `arn:aws:sqs:${REGION}:${HOME}:notified`;
  const bucket = {
    Type: 'AWS::S3::Bucket',
    Properties: {
      BucketName: 'notifying',
      NotificationConfiguration: { QueueConfigurations: [{ Event: 's3:ObjectCreated:*', Queue: arn }] },
    },
  };
  const queue = { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'notified' } };
  const policy = {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [{ Ref: 'Queue' }],
      PolicyDocument: {
        Statement: {
          Effect: 'Allow',
          Principal: { Service: 's3.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: arn,
        },
      },
    },
  };
  const deploy = (stackName: string, Resources: object) =>
    aws.cloudformation.deploy({
      accountId: HOME,
      region: REGION,
      stackName,
      template: JSON.stringify({ Resources }),
      parameters: {},
      artifacts: '.',
    });
  await expect(
    deploy('too-early', { Queue: queue, Bucket: { ...bucket, DependsOn: 'Queue' } }),
  ).rejects.toThrow('Unable to validate the following destination configurations');
  aws.clock.advance(61_000);
  await deploy('in-order', { Queue: queue, Policy: policy, Bucket: { ...bucket, DependsOn: 'Policy' } });
  expect(aws.sqs.queues.byArn(arn)?.messages.counts().visible).toBe(1);
});
