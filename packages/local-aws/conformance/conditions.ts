/** Conditional reads, writes and deletes. */
import { DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import { refused, refusedAs, same } from './difference.ts';
import { OTHER_ETAG } from './other-etag.ts';

const READS = s3Guide('conditional-reads');

const DELETES = s3Guide('conditional-deletes');

export const deletesTakeIfMatch = behaviour(
  'DELETE with If-Match removes the object with this ETag, and is 412 for another.',
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
  'DELETE with If-Match where no object is, or a delete marker, is refused and adds no marker.',
  DELETES,
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    // The guide names 412 for an ETag that does not match and 404 for a key that is gone.
    const remove = (IfMatch: string) => s3.send(new DeleteObjectCommand({ Bucket, Key, IfMatch }));
    const refusals = ['404 NoSuchKey', '412 PreconditionFailed'];
    await refusedAs('where nothing is', remove(OTHER_ETAG), refusals);
    await put(Bucket, Key, 'content');
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await refusedAs('where a marker is', remove('*'), refusals);
  },
);

export const deleteObjectsTakesAnEtagPerKey = behaviour(
  'In DeleteObjects each key may carry the ETag it must have; one that fails is reported beside those deleted.',
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
  'GET and HEAD answer 412 where If-Match or If-Unmodified-Since fails, 304 where If-None-Match or If-Modified-Since does.',
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
  'If-Match that holds wins over If-Unmodified-Since that fails; If-None-Match that fails over If-Modified-Since that holds.',
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
  'GET of a version with If-Match of its ETag still works after it was written over, and is 412 with another ETag.',
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
