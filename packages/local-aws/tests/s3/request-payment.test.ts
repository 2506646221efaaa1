/** Source: Amazon S3 User Guide "Using Requester Pays general purpose buckets" (RequesterPaysBuckets.html). */
import { GetObjectCommand, PutBucketRequestPaymentCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, OTHER, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
const Bucket = 'charged';

beforeAll(async () => {
  harness = await startHarness();
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
});
afterAll(() => harness.close());

test('a request of another account is denied unless it says that it pays', async () => {
  const Key = 'key';
  await harness.client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
  const RequestPaymentConfiguration = { Payer: 'Requester' } as const;
  await harness.client.send(new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration }));
  const other = harness.clientOf(OTHER);
  expect(await codeOf(other.send(new GetObjectCommand({ Bucket, Key })))).toBe('AccessDenied');
  const paid = await other.send(new GetObjectCommand({ Bucket, Key, RequestPayer: 'requester' }));
  expect(await paid.Body?.transformToString()).toBe('x');
});
