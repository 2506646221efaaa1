/** Copies inside S3 as the replicator makes them: under conditions, of a given version, and part by part. */
import {
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CopyObjectCommand,
  type CopyObjectCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import type { Context } from './context.ts';
import { matches, oneOf, refused, same } from './difference.ts';
import { PART_BYTES, uploadInParts } from './upload-in-parts.ts';

const COPY = s3Api('API_CopyObject');
const PART_COPY = s3Api('API_UploadPartCopy');
const WRITES = s3Guide('conditional-writes');
const OTHER_ETAG = '"00000000000000000000000000000000"';

/**
 * Writes a source and chooses a key without an object. The returned `copy` copies the source to that key,
 * under a condition if one is given.
 */
const prepare = async ({ bucket, key, put, s3 }: Context) => {
  const Bucket = await bucket('Enabled');
  const [source, Key] = [key('source'), key('copy')];
  const { ETag, VersionId } = await put(Bucket, source, 'content');
  const copy = (more: Partial<CopyObjectCommandInput> = {}) =>
    s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${source}`, ...more }));
  return { Bucket, source, Key, ETag, VersionId, copy };
};

export const aConditionalCopyReplacesWhatItExpects = behaviour(
  'CopyObject with If-Match replaces the object that has this ETag, and fails with 404 NoSuchKey if the key has no object or a delete marker.',
  WRITES,
  async (context) => {
    const { Bucket, Key, copy } = await prepare(context);
    const { ETag } = await context.put(Bucket, Key, 'before');
    await copy({ IfMatch: ETag });
    same('body', await context.read(Bucket, Key), 'content');
    await context.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await refused('over a marker', copy({ IfMatch: ETag }), '404 NoSuchKey');
    await refused('of nothing', copy({ Key: context.key('none'), IfMatch: ETag }), '404 NoSuchKey');
  },
);

export const aCopyMayBringAnObjectBack = behaviour(
  'CopyObject with If-None-Match: * succeeds if the current version at the destination is a delete marker.',
  WRITES,
  async (context) => {
    const { Bucket, Key, copy } = await prepare(context);
    await context.put(Bucket, Key, 'before');
    await context.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await copy({ IfNoneMatch: '*' });
    same('body', await context.read(Bucket, Key), 'content');
  },
);

export const aRefusedCopyChangesNothing = behaviour(
  'CopyObject with a failing condition leaves the object unchanged and creates no version.',
  COPY,
  async (context) => {
    const { Bucket, Key, ETag, copy } = await prepare(context);
    const { VersionId } = await context.put(Bucket, Key, 'before');
    await refused('If-None-Match', copy({ IfNoneMatch: '*' }), '412 PreconditionFailed');
    await refused('If-Match', copy({ IfMatch: OTHER_ETAG }), '412 PreconditionFailed');
    const both = copy({ IfNoneMatch: '*', CopySourceIfMatch: ETag });
    await refused('beside one for the source', both, '412 PreconditionFailed');
    const now = await context.s3.send(new HeadObjectCommand({ Bucket, Key }));
    same('version', now.VersionId, VersionId);
  },
);

export const ofConcurrentCopiesOneWins = behaviour(
  'Exactly one of several concurrent CopyObject calls with If-None-Match: * succeeds, and the others fail with 412 or 409.',
  WRITES,
  async (context) => {
    const { copy } = await prepare(context);
    const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map(() => copy({ IfNoneMatch: '*' })));
    same('winners', outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        oneOf('refusal', (outcome.reason as Error).name, [
          'PreconditionFailed',
          'ConditionalRequestConflict',
        ]);
  },
);

export const aRedirectIsNotCopied = behaviour(
  'CopyObject never copies the website redirect, which only the request can set, with any metadata directive.',
  COPY,
  async (context) => {
    const { Bucket, source, Key, copy } = await prepare(context);
    const redirect = { WebsiteRedirectLocation: '/elsewhere' };
    await context.put(Bucket, source, 'content', redirect);
    const head = () => context.s3.send(new HeadObjectCommand({ Bucket, Key }));
    await copy();
    same('copied', (await head()).WebsiteRedirectLocation, undefined);
    await copy({ ...redirect, MetadataDirective: 'REPLACE' });
    same('given', (await head()).WebsiteRedirectLocation, '/elsewhere');
  },
);

/** The byte ranges of the two parts of a source that is slightly larger than 5 MiB. */
const RANGES = [`bytes=0-${PART_BYTES - 1}`, `bytes=${PART_BYTES}-${PART_BYTES + 4}`];

const copyInParts = async (
  { s3 }: Context,
  { Bucket, Key, CopySource }: { Bucket: string; Key: string; CopySource: string },
  create: Partial<CreateMultipartUploadCommandInput> = {},
) => {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...create }));
  const Parts: CompletedPart[] = [];
  for (const [index, CopySourceRange] of RANGES.entries()) {
    const PartNumber = index + 1;
    const part = { Bucket, Key, UploadId, PartNumber, CopySource, CopySourceRange };
    Parts.push({ PartNumber, ...(await s3.send(new UploadPartCopyCommand(part))).CopyPartResult });
  }
  const complete = { Bucket, Key, UploadId, MultipartUpload: { Parts } };
  const done = await s3.send(new CompleteMultipartUploadCommand(complete));
  return { done, Parts };
};

const upload = async (context: Context, create: Partial<CreateMultipartUploadCommandInput> = {}) => {
  const Bucket = await context.bucket('Enabled');
  const source = context.key('source');
  const parts = ['x'.repeat(PART_BYTES), 'piece'].map((body, index) => ({ partNumber: index + 1, body }));
  const { ETag, VersionId } = await uploadInParts(context, { Bucket, Key: source }, parts, { create });
  return { Bucket, source, ETag, VersionId };
};

export const copiedPartsKeepTheEtag = behaviour(
  'UploadPartCopy with the part boundaries of the source results in an object with the same ETag.',
  PART_COPY,
  async (context) => {
    const { Bucket, source, ETag } = await upload(context);
    const { done } = await copyInParts(context, {
      Bucket,
      Key: context.key('copy'),
      CopySource: `${Bucket}/${source}`,
    });
    same('ETag', done.ETag, ETag);
  },
);

export const copiedPartsHaveTheChecksumOfTheUpload = behaviour(
  'UploadPartCopy returns the checksum of each part, and the completed copy has the same composite checksum as its source.',
  s3Guide('checking-object-integrity'),
  async (context) => {
    const checksum = { ChecksumAlgorithm: 'SHA256' } as const;
    const { Bucket, source } = await upload(context, checksum);
    const Key = context.key('copy');
    const { Parts } = await copyInParts(
      context,
      { Bucket, Key, CopySource: `${Bucket}/${source}` },
      checksum,
    );
    for (const part of Parts) matches('ChecksumSHA256', part.ChecksumSHA256, /^[\w+/]{43}=$/);
    const stored = async (name: string) => {
      const head = new HeadObjectCommand({ Bucket, Key: name, ChecksumMode: 'ENABLED' });
      const { ChecksumSHA256, ChecksumType } = await context.s3.send(head);
      return { ChecksumSHA256, ChecksumType };
    };
    same('checksum', await stored(Key), await stored(source));
  },
);

export const aPartIsCopiedFromAnOlderVersion = behaviour(
  'UploadPartCopy copies an older version if CopySourceIfMatch is the ETag of that version, and fails with 412 for the ETag of another.',
  PART_COPY,
  async (context) => {
    const { Bucket, source, Key, ETag, VersionId } = await prepare(context);
    const newer = await context.put(Bucket, source, 'newer content');
    const { UploadId } = await context.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const CopySource = `${Bucket}/${source}?versionId=${VersionId}`;
    const copyPart = (CopySourceIfMatch: string | undefined) =>
      context.s3.send(
        new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber: 1, CopySource, CopySourceIfMatch }),
      );
    const done = await copyPart(ETag);
    same('ETag', done.CopyPartResult?.ETag, ETag);
    same('CopySourceVersionId', done.CopySourceVersionId, VersionId);
    await refused('ETag of another version', copyPart(newer.ETag), '412 PreconditionFailed');
  },
);

export const uploadsNameTheirInitiator = behaviour(
  'ListParts and ListMultipartUploads name the same initiator of an upload.',
  s3Api('API_Initiator'),
  async ({ bucket, key, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const parts = await s3.send(new ListPartsCommand({ Bucket, Key, UploadId }));
    const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
    matches('ID', parts.Initiator?.ID, /^([0-9a-f]{64}|arn:[\w-]+:(iam|sts)::\d{12}:.+)$/);
    same('of the list of uploads', Uploads?.[0]?.Initiator?.ID, parts.Initiator?.ID);
  },
);
