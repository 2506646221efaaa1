/** What `init` takes from the buckets that the credentials show. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type BucketLook, createBucketLook } from '../../../src/lib/aws/s3/probe/look-at-bucket.ts';
import { parseConfiguration } from '../../../src/lib/configuration/configuration.ts';
import { dropAwsVariables, setAwsVariables } from '../../model/aws-variables.ts';
import { initIn, scripted } from './init-in.ts';

const KEY = 'arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-1111-1111-111111111111';

let aws: LocalAws;
let cwd: string;
beforeAll(async () => {
  aws = await startLocalAws({ region: 'us-east-1' });
  const [place, foreign] = [
    { accountId: '111111111111', region: 'eu-west-1' },
    { accountId: '222222222222', region: 'eu-west-1' },
  ];
  const encrypted = (KMSMasterKeyID: string) => ({
    ServerSideEncryptionConfiguration: [
      { ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID } },
    ],
  });
  aws.s3.createBucket({
    ...place,
    name: 'acme-documents',
    VersioningConfiguration: { Status: 'Enabled' },
    ObjectLockEnabled: true,
    BucketEncryption: encrypted(KEY),
  });
  aws.s3.createBucket({ ...place, name: 'acme-plain' });
  aws.s3.createBucket({ ...foreign, name: 'acme-plain-replica' });
});
afterAll(async () => {
  dropAwsVariables();
  await aws.stop();
});

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 's3-replicator-init-'));
});
afterEach(() => rm(cwd, { recursive: true }));

const rules = async () => parseConfiguration(await readFile(join(cwd, 'replication.yml'), 'utf8'));

const lookAs = (credentials: Parameters<typeof setAwsVariables>[0]['credentials']): BucketLook => {
  setAwsVariables({ endpoint: aws.httpEndpoint, credentials });
  return createBucketLook('us-east-1');
};
const ask = async (source: string, look = lookAs(aws.root('111111111111'))): Promise<string[]> => {
  const asked: string[] = [];
  const answers = { 'is replicated?': source, 'account receives': '222222222222' };
  const { code } = await initIn(cwd, [], { look, questions: scripted(answers, asked) });
  expect(code).toBe(0);
  return asked;
};

test('init lists the buckets of the account, takes region and key from the bucket, and proposes what its settings suggest', async () => {
  const asked = await ask('acme-documents');
  expect(asked[0]).toBe('Which bucket is replicated? [acme-documents,acme-plain,] ?');
  expect(asked).toContain('How are replicas protected? [versions,locks,governance,compliance] locks');
  expect(asked).toContain('Which versions are replicated? [all,latest] all');
  expect(asked.filter((each) => /region is the source|key are the source/.test(each))).toEqual([]);
  const { deployment, stack } = await rules();
  expect(deployment.region).toBe('eu-west-1');
  expect(stack.sourceKmsKeyArns).toEqual([KEY]);
});

test('init proposes the current objects for a bucket without versions, and does not ask whether an existing destination is created', async () => {
  const asked = await ask('acme-plain');
  expect(asked).toContain('Which versions are replicated? [all,latest] latest');
  expect(asked.filter((each) => each.includes('to be created'))).toEqual([]);
  expect((await rules()).stack.sourceKmsKeyArns).toEqual([]);
});

test('init asks for what the credentials may not see', async () => {
  aws.iam.putRole({
    accountId: '111111111111',
    roleName: 'nobody',
    assumeRolePolicy: {
      Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: '111111111111' } }],
    },
    policies: [],
  });
  const { credentials } = aws.iam.createSession('arn:aws:iam::111111111111:role/nobody', 'x', 900);
  const asked = await ask('acme-documents', lookAs(credentials));
  expect(asked[0]).toBe('Which bucket is replicated? ');
  expect(asked).toContain('Which region is the source bucket in? us-east-1');
  expect(asked).toContain('Which KMS key are the source objects encrypted with? none');
});
