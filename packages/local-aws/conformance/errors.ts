/**
 * Requests that S3 refuses because of their signatures, because of invalid names, because a bucket is
 * missing, or because a bucket is not empty.
 */
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import { matches, oneOf, present, refused, refusedAs, same } from './difference.ts';
import type { RawAnswer } from './raw-request.ts';

const ERRORS = s3Api('ErrorResponses');
const PRESIGNED = s3Api('sigv4-query-string-auth');

const textOf = ({ status, code }: RawAnswer): string => `${status} ${code}`;

export const aMissingBucketIsNoSuchBucket = behaviour(
  'Operations on a bucket that does not exist fail with 404 NoSuchBucket, and HeadBucket fails with a plain 404.',
  ERRORS,
  async ({ unusedBucketName, put, read, s3 }) => {
    const Bucket = unusedBucketName();
    await refused('PUT', put(Bucket, 'key', 'content'), '404 NoSuchBucket');
    await refused('GET', read(Bucket, 'key'), '404 NoSuchBucket');
    await refused('list', s3.send(new ListObjectsV2Command({ Bucket })), '404 NoSuchBucket');
    await refused('DELETE', s3.send(new DeleteObjectCommand({ Bucket, Key: 'key' })), '404 NoSuchBucket');
    await refused('HEAD', s3.send(new HeadBucketCommand({ Bucket })), '404');
  },
);

export const errorsAreDocuments = behaviour(
  'S3 returns an error as an XML document with Code, Message, RequestId and HostId, and repeats the request id in a header.',
  ERRORS,
  async ({ bucket, key, raw }) => {
    const answer = await raw('GET', { bucket: await bucket('never'), key: key('missing') });
    same('content-type', answer.headers['content-type']?.split(';')[0], 'application/xml');
    matches('body', answer.body, /<Error>.*<Code>NoSuchKey<\/Code>.*<Message>[^<]+<\/Message>/s);
    const requestId = present('x-amz-request-id', answer.headers['x-amz-request-id']);
    same('RequestId', /<RequestId>([^<]+)<\/RequestId>/.exec(answer.body)?.[1], requestId);
    matches('body', answer.body, /<HostId>[^<]+<\/HostId>/);
    matches('body', answer.body, /<Key>[^<]+missing<\/Key>/);
  },
);

export const aBucketMustBeEmptyToBeDeleted = behaviour(
  'DeleteBucket fails with 409 BucketNotEmpty while the bucket has a version or a delete marker.',
  s3Api('API_DeleteBucket'),
  async ({ freshBucket, put, s3 }) => {
    const Bucket = await freshBucket('Enabled');
    const { VersionId } = await put(Bucket, 'key', 'content');
    const remove = () => s3.send(new DeleteBucketCommand({ Bucket }));
    await refused('with a version', remove(), '409 BucketNotEmpty');
    const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'key' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'key', VersionId }));
    await refused('with a marker', remove(), '409 BucketNotEmpty');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'key', VersionId: marker.VersionId }));
    await remove();
    await refused('HEAD', s3.send(new HeadBucketCommand({ Bucket })), '404');
  },
);

export const aBucketIsCreatedOnce = behaviour(
  'CreateBucket of a bucket that the caller already owns succeeds in us-east-1, and fails with 409 BucketAlreadyOwnedByYou in other regions.',
  s3Api('API_CreateBucket'),
  async ({ freshBucket, region, s3 }) => {
    const Bucket = await freshBucket('never');
    const again = s3.send(
      new CreateBucketCommand({
        Bucket,
        ...(region === 'us-east-1'
          ? {}
          : { CreateBucketConfiguration: { LocationConstraint: region as 'eu-west-1' } }),
      }),
    );
    if (region === 'us-east-1') await again;
    else await refused('CreateBucket', again, '409 BucketAlreadyOwnedByYou');
  },
);

export const bucketNamesHaveRules = behaviour(
  'CreateBucket fails with 400 InvalidBucketName for a name with capital letters, underscores or fewer than three characters.',
  s3Guide('bucketnamingrules'),
  async ({ raw }) => {
    for (const bucket of ['Capitals-are-refused', 'under_score', 'ab'])
      same(bucket, textOf(await raw('PUT', { bucket })), '400 InvalidBucketName');
  },
);

export const aWrongSignatureIsRefused = behaviour(
  'S3 rejects a request signed with a wrong secret with 403 SignatureDoesNotMatch, and one with an unknown key id with 403 InvalidAccessKeyId.',
  ERRORS,
  async ({ bucket, raw, s3 }) => {
    const Bucket = await bucket('never');
    const own = await s3.config.credentials();
    const list = async (credentials: typeof own) =>
      textOf(await raw('GET', { bucket: Bucket, query: { 'list-type': '2' }, sign: { credentials } }));
    same('wrong secret', await list({ ...own, secretAccessKey: 'wrong' }), '403 SignatureDoesNotMatch');
    const unknown = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wrong' };
    same('unknown key id', await list(unknown), '403 InvalidAccessKeyId');
  },
);

export const aSkewedClockIsRefused = behaviour(
  'S3 rejects a request that was signed 20 minutes ago with 403 RequestTimeTooSkewed.',
  ERRORS,
  async ({ bucket, raw }) => {
    const sign = { nowMs: Date.now() - 20 * 60_000 };
    const answer = await raw('GET', { bucket: await bucket('never'), query: { 'list-type': '2' }, sign });
    same('answer', textOf(answer), '403 RequestTimeTooSkewed');
  },
);

