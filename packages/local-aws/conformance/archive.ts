/** Archived storage classes: refused reads, and restores. */
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectAttributesCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  RestoreObjectCommand,
  type RestoreRequest,
  type Tier,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import type { Context } from './context.ts';
import { matches, oneOf, refused, refusedAs, same } from './difference.ts';

const ARCHIVED = s3Guide('archived-objects');
const RESTORE = s3Api('API_RestoreObject');

const restore = ({ s3 }: Context, Bucket: string, Key: string, RestoreRequest: RestoreRequest) =>
  s3.send(new RestoreObjectCommand({ Bucket, Key, RestoreRequest }));

/** The cheapest restore. It takes hours, and no behaviour waits for it. */
const BULK = { Days: 1, GlacierJobParameters: { Tier: 'Bulk' } } as const;

export const archivedObjectsAreNotRead = behaviour(
  'GET of an object in GLACIER or DEEP_ARCHIVE is 403 InvalidObjectState, of one in GLACIER_IR its content; HEAD tells the class.',
  s3Api('API_GetObject'),
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('never');
    for (const StorageClass of ['GLACIER', 'DEEP_ARCHIVE'] as const) {
      const Key = key(StorageClass);
      await put(Bucket, Key, 'content', { StorageClass });
      await refused(`GET of ${StorageClass}`, read(Bucket, Key), '403 InvalidObjectState');
      const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
      same('HEAD', [head.StorageClass, head.ContentLength, head.Restore], [StorageClass, 7, undefined]);
    }
    const instant = key('GLACIER_IR');
    await put(Bucket, instant, 'content', { StorageClass: 'GLACIER_IR' });
    same('GET of GLACIER_IR', await read(Bucket, instant), 'content');
  },
);

export const archivedObjectsAreDescribedAndReplaced = behaviour(
  'An archived object is listed, described, written over and deleted like any other.',
  ARCHIVED,
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content', { StorageClass: 'GLACIER' });
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: Key }));
    same('listed', Contents?.[0]?.StorageClass, 'GLACIER');
    const attributes = await s3.send(
      new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ['StorageClass', 'ObjectSize'] }),
    );
    same('attributes', [attributes.StorageClass, attributes.ObjectSize], ['GLACIER', 7]);
    await put(Bucket, Key, 'new');
    same('written over', await read(Bucket, Key), 'new');
    await put(Bucket, Key, 'content', { StorageClass: 'DEEP_ARCHIVE' });
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await refused('HEAD after its deletion', s3.send(new HeadObjectCommand({ Bucket, Key })), '404');
  },
);

export const archivedObjectsAreNotCopied = behaviour(
  'CopyObject and UploadPartCopy of an archived object are 403, InvalidObjectState or ObjectNotInActiveTierError.',
  s3Api('API_CopyObject'),
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('never');
    const [source, Key] = [key('source'), key('copy')];
    await put(Bucket, source, 'content', { StorageClass: 'GLACIER' });
    const CopySource = `${Bucket}/${source}`;
    const codes = ['403 InvalidObjectState', '403 ObjectNotInActiveTierError'];
    await refusedAs('CopyObject', s3.send(new CopyObjectCommand({ Bucket, Key, CopySource })), codes);
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const part = new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber: 1, CopySource });
    await refusedAs('UploadPartCopy', s3.send(part), codes);
  },
);

export const aCopyMayBeArchived = behaviour(
  'CopyObject may put the copy into an archived class, which its answer does not wait for.',
  s3Api('API_CopyObject'),
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('never');
    const [source, Key] = [key('source'), key('copy')];
    await put(Bucket, source, 'content');
    const CopySource = `${Bucket}/${source}`;
    await s3.send(new CopyObjectCommand({ Bucket, Key, CopySource, StorageClass: 'GLACIER' }));
    await refused('GET of the copy', read(Bucket, Key), '403 InvalidObjectState');
  },
);

export const aRestoreIsAcceptedOnce = behaviour(
  'RestoreObject is 202; HEAD then says ongoing-request="true", GET is refused still, and a second request is 409 RestoreAlreadyInProgress.',
  RESTORE,
  async (context) => {
    const { bucket, key, put, read, s3 } = context;
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content', { StorageClass: 'GLACIER' });
    const answer = await restore(context, Bucket, Key, BULK);
    same('status', answer.$metadata.httpStatusCode, 202);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    same('x-amz-restore', head.Restore, 'ongoing-request="true"');
    await refused('GET', read(Bucket, Key), '403 InvalidObjectState');
    const again = restore(context, Bucket, Key, BULK);
    await refused('again', again, '409 RestoreAlreadyInProgress');
  },
);

