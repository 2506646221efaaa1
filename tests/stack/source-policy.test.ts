/**
 * The statements of `config policy` in two accounts. An earlier form of these statements could not be put before the destination role
 * existed, and after the role was created again it named nobody.
 */
import { readFile } from 'node:fs/promises';
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { clientConfig, startLocalAws } from '@s3-replicator/local-aws';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { sourcePolicies } from '../../src/stack/source-policy.ts';
import { destination, file, ROLE, rule } from '../configuration/yaml.ts';

const [, , , , ACCOUNT = ''] = ROLE.split(':');
const STACK = { accountId: ACCOUNT, region: 'us-east-1', stackName: 'replica' };
const PARAMETERS = {
  SourceRoleArn: 'arn:aws:iam::111111111111:role/s3-replicator-prod-us-east-1-replicate',
  ExternalId: 'acme-replication',
  BucketName: 'replica-bucket',
  RoleName: ROLE.split('/').at(-1) ?? '',
  SourceBucketName: 'source-bucket',
};

test('the statements of config policy may be put before the role exists, and still mean it after it was created again', async () => {
  const aws = await startLocalAws({ region: 'us-east-1' });
  try {
    const owner = new S3Client(clientConfig(aws, aws.root('111111111111')));
    await owner.send(new CreateBucketCommand({ Bucket: 'source-bucket' }));
    await owner.send(new PutObjectCommand({ Bucket: 'source-bucket', Key: 'k', Body: 'content' }));
    const configuration = parseConfiguration(
      file([rule('only', { bucket: 'source-bucket' }, [destination('replica-bucket')])]),
    );
    const { buckets } = sourcePolicies(configuration, configuration.replication.rules);
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: buckets[0]?.statements });
    await owner.send(new PutBucketPolicyCommand({ Bucket: 'source-bucket', Policy }));

    const template = await readFile('destination/template.yml', 'utf8');
    for (let round = 0; round < 2; round++) {
      await aws.cloudformation.deploy({ ...STACK, template, parameters: PARAMETERS });
      const role = new S3Client(clientConfig(aws, aws.iam.createSession(ROLE, 'test', 900).credentials));
      const read = await role.send(new GetObjectCommand({ Bucket: 'source-bucket', Key: 'k' }));
      expect(await read.Body?.transformToString()).toBe('content');
      await aws.cloudformation.remove(STACK);
    }
  } finally {
    await aws.stop();
  }
});
