/** Archived storage classes: which reads are refused, and how objects are restored. */
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

/** The cheapest kind of restore, which takes hours. No behaviour waits until such a restore is complete. */
const BULK = { Days: 1, GlacierJobParameters: { Tier: 'Bulk' } } as const;

export const archivedObjectsAreNotRead = behaviour(
  'GetObject fails with 403 InvalidObjectState for GLACIER and DEEP_ARCHIVE but not for GLACIER_IR, and HeadObject returns the storage class.',
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
  'An archived object can be listed, described, overwritten and deleted like any other object.',
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
  'CopyObject and UploadPartCopy of an archived object fail with 403 InvalidObjectState or ObjectNotInActiveTierError.',
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
  'CopyObject can write the copy into an archived storage class, and GetObject of the copy then fails with 403 InvalidObjectState.',
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
  'RestoreObject returns 202; HeadObject then reports an ongoing request, GetObject still fails and another RestoreObject fails with 409.',
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
  'RestoreObject can request a faster tier for a restore in progress.',
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

export const listingsShowRestoresOnRequest = behaviour(
  'ListObjectsV2 returns the state of a restore only if the request asks for RestoreStatus.',
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
  'RestoreObject fails with 403 InvalidObjectState for an object that is not archived, and with 404 NoSuchKey for a missing object.',
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
  'RestoreObject fails with 400 for less than one day, for an unknown tier and for the Expedited tier of DEEP_ARCHIVE.',
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
  'CreateMultipartUpload determines the storage class of the completed object, which ListParts and HeadObject return.',
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
