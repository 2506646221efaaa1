/** Source: Amazon S3 User Guide "Verifying bucket ownership with bucket owner condition" (bucket-owner-condition.html). */
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, OTHER, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
const Bucket = 'owned';

beforeAll(async () => {
  harness = await startHarness();
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
  harness.s3.createBucket({
    name: 'writers',
    accountId: SOURCE,
    region: REGION,
    OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] },
  });
});
afterAll(() => harness.close());

const each = (methods: string[], names: string[]): string[] =>
  methods.flatMap((method) => names.map((name) => `${method} ${name}`));
const OF_BUCKETS = [
  each(['GET', 'PUT', 'DELETE'], ['?encryption', '?lifecycle', '?ownershipControls', '?policy']),
  each(['GET', 'PUT', 'DELETE'], ['?publicAccessBlock', '?tagging']),
  each(['GET', 'PUT'], ['?acl', '?notification', '?object-lock', '?versioning']),
  each(['GET'], ['', '?location', '?uploads', '?versions', '?list-type=2']),
  ['HEAD ', 'DELETE ', 'POST ?delete'],
].flat();
const OF_OBJECTS = [
  each(['GET', 'PUT'], ['', '?acl', '?legal-hold', '?retention', '?tagging']),
  each(['DELETE'], ['', '?tagging', '?uploadId=u']),
  each(['POST'], ['?restore', '?uploads', '?uploadId=u']),
  ['HEAD ', 'GET ?attributes', 'GET ?uploadId=u', 'PUT ?uploadId=u&partNumber=1'],
].flat();

test.each([...OF_BUCKETS.map((one) => ['', one]), ...OF_OBJECTS.map((one) => ['/key', one])])(
  'a request that expects another owner of the bucket is denied: %s %s',
  async (key, operation) => {
    const [method = '', query = ''] = operation.split(' ');
    const headers = { 'x-amz-expected-bucket-owner': OTHER };
    const answer = await harness.raw(method, `/${Bucket}${key}${query}`, { headers });
    expect(answer.status).toBe(403);
    if (method !== 'HEAD') expect(answer.body).toContain('<Code>AccessDenied</Code>');
  },
);

test('a copy that expects another owner of its source is denied, whether the source exists or not', async () => {
  const to = { Bucket, Key: 'copy', ExpectedBucketOwner: SOURCE };
  await harness.client.send(new PutObjectCommand({ Bucket, Key: 'there', Body: 'x' }));
  const { UploadId } = await harness.client.send(new CreateMultipartUploadCommand(to));
  const copies = (key: string, ExpectedSourceBucketOwner: string) => {
    const from = { CopySource: `${Bucket}/${key}`, ExpectedSourceBucketOwner };
    return [
      new CopyObjectCommand({ ...to, ...from }),
      new UploadPartCopyCommand({ ...to, ...from, UploadId, PartNumber: 1 }),
    ];
  };
  const codes = async (key: string, owner: string): Promise<unknown[]> =>
    await Promise.all(
      copies(key, owner).map((copy) => codeOf(harness.client.send(copy as CopyObjectCommand))),
    );
  expect(await codes('there', OTHER)).toEqual(['AccessDenied', 'AccessDenied']);
  expect(await codes('missing', OTHER)).toEqual(['AccessDenied', 'AccessDenied']);
  expect(await codes('there', 'me')).toEqual(Array(2).fill('InvalidBucketOwnerAWSAccountID'));
  await Promise.all(copies('there', SOURCE).map((copy) => harness.client.send(copy as CopyObjectCommand)));
});

test('aws:ResourceAccount is the owner of the bucket, even for an object that another account owns', async () => {
  const theirs = harness.clientOf(OTHER);
  await theirs.send(new PutObjectCommand({ Bucket: 'writers', Key: 'theirs', Body: 'x' }));
  harness.questions.length = 0;
  const read = await theirs.send(new GetObjectCommand({ Bucket: 'writers', Key: 'theirs' }));
  await read.Body?.transformToString();
  expect(harness.questions).toMatchObject([
    {
      resourceAccountId: OTHER,
      context: { 'aws:resourceaccount': SOURCE, 's3:resourceaccount': SOURCE },
    },
  ]);
});

test("ListBuckets lists the caller's own buckets that begin with the prefix, and no others", async () => {
  harness.s3.createBucket({ name: 'owned-by-another', accountId: OTHER, region: REGION });
  const list = async (accountId: string) =>
    await harness.clientOf(accountId).send(new ListBucketsCommand({ Prefix: Bucket }));
  expect(await list(SOURCE)).toMatchObject({ Prefix: Bucket, Buckets: [{ Name: Bucket }] });
  expect(await list(OTHER)).toMatchObject({ Buckets: [{ Name: 'owned-by-another' }] });
});
