/** Behaviours of CopyObject and UploadPartCopy. */
import { hash } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  type CopyObjectCommandInput,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api } from './behaviour.ts';
import type { Context, Versioning } from './context.ts';
import { refused, same } from './difference.ts';
import { encode } from './sign.ts';
import { uploadInParts } from './upload-in-parts.ts';

const COPY = s3Api('API_CopyObject');
const PART_COPY = s3Api('API_UploadPartCopy');

/** Writes a source with metadata and tags. Returns functions that copy it and read the copy. */
const prepare = async (context: Context, versioning: Versioning = 'never') => {
  const { bucket, key, put, s3 } = context;
  const Bucket = await bucket(versioning);
  const [source, Key] = [key('source +ü'), key('copy')];
  const CopySource = `${Bucket}/${source.split('/').map(encode).join('/')}`;
  const attributes = { Metadata: { color: 'blue' }, ContentType: 'text/x-odd', Tagging: 'a=1' };
  const { ETag, VersionId } = await put(Bucket, source, 'content', attributes);
  const copy = (more: Partial<CopyObjectCommandInput> = {}) =>
    s3.send(new CopyObjectCommand({ Bucket, Key, CopySource, ...more }));
  const head = (name = Key) => s3.send(new HeadObjectCommand({ Bucket, Key: name }));
  const tags = async () =>
    (await s3.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet?.map(
      (tag) => `${tag.Key}=${tag.Value}`,
    );
  return { Bucket, source, Key, CopySource, ETag, VersionId, copy, head, tags };
};

export const aCopyTakesEverythingOver = behaviour(
  'CopyObject copies bytes, metadata, headers and tags, and returns the ETag and LastModified of the copy.',
  COPY,
  async (context) => {
    const { Bucket, Key, ETag, copy, head, tags } = await prepare(context);
    const done = await copy();
    same('ETag', done.CopyObjectResult?.ETag, ETag);
    same('LastModified', done.CopyObjectResult?.LastModified instanceof Date, true);
    same('body', await context.read(Bucket, Key), 'content');
    const { Metadata, ContentType } = await head();
    same('HEAD', [Metadata, ContentType], [{ color: 'blue' }, 'text/x-odd']);
    same('tags', await tags(), ['a=1']);
  },
);

export const replaceTakesTheRequestsMetadata = behaviour(
  'CopyObject takes metadata and headers from the request with MetadataDirective REPLACE, and ignores those of the request without it.',
  COPY,
  async (context) => {
    const { copy, head } = await prepare(context);
    const mine = { Metadata: { size: 'big' }, CacheControl: 'no-store' };
    await copy(mine);
    const kept = await head();
    same('COPY', [kept.Metadata, kept.CacheControl], [{ color: 'blue' }, undefined]);
    await copy({ ...mine, MetadataDirective: 'REPLACE' });
    const replaced = await head();
    same(
      'REPLACE',
      [replaced.Metadata, replaced.CacheControl, replaced.ContentType === 'text/x-odd'],
      [{ size: 'big' }, 'no-store', false],
    );
  },
);

export const tagsHaveADirectiveOfTheirOwn = behaviour(
  'CopyObject copies tags unless TaggingDirective is REPLACE, regardless of the metadata directive.',
  COPY,
  async (context) => {
    const { copy, tags } = await prepare(context);
    await copy({ MetadataDirective: 'REPLACE' });
    same('COPY', await tags(), ['a=1']);
    await copy({ TaggingDirective: 'REPLACE', Tagging: 'b=2' });
    same('REPLACE', await tags(), ['b=2']);
    await copy({ TaggingDirective: 'REPLACE' });
    same('REPLACE with none', await tags(), []);
  },
);

export const aCopyOntoItselfMustChangeSomething = behaviour(
  'CopyObject of an object onto itself fails with 400 InvalidRequest if it changes nothing.',
  COPY,
  async (context) => {
    const { source, copy, head } = await prepare(context);
    await refused('copy', copy({ Key: source }), '400 InvalidRequest');
    await copy({ Key: source, MetadataDirective: 'REPLACE', Metadata: { changed: 'yes' } });
    same('metadata', (await head(source)).Metadata, { changed: 'yes' });
  },
);

export const aVersionMayBeCopied = behaviour(
  'CopyObject copies the source version that the request names, and returns the version ids of the source and the copy.',
  COPY,
  async (context) => {
    const { Bucket, source, Key, CopySource, VersionId, copy, head } = await prepare(context, 'Enabled');
    await context.put(Bucket, source, 'newer');
    const done = await copy({ CopySource: `${CopySource}?versionId=${VersionId}` });
    same('CopySourceVersionId', done.CopySourceVersionId, VersionId);
    same('VersionId', done.VersionId, (await head()).VersionId);
    same('body', await context.read(Bucket, Key), 'content');
  },
);

export const aMissingSourceCannotBeCopied = behaviour(
  'CopyObject fails with 404 NoSuchKey for a missing or deleted source, and with 400 InvalidRequest for the version id of a delete marker.',
  PART_COPY,
  async (context) => {
    const { Bucket, source, CopySource, copy } = await prepare(context, 'Enabled');
    await refused('missing', copy({ CopySource: `${Bucket}/${context.key('missing')}` }), '404 NoSuchKey');
    const marker = await context.s3.send(new DeleteObjectCommand({ Bucket, Key: source }));
    await refused('deleted', copy(), '404 NoSuchKey');
    const byId = copy({ CopySource: `${CopySource}?versionId=${marker.VersionId}` });
    await refused('marker', byId, '400 InvalidRequest');
  },
);

export const copySourceConditionsAreAll412 = behaviour(
  'CopyObject fails with 412 if an x-amz-copy-source-if-* condition fails, even one for which GetObject returns 304.',
  COPY,
  async (context) => {
    const { ETag, copy } = await prepare(context);
    const other = '"00000000000000000000000000000000"';
    const past = new Date(Date.UTC(2000, 0, 1));
    await copy({ CopySourceIfMatch: ETag });
    await copy({ CopySourceIfNoneMatch: other });
    await copy({ CopySourceIfModifiedSince: past });
    const failing: Partial<CopyObjectCommandInput>[] = [
      { CopySourceIfMatch: other },
      { CopySourceIfNoneMatch: ETag },
      { CopySourceIfUnmodifiedSince: past },
    ];
    for (const condition of failing)
      await refused(Object.keys(condition).join(), copy(condition), '412 PreconditionFailed');
    // The API Reference documents that S3 copies in this case, although the second condition is false.
    await copy({ CopySourceIfMatch: ETag, CopySourceIfUnmodifiedSince: past });
  },
);

export const aCopyOfAMultipartObjectHasOnePart = behaviour(
  'CopyObject writes a multipart object as one piece, and the ETag of the copy is the MD5 of its bytes.',
  COPY,
  async (context) => {
    const Bucket = await context.bucket('never');
    const [source, Key] = [context.key('source'), context.key('copy')];
    const { ETag } = await uploadInParts(context, { Bucket, Key: source }, [
      { partNumber: 1, body: 'content' },
    ]);
    same('the source has a part count', ETag?.endsWith('-1"'), true);
    const done = await context.s3.send(
      new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${source}` }),
    );
    same('ETag', done.CopyObjectResult?.ETag, `"${hash('md5', 'content', 'hex')}"`);
  },
);

const startPartCopies = async (context: Context) => {
  const { s3 } = context;
  const { Bucket, CopySource, ETag } = await prepare(context);
  const Key = context.key('parts');
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const copyPart = (more: object) =>
    s3.send(new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber: 1, CopySource, ...more }));
  const complete = (partEtag: string | undefined) =>
    s3.send(
      new CompleteMultipartUploadCommand({
        Bucket,
        Key,
        UploadId,
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag: partEtag }] },
      }),
    );
  return { Bucket, Key, ETag, copyPart, complete };
};

export const aPartMayBeACopiedRange = behaviour(
  'UploadPartCopy creates a part from a range of another object and does not copy the metadata of that object.',
  PART_COPY,
  async (context) => {
    const { Bucket, Key, copyPart, complete } = await startPartCopies(context);
    const done = await copyPart({ CopySourceRange: 'bytes=3-5' });
    same('ETag', done.CopyPartResult?.ETag, `"${hash('md5', 'ten', 'hex')}"`);
    await complete(done.CopyPartResult?.ETag);
    same('body', await context.read(Bucket, Key), 'ten');
    const head = await context.s3.send(new HeadObjectCommand({ Bucket, Key }));
    same('metadata', head.Metadata, {});
  },
);

export const aPartMayBeAWholeCopiedObject = behaviour(
  'UploadPartCopy without a range copies the whole source.',
  PART_COPY,
  async (context) => {
    const { Bucket, Key, copyPart, complete } = await startPartCopies(context);
    await complete((await copyPart({})).CopyPartResult?.ETag);
    same('body', await context.read(Bucket, Key), 'content');
  },
);

export const aCopiedRangeMustBeInsideTheSource = behaviour(
  'UploadPartCopy rejects a range that ends beyond the source or has no end with 400 InvalidArgument.',
  PART_COPY,
  async (context) => {
    const { copyPart } = await startPartCopies(context);
    await refused('beyond', copyPart({ CopySourceRange: 'bytes=3-7' }), '400 InvalidArgument');
    await refused('open', copyPart({ CopySourceRange: 'bytes=3-' }), '400 InvalidArgument');
  },
);

export const copiedPartsTakeConditions = behaviour(
  'UploadPartCopy fails with 412 PreconditionFailed if a copy-source condition fails.',
  PART_COPY,
  async (context) => {
    const { ETag, copyPart } = await startPartCopies(context);
    await copyPart({ CopySourceIfMatch: ETag });
    await refused('If-None-Match', copyPart({ CopySourceIfNoneMatch: ETag }), '412 PreconditionFailed');
  },
);
