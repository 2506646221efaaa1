/** SSE-C: encryption with keys that customers send in each request. */
import { createHash, randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import type { Context } from './context.ts';
import { matches, oneOf, refused, same } from './difference.ts';

const CUSTOMER_KEYS = s3Guide('ServerSideEncryptionCustomerKeys');
const NEEDS = ['s3', 'tls'] as const;

interface CustomerKey {
  SSECustomerAlgorithm: 'AES256';
  SSECustomerKey: string;
  SSECustomerKeyMD5: string;
}

const newKey = (): CustomerKey => {
  const bytes = randomBytes(32);
  return {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: bytes.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(bytes).digest('base64'),
  };
};

const ofSource = (key: CustomerKey) => ({
  CopySourceSSECustomerAlgorithm: key.SSECustomerAlgorithm,
  CopySourceSSECustomerKey: key.SSECustomerKey,
  CopySourceSSECustomerKeyMD5: key.SSECustomerKeyMD5,
});

/** Lets a bucket accept customer keys. By default, buckets block them. */
const unblock = async ({ s3 }: Context, Bucket: string): Promise<void> => {
  const rule = {
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
    BlockedEncryptionTypes: { EncryptionType: ['NONE'] },
  } as const;
  const Rules = [
    { ...rule, BlockedEncryptionTypes: { EncryptionType: [...rule.BlockedEncryptionTypes.EncryptionType] } },
  ];
  await s3
    .send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }))
    // The call may fail on a server that cannot block customer keys.
    .catch(() => undefined);
};

/** Creates a bucket that accepts customer keys, and writes an object into it under a new key. */
const underKey = async (context: Context) => {
  const Bucket = await context.freshBucket('never');
  await unblock(context, Bucket);
  const key = newKey();
  const written = await context.put(Bucket, 'secret', 'content', key);
  return { Bucket, key, written };
};

export const newBucketsRefuseCustomerKeys = behaviour(
  'A new bucket rejects SSE-C writes with 403 AccessDenied until PutBucketEncryption unblocks SSE-C.',
  s3Guide('blocking-unblocking-s3-c-encryption-gpb'),
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const write = () => context.put(Bucket, 'secret', 'content', newKey());
    await refused('blocked', write(), '403 AccessDenied');
    await unblock(context, Bucket);
    await write();
  },
  NEEDS,
);

export const readersBringTheKey = behaviour(
  'GetObject and HeadObject of an SSE-C object require its key, and fail with 400 without the key and with 403 for another key.',
  CUSTOMER_KEYS,
  async (context) => {
    const { read, s3 } = context;
    const { Bucket, key, written } = await underKey(context);
    same(
      'answer of PUT',
      [written.SSECustomerAlgorithm, written.SSECustomerKeyMD5, written.ServerSideEncryption],
      ['AES256', key.SSECustomerKeyMD5, undefined],
    );
    matches('ETag', written.ETag, /^"(?!9a0364b9e99bb480dd25e1f0284c8555)[0-9a-f]{32}"$/);
    same('content', await read(Bucket, 'secret', key), 'content');
    const head = (more: object) => s3.send(new HeadObjectCommand({ Bucket, Key: 'secret', ...more }));
    same('HEAD', (await head(key)).SSECustomerKeyMD5, key.SSECustomerKeyMD5);
    await refused('GET without', read(Bucket, 'secret'), '400 InvalidRequest');
    await refused('HEAD without', head({}), '400');
    await refused('GET with another', read(Bucket, 'secret', newKey()), '403 AccessDenied');
    await refused('HEAD with another', head(newKey()), '403');
  },
  NEEDS,
);

export const attributesTakeTheKeyToo = behaviour(
  'GetObjectAttributes of an SSE-C object requires its key, and fails with 400 InvalidRequest without the key.',
  s3Api('API_GetObjectAttributes'),
  async (context) => {
    const { Bucket, key } = await underKey(context);
    const attributes = (more: object) =>
      context.s3.send(
        new GetObjectAttributesCommand({ Bucket, Key: 'secret', ObjectAttributes: ['ObjectSize'], ...more }),
      );
    same('size', (await attributes(key)).ObjectSize, 7);
    await refused('without', attributes({}), '400 InvalidRequest');
  },
  NEEDS,
);

