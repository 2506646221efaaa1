import { PutBucketPolicyCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { probeSource } from '../../src/lib/aws/s3/probe/probe-source.ts';
import { testRule } from '../model/settings.ts';
import { startLocalBuckets } from './local-buckets.ts';

test('the probe of a source reads a version as replication does, which needs a permission of its own', async () => {
  await using local = await startLocalBuckets();
  local.createSource('notified');
  await local.sourceOwner.send(new PutObjectCommand({ Bucket: 'notified', Key: 'a', Body: 'a' }));
  const rule = testRule({ source: { ...testRule({}).source, bucket: 'notified', prefix: '' } });
  const refused = async () => {
    const { steps } = await probeSource(local.clients.source(rule.source).retrying, rule);
    return steps.filter(({ answer }) => answer !== 'allowed').map(({ permission }) => permission);
  };
  expect(await refused()).toEqual([]);
  const Policy = JSON.stringify({
    Statement: [
      { Effect: 'Deny', Principal: '*', Action: 's3:GetObjectVersion', Resource: 'arn:aws:s3:::notified/*' },
    ],
  });
  await local.sourceOwner.send(new PutBucketPolicyCommand({ Bucket: 'notified', Policy }));
  expect(await refused()).toEqual(['s3:GetObjectVersion']);
});
