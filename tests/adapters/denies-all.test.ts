/** Tells a destination that denies everything from one that denies only some keys. Bucket policies of the local S3 deny. */
import type { PolicyDocument } from '@s3-replicator/local-aws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deniesAllIn } from '../../src/lib/aws/s3/probe/denies-all.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

let local: LocalBuckets;
beforeAll(async () => {
  local = await startLocalBuckets();
  local.createDestination('replica');
});
afterAll(async () => {
  await local[Symbol.asyncDispose]();
});

const denying = (action: string, keys: string, condition = {}): PolicyDocument => ({
  Statement: [
    {
      Effect: 'Deny',
      Principal: '*',
      Action: action,
      Resource: `arn:aws:s3:::replica/${keys}`,
      ...condition,
    },
  ],
});

test.each<[string, PolicyDocument | null, boolean]>([
  ['nothing', null, false],
  ['writes', denying('s3:PutObject', '*'), true],
  ['reads and writes', denying('s3:*', '*'), true],
  ['writes of one prefix', denying('s3:PutObject', 'denied/*'), false],
  ['writes under the prefix of the destination', denying('s3:PutObject', 'copies/*'), true],
  ['writes of tags', denying('s3:PutObjectTagging', '*'), false],
  ['deletes', denying('s3:DeleteObject', '*'), false],
])('a bucket that denies %s: does it deny everything?', async (_name, policy, denies) => {
  local.aws.s3.setBucketPolicy('replica', policy);
  const where = { rule: testRule(), destination: testDestination({ prefix: 'copies/' }) };
  expect(await deniesAllIn(local.buckets)(where)).toBe(denies);
  for await (const upload of local.buckets.destination(where.destination).uploads(''))
    expect(upload).toBeNull();
});
