/** Conditional reads, writes and deletes. */
import { DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import { refused, refusedAs, same } from './difference.ts';
import { OTHER_ETAG } from './other-etag.ts';

const READS = s3Guide('conditional-reads');

const DELETES = s3Guide('conditional-deletes');

export const deletesTakeIfMatch = behaviour(
  'DeleteObject with If-Match deletes the object that has this ETag, and fails with 412 PreconditionFailed for another ETag.',
  DELETES,
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    const { ETag } = await put(Bucket, Key, 'content');
    const remove = (IfMatch: string | undefined) =>
      s3.send(new DeleteObjectCommand({ Bucket, Key, IfMatch }));
    await refused('another ETag', remove(OTHER_ETAG), '412 PreconditionFailed');
    same('body', await read(Bucket, Key), 'content');
    same('x-amz-delete-marker', (await remove(ETag)).DeleteMarker, true);
    await refused('GET', read(Bucket, Key), '404 NoSuchKey');
  },
);

export const deleteIfMatchOverNothingIsRefused = behaviour(
  'DeleteObject with If-Match fails with 404 or 412 if the key has no object or its current version is a delete marker.',
  DELETES,
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    // The guide documents 412 for an ETag that does not match, and 404 for a key that does not exist. Both
    // cases apply to this key, so either error is accepted.
    const remove = (IfMatch: string) => s3.send(new DeleteObjectCommand({ Bucket, Key, IfMatch }));
    const refusals = ['404 NoSuchKey', '412 PreconditionFailed'];
    await refusedAs('where nothing is', remove(OTHER_ETAG), refusals);
    await put(Bucket, Key, 'content');
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await refusedAs('where a marker is', remove('*'), refusals);
  },
);

export const deleteObjectsTakesAnEtagPerKey = behaviour(
  'DeleteObjects accepts an expected ETag for each key and reports a mismatch as an error beside the deleted keys.',
  DELETES,
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('never');
    const [good, bad] = [key('good'), key('bad')];
    const { ETag } = await put(Bucket, good, 'content');
    await put(Bucket, bad, 'content');
    const Objects = [
      { Key: good, ETag },
      { Key: bad, ETag: OTHER_ETAG },
    ];
    const answer = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    same(
      'deleted',
      answer.Deleted?.map(({ Key }) => Key),
      [good],
    );
    same(
      'errors',
      answer.Errors?.map(({ Key, Code }) => [Key, Code]),
      [[bad, 'PreconditionFailed']],
    );
  },
);

const PAST = new Date(Date.UTC(2000, 0, 1)).toUTCString();

export const readsTakeConditions = behaviour(
  'GetObject and HeadObject return 412 if If-Match or If-Unmodified-Since fails, and 304 if If-None-Match fails.',
  READS,
  async ({ bucket, key, put, raw }) => {
    const Bucket = await bucket('never');
    const Key = key();
    const { ETag = '' } = await put(Bucket, Key, 'content');
    const cases: [Record<string, string>, number][] = [
      [{ 'if-match': ETag }, 200],
      [{ 'if-match': OTHER_ETAG }, 412],
      [{ 'if-none-match': OTHER_ETAG }, 200],
      [{ 'if-none-match': ETag }, 304],
      [{ 'if-modified-since': PAST }, 200],
      [{ 'if-unmodified-since': PAST }, 412],
    ];
    for (const [headers, status] of cases)
      for (const method of ['GET', 'HEAD']) {
        const answer = await raw(method, { bucket: Bucket, key: Key, headers });
        same(`${method} with ${JSON.stringify(headers)}`, answer.status, status);
      }
  },
);

export const etagConditionsWinOverDates = behaviour(
  'If-Match overrides a failing If-Unmodified-Since, and a failing If-None-Match overrides If-Modified-Since.',
  s3Api('API_GetObject'),
  async ({ bucket, key, put, raw }) => {
    const Bucket = await bucket('never');
    const Key = key();
    const { ETag = '' } = await put(Bucket, Key, 'content');
    const get = async (headers: Record<string, string>) =>
      (await raw('GET', { bucket: Bucket, key: Key, headers })).status;
    same('matching', await get({ 'if-match': ETag, 'if-unmodified-since': PAST }), 200);
    same('not modified', await get({ 'if-none-match': ETag, 'if-modified-since': PAST }), 304);
  },
);

export const aReadMayBePinned = behaviour(
  'GetObject of an older version succeeds with the ETag of that version in If-Match, and the same If-Match fails with 412 on the current version.',
  READS,
  async ({ bucket, key, put, read }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    const { VersionId, ETag } = await put(Bucket, Key, 'first');
    await put(Bucket, Key, 'second');
    same('body', await read(Bucket, Key, { VersionId, IfMatch: ETag }), 'first');
    await refused('GET', read(Bucket, Key, { IfMatch: ETag }), '412 PreconditionFailed');
  },
);
