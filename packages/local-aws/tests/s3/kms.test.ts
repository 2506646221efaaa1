/** Sources: KMS Developer Guide "Key states", "Grants", "Default key policy"; S3 API Reference, error codes that begin with KMS. */
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type LocalAws, startLocalAws } from '../../src/start/local-aws.ts';
import type { PolicyDocument } from '../../src/core/access.ts';
import { codeOf } from './harness.ts';

const [OWNER, OTHER] = ['111111111111', '222222222222'];
const REGION = 'us-east-1';
const Bucket = 'under-keys';

let aws: LocalAws;
/** Clients of the root user and of a role. The role may do everything in S3, but in KMS only what the test allows. */
let root: S3Client;
let role: S3Client;
let key = '';
let keys = 0;
const ROLE = `arn:aws:iam::${OWNER}:role/writer`;

const allow = (Action: string): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
});
const putRole = (...policies: PolicyDocument[]) =>
  aws.iam.putRole({
    accountId: OWNER,
    roleName: 'writer',
    assumeRolePolicy: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: OWNER }, Action: 'sts:AssumeRole' }],
    },
    policies: [allow('s3:*'), ...policies],
  });
const clientWith = (credentials: { accessKeyId: string; secretAccessKey: string }) =>
  new S3Client({
    endpoint: aws.httpEndpoint,
    region: REGION,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials,
  });

beforeAll(async () => {
  aws = await startLocalAws({ region: REGION });
  aws.s3.createBucket({ name: Bucket, accountId: OWNER, region: REGION });
  root = clientWith(aws.root(OWNER));
  putRole();
  role = clientWith(aws.iam.createSession(ROLE, 'session', 3600).credentials);
});
afterAll(async () => {
  root.destroy();
  role.destroy();
  await aws.stop();
});
beforeEach(() => {
  putRole();
  keys += 1;
  key = `arn:aws:kms:${REGION}:${OWNER}:key/00000000-0000-0000-0000-${String(keys).padStart(12, '0')}`;
});

const write = (client: S3Client, SSEKMSKeyId = key) =>
  client.send(
    new PutObjectCommand({
      Bucket,
      Key: 'k',
      Body: Buffer.from('content'),
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId,
    }),
  );
const read = async (client: S3Client) => {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'k' }));
  return await Body?.transformToString();
};

test('a disabled KMS key neither encrypts nor decrypts until it is enabled again', async () => {
  await write(root);
  aws.kms.setState(key, 'Disabled');
  expect(await codeOf(write(root))).toBe('KMS.DisabledException');
  expect(await codeOf(read(root))).toBe('KMS.DisabledException');
  const copy = new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/k` });
  expect(await codeOf(root.send(copy))).toBe('KMS.DisabledException');
  const create = { Bucket, Key: 'parts', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key } as const;
  expect(await codeOf(root.send(new CreateMultipartUploadCommand(create)))).toBe('KMS.DisabledException');
  // HEAD decrypts nothing, so it succeeds.
  await root.send(new HeadObjectCommand({ Bucket, Key: 'k' }));
  aws.kms.setState(key, 'Enabled');
  expect(await read(root)).toBe('content');
});

test('a KMS key that is pending deletion cannot be used', async () => {
  await write(root);
  aws.kms.setState(key, 'PendingDeletion');
  expect(await codeOf(read(root))).toBe('KMS.KMSInvalidStateException');
});

test('an identifier that cannot be a KMS key is KMS.NotFoundException', async () => {
  expect(await codeOf(write(root, 'no-such-key'))).toBe('KMS.NotFoundException');
  expect(await codeOf(write(root, `${key}-no`))).toBe('KMS.NotFoundException');
  await write(root, 'mrk-0123456789abcdef0123456789abcdef');
  await write(root, 'alias/of-somebody');
});

test('a KMS key that nobody created is governed by the IAM policies of its account', async () => {
  expect(await codeOf(write(role))).toBe('AccessDenied');
  putRole(allow('kms:GenerateDataKey'));
  await write(role);
  expect(await codeOf(read(role))).toBe('AccessDenied');
  putRole(allow('kms:*'));
  expect(await read(role)).toBe('content');
});

test('a KMS key whose policy names nobody refuses callers that IAM allows', async () => {
  aws.kms.put(key, { Version: '2012-10-17', Statement: [] });
  putRole(allow('kms:*'));
  expect(await codeOf(write(role))).toBe('AccessDenied');
});

test("a caller without permission for a disabled KMS key is denied before the key's state is reported", async () => {
  aws.kms.setState(key, 'Disabled');
  expect(await codeOf(write(role))).toBe('AccessDenied');
});

test('a KMS grant lets a role perform the operations it names until it is revoked', async () => {
  const grant = aws.kms.createGrant(key, { granteePrincipal: ROLE, operations: ['GenerateDataKey'] });
  await write(role);
  expect(await codeOf(read(role))).toBe('AccessDenied');
  aws.kms.createGrant(key, { granteePrincipal: ROLE, operations: ['Decrypt'] });
  expect(await read(role)).toBe('content');
  aws.kms.revokeGrant(key, grant);
  expect(await codeOf(write(role))).toBe('AccessDenied');
});

test('a KMS grant is limited to the grantee and the encryption context it names', async () => {
  const operations = ['GenerateDataKey' as const];
  aws.kms.createGrant(key, { granteePrincipal: `arn:aws:iam::${OTHER}:root`, operations });
  expect(await codeOf(write(role))).toBe('AccessDenied');
  const context = (object: string) => ({ 'aws:s3:arn': `arn:aws:s3:::${Bucket}/${object}` });
  const encryptionContextSubset = context('other');
  aws.kms.createGrant(key, { granteePrincipal: ROLE, operations, encryptionContextSubset });
  expect(await codeOf(write(role))).toBe('AccessDenied');
  aws.kms.createGrant(key, { granteePrincipal: ROLE, operations, encryptionContextSubset: context('k') });
  await write(role);
});

test('an explicit denial in the key policy wins over a KMS grant', async () => {
  aws.kms.put(key, {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Principal: '*', Action: 'kms:GenerateDataKey', Resource: '*' }],
  });
  aws.kms.createGrant(key, { granteePrincipal: ROLE, operations: ['GenerateDataKey'] });
  expect(await codeOf(write(role))).toBe('AccessDenied');
});

test('the KMS key of a stack follows its Enabled property and is pending deletion once the stack is deleted', async () => {
  const stack = { stackName: 'keys', accountId: OWNER, region: REGION };
  const deploy = async (Enabled: boolean): Promise<string> => {
    const Key = { Type: 'AWS::KMS::Key', Properties: { Enabled } };
    const template = { Resources: { Key }, Outputs: { Arn: { Value: { 'Fn::GetAtt': ['Key', 'Arn'] } } } };
    const { outputs } = await aws.cloudformation.deploy({ ...stack, template: JSON.stringify(template) });
    return String(outputs['Arn']);
  };
  const arn = await deploy(false);
  expect(await codeOf(write(root, arn))).toBe('KMS.DisabledException');
  expect(await deploy(true)).toBe(arn);
  await write(root, arn);
  await aws.cloudformation.remove(stack);
  expect(await codeOf(read(root))).toBe('KMS.KMSInvalidStateException');
});