export const aRestoreMayBeMadeFaster = behaviour(
  'A restore under way may be asked for again with a faster tier.',
  RESTORE,
  async (context) => {
    const { bucket, key, put } = context;
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content', { StorageClass: 'GLACIER' });
    await restore(context, Bucket, Key, BULK);
    const answer = await restore(context, Bucket, Key, {
      Days: 1,
      GlacierJobParameters: { Tier: 'Standard' },
    });
    same('status', answer.$metadata.httpStatusCode, 202);
  },
);

export const listingsTellOfRestores = behaviour(
  'Listings tell the state of restores to those who ask for it.',
  s3Api('API_ListObjectsV2'),
  async (context) => {
    const { bucket, key, put, s3 } = context;
    const Bucket = await bucket('never');
    const Prefix = key('restores/');
    await put(Bucket, `${Prefix}a`, 'content', { StorageClass: 'GLACIER' });
    await restore(context, Bucket, `${Prefix}a`, BULK);
    const list = (more: object) => s3.send(new ListObjectsV2Command({ Bucket, Prefix, ...more }));
    same('not asked for', (await list({})).Contents?.[0]?.RestoreStatus, undefined);
    const { Contents } = await list({ OptionalObjectAttributes: ['RestoreStatus'] });
    same('asked for', Contents?.[0]?.RestoreStatus, { IsRestoreInProgress: true });
  },
);

export const onlyArchivedObjectsAreRestored = behaviour(
  'RestoreObject of an object that is not archived is 403 InvalidObjectState, of one that is not there 404 NoSuchKey.',
  RESTORE,
  async (context) => {
    const { bucket, key, put } = context;
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content');
    await refused('STANDARD', restore(context, Bucket, Key, BULK), '403 InvalidObjectState');
    await refused('missing', restore(context, Bucket, key(), BULK), '404 NoSuchKey');
  },
);

export const restoreRequestsAreChecked = behaviour(
  'A restore is for at least one day and in one of three tiers; DEEP_ARCHIVE has no expedited one.',
  RESTORE,
  async (context) => {
    const { bucket, key, put } = context;
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content', { StorageClass: 'DEEP_ARCHIVE' });
    const inTier = (tier: string, Days = 1): RestoreRequest => ({
      Days,
      GlacierJobParameters: { Tier: tier as Tier },
    });
    const short = restore(context, Bucket, Key, inTier('Bulk', 0));
    await refusedAs('no days', short, ['400 InvalidArgument', '400 MalformedXML']);
    await refused('no such tier', restore(context, Bucket, Key, inTier('Soon')), '400 MalformedXML');
    const expedited = restore(context, Bucket, Key, inTier('Expedited'));
    await refusedAs('expedited', expedited, ['400 InvalidArgument', '400 InvalidTier']);
  },
);

export const classesAreKeptThroughUploads = behaviour(
  'The storage class of a multipart object comes with CreateMultipartUpload; listing its upload and HEAD tell it.',
  s3Api('API_CreateMultipartUpload'),
  async (context) => {
    const { bucket, key, raw } = context;
    const target = { bucket: await bucket('never'), key: key() };
    const headers = { 'x-amz-storage-class': 'DEEP_ARCHIVE' };
    const created = await raw('POST', { ...target, query: { uploads: '' }, headers });
    const uploadId = /<UploadId>([^<]+)</.exec(created.body)?.[1] ?? '';
    const part = await raw('PUT', { ...target, query: { partNumber: '1', uploadId }, body: 'content' });
    const listed = await raw('GET', { ...target, query: { uploadId } });
    matches('ListParts', listed.body, /<StorageClass>DEEP_ARCHIVE</);
    const etag = String(part.headers.etag);
    const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
    const done = await raw('POST', { ...target, query: { uploadId }, body });
    oneOf('completion', done.status, [200]);
    same('HEAD', (await raw('HEAD', target)).headers['x-amz-storage-class'], 'DEEP_ARCHIVE');
  },
);