export const strangersAreRefused = behaviour(
  'S3 rejects a request without a signature with 403 AccessDenied, because buckets are private.',
  s3Guide('access-control-block-public-access'),
  async ({ bucket, key, put, raw }) => {
    const target = { bucket: await bucket('never'), key: key() };
    await put(target.bucket, target.key, 'content');
    same('GET', textOf(await raw('GET', { ...target, signature: 'none' })), '403 AccessDenied');
    const write = await raw('PUT', { ...target, body: 'mine', signature: 'none' });
    same('PUT', textOf(write), '403 AccessDenied');
  },
);

export const presignedUrlsWorkUntilTheyExpire = behaviour(
  'A presigned URL can read and write an object, and fails with 403 AccessDenied after X-Amz-Expires.',
  PRESIGNED,
  async ({ bucket, key, raw, read }) => {
    const target = { bucket: await bucket('never'), key: key('pre signed+ü') };
    const put = await raw('PUT', { ...target, body: 'content', signature: 'presigned' });
    same('PUT', put.status, 200);
    same('body', await read(target.bucket, target.key), 'content');
    same('GET', (await raw('GET', { ...target, signature: 'presigned' })).body, 'content');
    const sign = { nowMs: Date.now() - 120_000 };
    const late = await raw('GET', { ...target, signature: 'presigned', expiresSeconds: 60, sign });
    same('expired', textOf(late), '403 AccessDenied');
    const changed = await raw('GET', {
      ...target,
      signature: 'presigned',
      sign: { credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wrong' } },
    });
    same('unknown key id', textOf(changed), '403 InvalidAccessKeyId');
  },
);

export const theBucketOwnerMayBeExpected = behaviour(
  'PutObject succeeds if x-amz-expected-bucket-owner is the owner, and fails with 403 AccessDenied if it is another account.',
  s3Guide('bucket-owner-condition'),
  async ({ bucket, key, put, accountId }) => {
    const Bucket = await bucket('never');
    await put(Bucket, key(), 'content', { ExpectedBucketOwner: await accountId() });
    const other = put(Bucket, key(), 'content', { ExpectedBucketOwner: '000000000000' });
    await refused('another account', other, '403 AccessDenied');
  },
  ['s3', 'sts'],
);

export const everyCallMayExpectAnOwner = behaviour(
  'S3 rejects reads, deletions, listings and uploads without any effect if x-amz-expected-bucket-owner is another account.',
  s3Guide('bucket-owner-condition'),
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content');
    const ExpectedBucketOwner = '000000000000';
    const target = { Bucket, Key, ExpectedBucketOwner };
    await refused('GET', read(Bucket, Key, { ExpectedBucketOwner }), '403 AccessDenied');
    await refused('HEAD', s3.send(new HeadObjectCommand(target)), '403');
    await refused('HEAD of the bucket', s3.send(new HeadBucketCommand(target)), '403');
    await refused('DELETE', s3.send(new DeleteObjectCommand(target)), '403 AccessDenied');
    await refused('listing', s3.send(new ListObjectsV2Command(target)), '403 AccessDenied');
    await refused('upload', s3.send(new CreateMultipartUploadCommand(target)), '403 AccessDenied');
    same('object', await read(Bucket, Key), 'content');
  },
);

export const theSourceOwnerMayBeExpected = behaviour(
  'CopyObject fails with 403 AccessDenied if x-amz-source-expected-bucket-owner is not the owner of the source bucket.',
  s3Guide('bucket-owner-condition'),
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('never');
    const [source, Key] = [key('source'), key('copy')];
    await put(Bucket, source, 'content');
    const copy = (more: object) =>
      s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${source}`, ...more }));
    await refused('another', copy({ ExpectedSourceBucketOwner: '000000000000' }), '403 AccessDenied');
    await refused('HEAD after it', s3.send(new HeadObjectCommand({ Bucket, Key })), '404');
    await copy({});
  },
);

export const headOfABucketNamesItsRegion = behaviour(
  'HeadBucket returns the region of the bucket.',
  s3Api('API_HeadBucket'),
  async ({ bucket, region, s3 }) => {
    const head = await s3.send(new HeadBucketCommand({ Bucket: await bucket('never') }));
    same('x-amz-bucket-region', head.BucketRegion, region);
  },
);

export const anotherRegionIsToldApart = behaviour(
  'S3 rejects a request that is signed for another region and names the bucket’s region in the response.',
  s3Guide('VirtualHosting'),
  async ({ bucket, region, raw }) => {
    const other = region === 'eu-west-3' ? 'eu-west-2' : 'eu-west-3';
    const query = { 'list-type': '2' };
    const answer = await raw('GET', { bucket: await bucket('never'), query, sign: { region: other } });
    oneOf('answer', textOf(answer), ['301 PermanentRedirect', '400 AuthorizationHeaderMalformed']);
    const named = answer.headers['x-amz-bucket-region'] ?? /<Region>([^<]+)</.exec(answer.body)?.[1];
    same('region named', named, region);
  },
);

export const aCutBodyIsNotStored = behaviour(
  'PutObject fails with 400 and stores nothing if the length of the body differs from x-amz-decoded-content-length.',
  s3Api('sigv4-streaming-trailers'),
  async ({ bucket, key, raw, read }) => {
    const target = { bucket: await bucket('never'), key: key() };
    const answer = await raw('PUT', {
      ...target,
      payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      headers: {
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': '8',
        'x-amz-trailer': 'x-amz-checksum-crc32',
      },
      body: '7\r\ncontent\r\n0\r\nx-amz-checksum-crc32:/sUwqQ==\r\n\r\n',
    });
    same('status', answer.status, 400);
    await refusedAs('GET', read(target.bucket, target.key), ['404 NoSuchKey']);
  },
);
