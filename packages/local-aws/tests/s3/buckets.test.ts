import { randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketPolicyCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BucketProperties } from '../../src/s3/buckets/bucket-properties.ts';
import { codeOf, OTHER, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
const Bucket = 'a-bucket';

beforeAll(async () => {
  harness = await startHarness();
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
});
afterAll(() => harness.close());

const put = (Key: string, more: object = {}) =>
  harness.client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from('body'), ...more }));

test('a bucket created over the API belongs to its creator and is listed for that account only', async () => {
  harness.s3.createBucket({ name: 'of-another-account', accountId: OTHER, region: REGION });
  await harness.client.send(
    new CreateBucketCommand({
      Bucket: 'made-here',
      CreateBucketConfiguration: { LocationConstraint: REGION },
    }),
  );
  const { Buckets } = await harness.client.send(new ListBucketsCommand({}));
  expect(Buckets?.map((bucket) => bucket.Name)).toEqual([Bucket, 'made-here']);
  const { LocationConstraint } = await harness.client.send(
    new GetBucketLocationCommand({ Bucket: 'made-here' }),
  );
  expect(LocationConstraint).toBe(REGION);
  expect(harness.s3.describeBucket('made-here')).toMatchObject({ accountId: SOURCE, region: REGION });
});

test('a bucket is created with tags by callers that may also tag it', async () => {
  const create = (Name: string) =>
    harness.client.send(
      new CreateBucketCommand({
        Bucket: Name,
        CreateBucketConfiguration: { LocationConstraint: REGION, Tags: [{ Key: 'team', Value: 'photos' }] },
      }),
    );
  harness.deny = ({ action }) => action === 's3:TagResource';
  expect(await codeOf(create('untagged'))).toBe('AccessDenied');
  expect(harness.s3.hasBucket('untagged')).toBe(false);
  harness.deny = null;
  await create('tagged');
  const { TagSet } = await harness.client.send(new GetBucketTaggingCommand({ Bucket: 'tagged' }));
  expect(TagSet).toEqual([{ Key: 'team', Value: 'photos' }]);
});

test('a bucket of us-east-1 has no location constraint', async () => {
  const client = harness.clientOf(SOURCE, { region: 'us-east-1' });
  await client.send(new CreateBucketCommand({ Bucket: 'virginia' }));
  const { LocationConstraint } = await client.send(new GetBucketLocationCommand({ Bucket: 'virginia' }));
  expect(LocationConstraint ?? '').toBe('');
});

test('a bucket name can be used once, whichever account asks for it', async () => {
  const create = (accountId: string, name: string) =>
    harness.clientOf(accountId).send(
      new CreateBucketCommand({
        Bucket: name,
        CreateBucketConfiguration: { LocationConstraint: REGION },
      }),
    );
  expect(await codeOf(create(SOURCE, Bucket))).toBe('BucketAlreadyOwnedByYou');
  expect(await codeOf(create(OTHER, Bucket))).toBe('BucketAlreadyExists');
  expect((await harness.raw('PUT', '/Not_A_Name')).body).toContain('<Code>InvalidBucketName</Code>');
});

test("a location constraint other than the endpoint's region is refused", async () => {
  const create = new CreateBucketCommand({
    Bucket: 'elsewhere',
    CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
  });
  expect(await codeOf(harness.client.send(create))).toBe('IllegalLocationConstraintException');
});

test('a bucket that is not empty cannot be deleted', async () => {
  harness.s3.createBucket({ name: 'full', accountId: SOURCE, region: REGION });
  await put('k', { Bucket: 'full' });
  const remove = () => harness.client.send(new DeleteBucketCommand({ Bucket: 'full' }));
  expect(await codeOf(remove())).toBe('BucketNotEmpty');
  expect(() => harness.s3.deleteBucket('full')).toThrow('not empty');
  harness.s3.deleteBucket('full', { force: true });
  expect(await codeOf(remove())).toBe('NoSuchBucket');
});

test('a request signed for another region is refused with the name of the right one', async () => {
  const answer = await harness.raw('HEAD', `/${Bucket}`, { region: 'us-west-2' });
  expect(answer.status).toBe(301);
  expect(answer.headers['x-amz-bucket-region']).toBe(REGION);
  const hosted = await harness.raw('GET', '/k', {
    region: 'us-west-2',
    headers: { host: `${Bucket}.localhost` },
  });
  expect(hosted.status).toBe(400);
  expect(hosted.body).toContain(`<Code>AuthorizationHeaderMalformed</Code>`);
  expect(hosted.body).toContain(`<Region>${REGION}</Region>`);
});

test('an unsupported subresource is NotImplemented and never taken for a plain request', async () => {
  const answer = await harness.raw('PUT', `/${Bucket}?website`, { body: '<x/>' });
  expect(answer.status).toBe(501);
  expect((await harness.raw('PUT', `/${Bucket}/key?torrent`, { body: '<x/>' })).status).toBe(501);
  expect(await codeOf(harness.client.send(new HeadObjectCommand({ Bucket, Key: 'key' })))).toBe('NotFound');
});

test('a bucket policy is returned as it was put, and can be deleted', async () => {
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: SOURCE },
        Action: 's3:GetObject',
        Resource: `arn:aws:s3:::${Bucket}/*`,
      },
    ],
  });
  const read = () => harness.client.send(new GetBucketPolicyCommand({ Bucket }));
  expect(await codeOf(read())).toBe('NoSuchBucketPolicy');
  await harness.client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  expect((await read()).Policy).toBe(Policy);
  await put('policed');
  expect(harness.questions.at(-1)?.resourcePolicy).toEqual(JSON.parse(Policy));
  await harness.client.send(new DeleteBucketPolicyCommand({ Bucket }));
  expect(await codeOf(read())).toBe('NoSuchBucketPolicy');
});