export const aKeyForAnObjectWithoutOneIsRefused = behaviour(
  'GetObject with an SSE-C key fails with 400 InvalidRequest if the object was not written with SSE-C.',
  CUSTOMER_KEYS,
  async ({ bucket, key, put, read }) => {
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content');
    await refused('GET', read(Bucket, Key, newKey()), '400 InvalidRequest');
  },
  NEEDS,
);

export const customerKeysAreChecked = behaviour(
  'PutObject with SSE-C fails with 400 if the key is not 256 bits, its MD5 is wrong, the algorithm is not AES256 or SSE-S3 is requested too.',
  CUSTOMER_KEYS,
  async (context) => {
    const Bucket = await context.freshBucket('never');
    await unblock(context, Bucket);
    const prefix = 'x-amz-server-side-encryption-customer-';
    const { SSECustomerKey: good, SSECustomerKeyMD5: md5 } = newKey();
    const short = randomBytes(16);
    const shortMd5 = createHash('md5').update(short).digest('base64');
    const put = async (algorithm: string, key: string, keyMd5: string, more: Record<string, string> = {}) => {
      const headers = {
        [`${prefix}algorithm`]: algorithm,
        [`${prefix}key`]: key,
        [`${prefix}key-md5`]: keyMd5,
        ...more,
      };
      const answer = await context.raw('PUT', { bucket: Bucket, key: 'k', body: 'content', headers });
      return `${answer.status} ${answer.code}`;
    };
    same('in order', await put('AES256', good, md5), '200 null');
    same('short key', await put('AES256', short.toString('base64'), shortMd5), '400 InvalidArgument');
    same('MD5 of another', await put('AES256', good, shortMd5), '400 InvalidArgument');
    oneOf('algorithm', await put('AES128', good, md5), [
      '400 InvalidEncryptionAlgorithmError',
      '400 InvalidArgument',
    ]);
    const beside = await put('AES256', good, md5, { 'x-amz-server-side-encryption': 'AES256' });
    same('SSE-S3 beside it', beside, '400 InvalidArgument');
  },
  NEEDS,
);

export const copiesTakeTheSourcesKey = behaviour(
  'CopyObject of an SSE-C object requires its key (400 without it, 403 for another), and encrypts the copy with SSE-C only if the request says so.',
  s3Api('API_CopyObject'),
  async (context) => {
    const { read, s3 } = context;
    const { Bucket, key } = await underKey(context);
    const copy = (Key: string, more: object) =>
      s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/secret`, ...more }));
    await refused('without', copy('copy', {}), '400 InvalidRequest');
    await refused('with another', copy('copy', ofSource(newKey())), '403 AccessDenied');
    await copy('plain', ofSource(key));
    same('plain copy', await read(Bucket, 'plain'), 'content');
    const next = newKey();
    const answer = await copy('under-a-key', { ...ofSource(key), ...next });
    same('answer', answer.SSECustomerKeyMD5, next.SSECustomerKeyMD5);
    same('copy under a key', await read(Bucket, 'under-a-key', next), 'content');
    await refused('without its key', read(Bucket, 'under-a-key'), '400 InvalidRequest');
  },
  NEEDS,
);

export const partsBringTheKey = behaviour(
  'UploadPart fails with 400 InvalidRequest if it does not send the SSE-C key of its upload.',
  s3Api('API_UploadPart'),
  async (context) => {
    const { read, s3 } = context;
    const Bucket = await context.freshBucket('never');
    await unblock(context, Bucket);
    const key = newKey();
    const Key = 'parts';
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...key }));
    const part = (more: object) =>
      s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'content', ...more }));
    await refused('without', part({}), '400 InvalidRequest');
    await refused('with another', part(newKey()), '400 InvalidRequest');
    const { ETag } = await part(key);
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
    same('content', await read(Bucket, Key, key), 'content');
  },
  NEEDS,
);
