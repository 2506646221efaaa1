/** What `destination/template.yml` makes, deployed into the local AWS. */
import { readFile } from 'node:fs/promises';
import {
  CreateBucketCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { startLocalAws } from '../../local/aws.ts';
import type { LocalAws } from '../../local/aws.ts';
import { clientConfig } from '../../local/client-config.ts';
import { parseTemplate } from '../../local/cloudformation/template.ts';
import { statementsOf } from './statements.ts';

const STACK = { accountId: '222222222222', region: 'us-east-1', stackName: 'destination' };
const PARAMETERS = {
  SourceRoleArn: 'arn:aws:iam::111111111111:role/s3-replicator-prod-us-east-1-replicate',
  ExternalId: 'acme-replication',
  BucketName: 'acme-replica',
};

let text: string;
let aws: LocalAws;
let s3: S3Client;

beforeAll(async () => {
  text = await readFile('destination/template.yml', 'utf8');
});

beforeEach(async () => {
  aws = await startLocalAws({ region: 'us-east-1' });
  s3 = new S3Client(clientConfig(aws, aws.root(STACK.accountId)));
  return () => aws.stop();
});

const deploy = (parameters: Record<string, string> = {}) =>
  aws.cloudformation.deploy({ ...STACK, template: text, parameters: { ...PARAMETERS, ...parameters } });

test('it can be deployed before the source role exists, and creates nothing but the role by itself', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'acme-replica' }));
  const stack = await deploy();

  expect([...stack.resources.keys()]).toEqual(['ReplicationRole']);
  expect(stack.outputs).toMatchObject({
    RoleArn: 'arn:aws:iam::222222222222:role/s3-replicator-destination',
  });
});

test('on request it creates the bucket: versioned, TLS only, and kept when the stack goes', async () => {
  await deploy({ CreateBucket: 'yes' });
  await aws.cloudformation.remove(STACK);

  await s3.send(new HeadBucketCommand({ Bucket: 'acme-replica' }));
  expect(await s3.send(new GetBucketVersioningCommand({ Bucket: 'acme-replica' }))).toMatchObject({
    Status: 'Enabled',
  });
  expect((await s3.send(new GetBucketPolicyCommand({ Bucket: 'acme-replica' }))).Policy).toContain(
    'aws:SecureTransport',
  );
});

test.each([
  ['SourceRoleArn', 'arn:aws:iam::111111111111:user/somebody'],
  ['ExternalId', 'x'],
  ['BucketName', 'Acme'],
  ['CreateBucket', 'true'],
  ['KmsKeyArn', 'arn:aws:kms:us-east-1:222222222222:alias/key'],
  ['RoleName', 'a/b'],
])('a wrong %s is refused: %s', async (parameter, value) => {
  await expect(deploy({ [parameter]: value })).rejects.toThrow(parameter);
});

test('only the one role is trusted, and only with the external id', () => {
  const trust = parseTemplate(text).Resources['ReplicationRole']?.Properties['AssumeRolePolicyDocument'];

  expect(statementsOf(trust)).toMatchObject([
    {
      Action: 'sts:AssumeRole',
      Condition: {
        ArnEquals: { 'aws:PrincipalArn': { Ref: 'SourceRoleArn' } },
        StringEquals: { 'sts:ExternalId': { Ref: 'ExternalId' } },
      },
    },
  ]);
});

test('the role may write, look at and give up uploads under the prefix, and nothing else', () => {
  const properties = parseTemplate(text).Resources['ReplicationRole']?.Properties;
  const [policy] = (properties?.['Policies'] ?? []) as { PolicyDocument: unknown }[];
  const [write, list, kms, ...others] = statementsOf(policy?.PolicyDocument);

  expect(others).toEqual([]);
  expect(write).toMatchObject({
    Action: ['s3:PutObject', 's3:GetObject', 's3:AbortMultipartUpload'],
    Resource: { 'Fn::Sub': 'arn:${AWS::Partition}:s3:::${BucketName}/${Prefix}*' },
  });
  expect(list).toMatchObject({ Action: 's3:ListBucket' });
  expect(JSON.stringify(kms)).toContain(
    '"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":{"Ref":"KmsKeyArn"}',
  );
});