test.each([
  'nonsense',
  '{}',
  '{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::a-bucket"}]}',
])('the malformed bucket policy %s is refused', async (Policy) => {
  const send = harness.client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  expect(await codeOf(send)).toBe('MalformedPolicy');
});

test('a new bucket blocks all public access', async () => {
  const block = await harness.client.send(new GetPublicAccessBlockCommand({ Bucket }));
  expect(block.PublicAccessBlockConfiguration).toEqual({
    BlockPublicAcls: true,
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  });
});

test('an update from CloudFormation changes the bucket properties it names and resets those it no longer names', async () => {
  const name = 'from-template';
  const properties: BucketProperties = {
    VersioningConfiguration: { Status: 'Enabled' },
    OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] },
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [
        {
          BucketKeyEnabled: 'true',
          ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'abc' },
        },
      ],
    },
    Tags: [{ Key: 'a', Value: 'b' }],
  };
  harness.s3.createBucket({ name, accountId: SOURCE, region: REGION, ...properties });
  const written = await put('k', { Bucket: name });
  expect(written).toMatchObject({
    VersionId: expect.any(String),
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: `arn:aws:kms:${REGION}:${SOURCE}:key/abc`,
    BucketKeyEnabled: true,
  });
  harness.s3.updateBucket(name, { Tags: [{ Key: 'c', Value: 'd' }] });
  expect((await put('k', { Bucket: name })).ServerSideEncryption).toBe('aws:kms');
  harness.s3.updateBucket(name, {}, properties);
  expect((await put('k2', { Bucket: name })).ServerSideEncryption).toBe('AES256');
  expect((await put('k2', { Bucket: name })).VersionId).toBeUndefined();
});

const key = `arn:aws:kms:${REGION}:${OTHER}:key/1234`;
const kms = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key, BucketKeyEnabled: true };

test('under SSE-KMS a write needs kms:GenerateDataKey and a read kms:Decrypt, with the bucket as context under a bucket key', async () => {
  harness.questions.length = 0;
  await put('kms', kms);
  const read = await harness.client.send(new GetObjectCommand({ Bucket, Key: 'kms' }));
  await read.Body?.transformToString();
  const asked = harness.questions.filter(({ action }) => action.startsWith('kms:'));
  expect(asked).toMatchObject([
    {
      action: 'kms:GenerateDataKey',
      resource: key,
      resourceAccountId: OTHER,
      context: {
        'kms:encryptioncontext:aws:s3:arn': `arn:aws:s3:::${Bucket}`,
        'kms:viaservice': `s3.${REGION}.amazonaws.com`,
      },
    },
    { action: 'kms:Decrypt', resource: key },
  ]);
  await put('kms', { ...kms, BucketKeyEnabled: false });
  expect(harness.questions.at(-1)?.context?.['kms:encryptioncontext:aws:s3:arn']).toBe(
    `arn:aws:s3:::${Bucket}/kms`,
  );
});

test('a caller who may not use the KMS key can neither write nor read the object, but can send a plain HEAD', async () => {
  await put('kms', kms);
  harness.deny = ({ action }) => action.startsWith('kms:');
  expect(await codeOf(put('kms', kms))).toBe('AccessDenied');
  expect(await codeOf(harness.client.send(new GetObjectCommand({ Bucket, Key: 'kms' })))).toBe(
    'AccessDenied',
  );
  await harness.client.send(new HeadObjectCommand({ Bucket, Key: 'kms' }));
  const checked = new HeadObjectCommand({ Bucket, Key: 'kms', ChecksumMode: 'ENABLED' });
  expect(await codeOf(harness.client.send(checked))).toBe('403');
  harness.deny = null;
});

test('a tagging header needs s3:PutObjectTagging, and policies see the tags', async () => {
  harness.deny = ({ action }) => action === 's3:PutObjectTagging';
  expect(await codeOf(put('k', { Tagging: 'a=1' }))).toBe('AccessDenied');
  await put('k');
  harness.deny = ({ context }) => context?.['s3:requestobjecttag/team'] === 'red';
  expect(await codeOf(put('k', { Tagging: 'Team=red' }))).toBe('AccessDenied');
  harness.deny = null;
});

test("a writer of another account owns the object only where the bucket's ownership setting allows it", async () => {
  harness.s3.createBucket({
    name: 'writers',
    accountId: SOURCE,
    region: REGION,
    OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerPreferred' }] },
  });
  const other = harness.clientOf(OTHER);
  const ownerOf = async (bucket: string, Key: string, more: object = {}) => {
    await other.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Buffer.from('x'), ...more }));
    const acl = await harness.client.send(new GetObjectAclCommand({ Bucket: bucket, Key }));
    return acl.Owner?.ID;
  };
  const theirs = await ownerOf('writers', 'plain');
  const ours = await ownerOf('writers', 'given', { ACL: 'bucket-owner-full-control' });
  expect(theirs).not.toBe(ours);
  expect(await ownerOf(Bucket, 'enforced')).toBe(ours);
});

test('lib-storage uploads a stream in parts', async () => {
  const bytes = randomBytes(12 * 1024 ** 2);
  await new Upload({ client: harness.client, params: { Bucket, Key: 'uploaded', Body: bytes } }).done();
  const answer = await harness.client.send(new GetObjectCommand({ Bucket, Key: 'uploaded' }));
  expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true);
});
