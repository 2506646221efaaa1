/**
 * Server-side encryption with S3's own keys and with KMS keys, requested by a write or by the bucket's
 * default.
 */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketEncryptionCommand,
  GetBucketEncryptionCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  type ServerSideEncryptionRule,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import type { Context } from './context.ts';
import { matches, refused, same } from './difference.ts';

const DEFAULTS = s3Guide('default-bucket-encryption');
const KMS = s3Guide('specifying-kms-encryption');

const MD5_OF_CONTENT = '"9a0364b9e99bb480dd25e1f0284c8555"';

const putDefault = ({ s3 }: Context, Bucket: string, ...Rules: ServerSideEncryptionRule[]) =>
  s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }));

const defaultOf = async ({ s3 }: Context, Bucket: string) => {
  const found = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
  const [rule, ...more] = found.ServerSideEncryptionConfiguration?.Rules ?? [];
  same('further rules', more, []);
  return rule?.ApplyServerSideEncryptionByDefault;
};

/** Returns the encryption algorithm of an object, and whether the object uses a bucket key. */
const encryptionOf = async ({ s3 }: Context, Bucket: string, Key: string) => {
  const { ServerSideEncryption, BucketKeyEnabled = false } = await s3.send(
    new HeadObjectCommand({ Bucket, Key }),
  );
  return [ServerSideEncryption, BucketKeyEnabled];
};

export const newBucketsEncryptWithKeysOfS3 = behaviour(
  'The default encryption of a bucket is SSE-S3 at first, and is SSE-S3 again after DeleteBucketEncryption.',
  DEFAULTS,
  async (context) => {
    const { freshBucket, s3 } = context;
    const Bucket = await freshBucket('never');
    same('at first', await defaultOf(context, Bucket), { SSEAlgorithm: 'AES256' });
    await putDefault(context, Bucket, { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } });
    await s3.send(new DeleteBucketEncryptionCommand({ Bucket }));
    same('after it was deleted', await defaultOf(context, Bucket), { SSEAlgorithm: 'AES256' });
  },
);

export const encryptionIsAskedForByName = behaviour(
  'PutObject confirms AES256 in x-amz-server-side-encryption, and rejects an unknown algorithm with 400 InvalidArgument.',
  s3Guide('specifying-s3-encryption'),
  async ({ bucket, key, put }) => {
    const Bucket = await bucket('never');
    const { ServerSideEncryption } = await put(Bucket, key(), 'content', { ServerSideEncryption: 'AES256' });
    same('answer', ServerSideEncryption, 'AES256');
    const odd = put(Bucket, key(), 'content', { ServerSideEncryption: 'ROT13' as 'AES256' });
    await refused('no such algorithm', odd, '400 InvalidArgument');
  },
);

const NOT_ITS_MD5 = /^"(?!9a0364b9e99bb480dd25e1f0284c8555)[0-9a-f]{32}"$/;

export const kmsAnswersItsKey = behaviour(
  'PutObject and HeadObject with SSE-KMS return the ARN of the key, which is the AWS managed key by default, and the ETag is not the MD5.',
  KMS,
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    const written = await put(Bucket, Key, 'content', { ServerSideEncryption: 'aws:kms' });
    same('algorithm', written.ServerSideEncryption, 'aws:kms');
    matches('key', written.SSEKMSKeyId, /^arn:[^:]+:kms:[^:]+:\d{12}:key\/[0-9a-f-]{36}$/);
    matches('ETag', written.ETag, NOT_ITS_MD5);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    same('HEAD', [head.ServerSideEncryption, head.SSEKMSKeyId], ['aws:kms', written.SSEKMSKeyId]);
    same('content', await read(Bucket, Key), 'content');
  },
);

export const twoLayersAreAnsweredAsSuch = behaviour(
  'PutObject with DSSE-KMS returns a KMS key, and the object has aws:kms:dsse without the bucket key of its bucket.',
  s3Guide('specifying-dsse-encryption'),
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const ApplyServerSideEncryptionByDefault = { SSEAlgorithm: 'aws:kms' } as const;
    await putDefault(context, Bucket, { ApplyServerSideEncryptionByDefault, BucketKeyEnabled: true });
    const written = await context.put(Bucket, 'k', 'content', { ServerSideEncryption: 'aws:kms:dsse' });
    matches('key', written.SSEKMSKeyId, /^arn:[^:]+:kms:/);
    matches('ETag', written.ETag, NOT_ITS_MD5);
    same('HEAD', await encryptionOf(context, Bucket, 'k'), ['aws:kms:dsse', false]);
  },
);

export const keysBelongToKms = behaviour(
  'PutObject fails with 400 InvalidArgument for a KMS key id unless the algorithm is aws:kms, and with 400 KMS.NotFoundException for an unknown key id.',
  s3Api('API_PutObject'),
  async ({ bucket, key, put }) => {
    const Bucket = await bucket('never');
    const SSEKMSKeyId = 'no-such-key';
    await refused('alone', put(Bucket, key(), 'content', { SSEKMSKeyId }), '400 InvalidArgument');
    const beside = put(Bucket, key(), 'content', { SSEKMSKeyId, ServerSideEncryption: 'AES256' });
    await refused('beside AES256', beside, '400 InvalidArgument');
    const unknown = put(Bucket, key(), 'content', { SSEKMSKeyId, ServerSideEncryption: 'aws:kms' });
    await refused('unknown', unknown, '400 KMS.NotFoundException');
  },
);

