/** Conditional writes by PutObject, CompleteMultipartUpload and CopyObject. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import type { Context } from './context.ts';
import { oneOf, refused, same } from './difference.ts';
import { OTHER_ETAG } from './other-etag.ts';

const WRITES = s3Guide('conditional-writes');

export const ifNoneMatchLetsTheFirstWriterIn = behaviour(
  'PutObject with If-None-Match: * succeeds if the key has no object, and fails with 412 PreconditionFailed if it has one.',
  WRITES,
  async ({ bucket, key, put, read }) => {
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'first', { IfNoneMatch: '*' });
    const again = put(Bucket, Key, 'second', { IfNoneMatch: '*' });
    await refused('second PUT', again, '412 PreconditionFailed');
    same('body', await read(Bucket, Key), 'first');
  },
);

export const aDeleteMarkerCountsAsAbsentForIfNoneMatch = behaviour(
  'PutObject with If-None-Match: * succeeds if the current version is a delete marker.',
  WRITES,
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    await put(Bucket, Key, 'first');
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await put(Bucket, Key, 'second', { IfNoneMatch: '*' });
    same('body', await read(Bucket, Key), 'second');
  },
);

export const ofConcurrentCreatorsOneWins = behaviour(
  'Exactly one of several concurrent PutObject calls with If-None-Match: * succeeds, and the others fail with 412 or 409.',
  WRITES,
  async ({ bucket, key, put, read }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    const bodies = ['a', 'b', 'c', 'd', 'e'];
    const outcomes = await Promise.allSettled(
      bodies.map((body) => put(Bucket, Key, body, { IfNoneMatch: '*' })),
    );
    const winners = bodies.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    same('winners', winners.length, 1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        oneOf('refusal', (outcome.reason as Error).name, [
          'PreconditionFailed',
          'ConditionalRequestConflict',
        ]);
    same('body', await read(Bucket, Key), winners[0]);
  },
);

export const ifMatchWritesOverTheNamedStateOnly = behaviour(
  'PutObject with If-Match replaces the object that has this ETag, and fails with 412 PreconditionFailed for another ETag.',
  WRITES,
  async ({ bucket, key, put, read }) => {
    const Bucket = await bucket('never');
    const Key = key();
    const { ETag } = await put(Bucket, Key, 'first');
    const second = await put(Bucket, Key, 'second', { IfMatch: ETag });
    const stale = put(Bucket, Key, 'third', { IfMatch: ETag });
    await refused('PUT with the old ETag', stale, '412 PreconditionFailed');
    await put(Bucket, Key, 'fourth', { IfMatch: second.ETag });
    same('body', await read(Bucket, Key), 'fourth');
  },
);

export const ifMatchOverNothingIsNotFound = behaviour(
  'PutObject with If-Match fails with 404 NoSuchKey if the key has no object or its current version is a delete marker.',
  WRITES,
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    const attempt = () => put(Bucket, Key, 'second', { IfMatch: OTHER_ETAG });
    await refused('where nothing is', attempt(), '404 NoSuchKey');
    await put(Bucket, Key, 'first');
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await refused('where a delete marker is', attempt(), '404 NoSuchKey');
  },
);

export const ifMatchLooksAtTheCurrentVersionOnly = behaviour(
  'PutObject with the ETag of an older version in If-Match fails with 412 PreconditionFailed.',
  WRITES,
  async ({ bucket, key, put }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    const { ETag } = await put(Bucket, Key, 'first');
    await put(Bucket, Key, 'second');
    await refused('PUT', put(Bucket, Key, 'third', { IfMatch: ETag }), '412 PreconditionFailed');
  },
);

export const ifNoneMatchTakesAnAsteriskOnly = behaviour(
  'PutObject with an ETag in If-None-Match fails with 501 NotImplemented, because S3 supports only an asterisk there.',
  s3Api('API_PutObject'),
  async ({ bucket, key, put }) => {
    const attempt = put(await bucket('never'), key(), 'content', { IfNoneMatch: OTHER_ETAG });
    await refused('PUT', attempt, '501 NotImplemented');
  },
);

/** Begins an upload and sends one small part, so that the upload can be completed. */
const startUpload = async ({ s3 }: Context, Bucket: string, Key: string) => {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const part = await s3.send(
    new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: `part of ${UploadId}` }),
  );
  return (condition: { IfMatch?: string | undefined; IfNoneMatch?: string }) =>
    s3.send(
      new CompleteMultipartUploadCommand({
        Bucket,
        Key,
        UploadId,
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part.ETag }] },
        ...condition,
      }),
    );
};

export const completionsTakeConditionsToo = behaviour(
  'CompleteMultipartUpload evaluates If-None-Match and If-Match when it completes the upload, not when the upload was created.',
  s3Api('API_CompleteMultipartUpload'),
  async (context) => {
    const { bucket, key, put, read } = context;
    const Bucket = await bucket('never');
    const Key = key();
    const [creator, replacer] = [
      await startUpload(context, Bucket, Key),
      await startUpload(context, Bucket, Key),
    ];
    await put(Bucket, Key, 'put meanwhile');
    await refused('If-None-Match: *', creator({ IfNoneMatch: '*' }), '412 PreconditionFailed');
    await refused('If-Match of another', replacer({ IfMatch: OTHER_ETAG }), '412 PreconditionFailed');
    same('body', await read(Bucket, Key), 'put meanwhile');
  },
);

export const aCompletionMayReplaceTheNamedState = behaviour(
  'CompleteMultipartUpload with If-Match replaces the object that has this ETag, and fails with 404 NoSuchKey if the key has no object.',
  s3Api('API_CompleteMultipartUpload'),
  async (context) => {
    const { bucket, key, put, s3 } = context;
    const Bucket = await bucket('never');
    const Key = key();
    const { ETag } = await put(Bucket, Key, 'first');
    const replace = await startUpload(context, Bucket, Key);
    const done = await replace({ IfMatch: ETag });
    same('ETag', (await s3.send(new HeadObjectCommand({ Bucket, Key }))).ETag, done.ETag);
    const missing = await startUpload(context, Bucket, key('missing'));
    await refused('where nothing is', missing({ IfMatch: ETag }), '404 NoSuchKey');
  },
);

export const aCompletionMayCreate = behaviour(
  'CompleteMultipartUpload with If-None-Match: * succeeds if the key has no object.',
  s3Api('API_CompleteMultipartUpload'),
  async (context) => {
    const Bucket = await context.bucket('Enabled');
    const Key = context.key();
    const complete = await startUpload(context, Bucket, Key);
    const { ETag } = await complete({ IfNoneMatch: '*' });
    same('ETag', (await context.s3.send(new HeadObjectCommand({ Bucket, Key }))).ETag, ETag);
  },
);

export const copiesTakeConditionsToo = behaviour(
  'CopyObject fails with 412 if If-None-Match: * finds an object at the destination or If-Match finds another ETag there.',
  s3Api('API_CopyObject'),
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('never');
    const [source, Key] = [key('source'), key('copy')];
    const { ETag } = await put(Bucket, source, 'content');
    const copy = (condition: { IfMatch?: string | undefined; IfNoneMatch?: string }) =>
      s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${source}`, ...condition }));
    await copy({ IfNoneMatch: '*' });
    await refused('If-None-Match: *', copy({ IfNoneMatch: '*' }), '412 PreconditionFailed');
    await refused('If-Match of another', copy({ IfMatch: OTHER_ETAG }), '412 PreconditionFailed');
    await copy({ IfMatch: ETag });
  },
);