export const theDefaultIsForRequestsThatAskForNothing = behaviour(
  'A bucket’s default encryption and bucket key apply to writes that do not specify their own.',
  s3Guide('bucket-key'),
  async (context) => {
    const { freshBucket, put, s3 } = context;
    const Bucket = await freshBucket('never');
    const ApplyServerSideEncryptionByDefault = { SSEAlgorithm: 'aws:kms' } as const;
    await putDefault(context, Bucket, { ApplyServerSideEncryptionByDefault, BucketKeyEnabled: true });
    await put(Bucket, 'default', 'content');
    same('PUT', await encryptionOf(context, Bucket, 'default'), ['aws:kms', true]);
    const own = await put(Bucket, 'own', 'content', { ServerSideEncryption: 'AES256' });
    same('own', [await encryptionOf(context, Bucket, 'own'), own.ETag], [['AES256', false], MD5_OF_CONTENT]);
    await put(Bucket, 'without', 'content', { BucketKeyEnabled: false });
    same('without a bucket key', await encryptionOf(context, Bucket, 'without'), ['aws:kms', false]);
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/own` }));
    same('copy', await encryptionOf(context, Bucket, 'copy'), ['aws:kms', true]);
  },
);

export const defaultsAreChecked = behaviour(
  'PutBucketEncryption fails with 400 MalformedXML unless it has exactly one valid rule, and with 400 InvalidArgument for a KMS key with AES256.',
  s3Api('API_PutBucketEncryption'),
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const rule: ServerSideEncryptionRule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } };
    await refused('no rule', putDefault(context, Bucket), '400 MalformedXML');
    await refused('two rules', putDefault(context, Bucket, rule, rule), '400 MalformedXML');
    const SSEAlgorithm = 'ROT13' as 'AES256';
    const odd = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm } };
    await refused('no such algorithm', putDefault(context, Bucket, odd), '400 MalformedXML');
    const withKey = {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256', KMSMasterKeyID: 'a' },
    } as const;
    await refused('key beside AES256', putDefault(context, Bucket, withKey), '400 InvalidArgument');
  },
);

export const uploadsTakeTheirEncryptionAtTheirCreation = behaviour(
  'CreateMultipartUpload determines the encryption of the completed object, and every response of the upload names that encryption.',
  s3Api('API_CreateMultipartUpload'),
  async (context) => {
    const { bucket, key, s3 } = context;
    const Bucket = await bucket('never');
    const Key = key();
    const ServerSideEncryption = 'aws:kms';
    const created = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ServerSideEncryption }));
    const { UploadId } = created;
    const part = await s3.send(
      new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'content' }),
    );
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] };
    const done = await s3.send(
      new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }),
    );
    const answers = [created, part, done].map((answer) => answer.ServerSideEncryption);
    same('answers', answers, ['aws:kms', 'aws:kms', 'aws:kms']);
    same('keys', new Set([created, part, done].map(({ SSEKMSKeyId }) => SSEKMSKeyId)).size, 1);
    same('HEAD', await encryptionOf(context, Bucket, Key), ['aws:kms', false]);
  },
);

export const copiesAreEncryptedAnew = behaviour(
  'CopyObject encrypts the copy as the request or the bucket’s default says, and never takes the encryption of the source.',
  s3Api('API_CopyObject'),
  async (context) => {
    const { bucket, key, put, s3 } = context;
    const Bucket = await bucket('never');
    const [source, plain, named] = [key('source'), key('plain'), key('named')];
    await put(Bucket, source, 'content', { ServerSideEncryption: 'aws:kms' });
    const CopySource = `${Bucket}/${source}`;
    await s3.send(new CopyObjectCommand({ Bucket, Key: plain, CopySource }));
    same('plain', await encryptionOf(context, Bucket, plain), ['AES256', false]);
    const ServerSideEncryption = 'aws:kms:dsse';
    const copied = await s3.send(
      new CopyObjectCommand({ Bucket, Key: named, CopySource, ServerSideEncryption }),
    );
    same('answer', copied.ServerSideEncryption, 'aws:kms:dsse');
    same('named', await encryptionOf(context, Bucket, named), ['aws:kms:dsse', false]);
  },
);

export const keysAreOfTheBucketsRegion = behaviour(
  'PutObject fails with 400 KMS.NotFoundException if the KMS key is in another region than the bucket.',
  KMS,
  async ({ bucket, key, put, region }) => {
    const Bucket = await bucket('never');
    const other = region === 'eu-west-1' ? 'eu-central-1' : 'eu-west-1';
    const SSEKMSKeyId = `arn:aws:kms:${other}:000000000000:key/00000000-0000-4000-8000-000000000000`;
    const write = put(Bucket, key(), 'content', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId });
    await refused('PUT', write, '400 KMS.NotFoundException');
  },
);

export const anotherEncryptionIsAChange = behaviour(
  'CopyObject of an object onto itself can change the encryption to the bucket’s default, and fails with 400 InvalidRequest if it changes nothing.',
  s3Api('API_CopyObject'),
  async (context) => {
    const { bucket, key, put, s3 } = context;
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content', { ServerSideEncryption: 'aws:kms' });
    const copy = () => s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${Key}` }));
    await copy();
    same('after the copy', await encryptionOf(context, Bucket, Key), ['AES256', false]);
    await refused('again', copy(), '400 InvalidRequest');
  },
);

export const readersDoNotAskForEncryption = behaviour(
  'GetObject and HeadObject with x-amz-server-side-encryption fail with 400.',
  s3Api('API_HeadObject'),
  async ({ bucket, key, put, raw }) => {
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content');
    const headers = { 'x-amz-server-side-encryption': 'AES256' };
    for (const method of ['GET', 'HEAD'])
      same(method, (await raw(method, { bucket: Bucket, key: Key, headers })).status, 400);
  },
);
