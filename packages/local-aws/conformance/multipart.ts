/** Behaviours of multipart uploads. */
import { hash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import { present, refused, same } from './difference.ts';
import { PART_BYTES, uploadInParts } from './upload-in-parts.ts';
import { startUpload } from './started-upload.ts';

export const partsBecomeOneObject = behaviour(
  'CompleteMultipartUpload joins the parts by part number, and the ETag is the MD5 of their MD5s followed by the parts count.',
  s3Guide('mpuoverview'),
  async (context) => {
    const { bucket, key, read, s3 } = context;
    const Bucket = await bucket('Enabled');
    const Key = key();
    const [first, last] = ['a'.repeat(PART_BYTES), 'the end'];
    const done = await uploadInParts(context, { Bucket, Key }, [
      { partNumber: 2, body: first },
      { partNumber: 10_000, body: last },
    ]);
    const md5s = [first, last].map((body) => hash('md5', body, 'buffer'));
    const etag = `"${hash('md5', Buffer.concat(md5s), 'hex')}-2"`;
    same('ETag of CompleteMultipartUpload', done.ETag, etag);
    present('version id', done.VersionId);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    same('HEAD', [head.ETag, head.ContentLength], [etag, PART_BYTES + 7]);
    const seam = await read(Bucket, Key, { Range: `bytes=${PART_BYTES - 2}-` });
    same('bytes around the seam', seam, 'aathe end');
  },
);

export const nothingIsThereBeforeCompletion = behaviour(
  'GetObject fails with 404 NoSuchKey until a multipart upload of the key is completed.',
  s3Guide('mpuoverview'),
  async (context) => {
    const upload = await startUpload(context);
    const part = await upload.part(1, 'content');
    await refused('GET', context.read(upload.Bucket, upload.Key), '404 NoSuchKey');
    await upload.complete([part]);
    same('body', await context.read(upload.Bucket, upload.Key), 'content');
  },
);

export const aPartUploadedAgainReplacesTheFirst = behaviour(
  'UploadPart with the number of an earlier part replaces that part, and CompleteMultipartUpload rejects the old ETag with 400 InvalidPart.',
  s3Api('API_UploadPart'),
  async (context) => {
    const upload = await startUpload(context);
    const first = await upload.part(1, 'first');
    const second = await upload.part(1, 'second');
    await refused('the first ETag', upload.complete([first]), '400 InvalidPart');
    await upload.complete([second]);
    same('body', await context.read(upload.Bucket, upload.Key), 'second');
  },
);

export const anAbortedUploadIsGone = behaviour(
  'UploadPart, CompleteMultipartUpload and ListParts fail with 404 NoSuchUpload after AbortMultipartUpload.',
  s3Api('API_AbortMultipartUpload'),
  async (context) => {
    const { s3 } = context;
    const upload = await startUpload(context);
    const { Bucket, Key, UploadId } = upload;
    const part = await upload.part(1, 'content');
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    await refused('UploadPart', upload.part(2, 'more'), '404 NoSuchUpload');
    await refused('Complete', upload.complete([part]), '404 NoSuchUpload');
    const list = s3.send(new ListPartsCommand({ Bucket, Key, UploadId }));
    await refused('ListParts', list, '404 NoSuchUpload');
  },
);

export const partNumbersEndAt10000 = behaviour(
  'UploadPart accepts part numbers from 1 to 10,000 and rejects others with 400 InvalidArgument.',
  s3Guide('qfacts'),
  async (context) => {
    const upload = await startUpload(context);
    for (const partNumber of [0, 10_001])
      await refused(`part ${partNumber}`, upload.part(partNumber, 'content'), '400 InvalidArgument');
    await upload.complete([await upload.part(10_000, 'content')]);
  },
);

export const partsAreListedInPages = behaviour(
  'ListParts returns parts in pages, ordered by part number.',
  s3Api('API_ListParts'),
  async (context) => {
    const upload = await startUpload(context);
    const { Bucket, Key, UploadId } = upload;
    for (const partNumber of [9, 1, 5]) await upload.part(partNumber, `part ${partNumber}`);
    const list = (PartNumberMarker?: string) =>
      context.s3.send(
        new ListPartsCommand({
          Bucket,
          Key,
          UploadId,
          MaxParts: 2,
          ...(PartNumberMarker && { PartNumberMarker }),
        }),
      );
    const first = await list();
    same(
      'first page',
      first.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size]),
      [
        [1, 6],
        [5, 6],
      ],
    );
    same('truncated', [first.IsTruncated, first.NextPartNumberMarker], [true, '5']);
    const second = await list(first.NextPartNumberMarker);
    same(
      'second page',
      second.Parts?.map(({ PartNumber, ETag }) => [PartNumber, ETag]),
      [[9, `"${hash('md5', 'part 9', 'hex')}"`]],
    );
    same('truncated', second.IsTruncated, false);
  },
);

export const uploadsAreListed = behaviour(
  'ListMultipartUploads returns uploads in progress in pages, ordered by key.',
  s3Api('API_ListMultipartUploads'),
  async ({ freshBucket, s3 }) => {
    const Bucket = await freshBucket('never');
    const begun: string[] = [];
    for (const Key of ['b', 'a', 'a', 'c/d']) {
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      begun.push(`${Key} ${UploadId}`);
    }
    const seen: string[] = [];
    let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
    for (let page = 0; page < 4; page++) {
      const list = await s3.send(new ListMultipartUploadsCommand({ Bucket, MaxUploads: 1, ...markers }));
      seen.push(...(list.Uploads ?? []).map(({ Key, UploadId }) => `${Key} ${UploadId}`));
      if (list.IsTruncated !== true) break;
      markers = { KeyMarker: list.NextKeyMarker, UploadIdMarker: list.NextUploadIdMarker };
    }
    same('keys in order', seen.map((one) => one.split(' ')[0]).join(), 'a,a,b,c/d');
    same('every upload once', seen.toSorted(), begun.toSorted());
    const folded = await s3.send(new ListMultipartUploadsCommand({ Bucket, Delimiter: '/' }));
    same(
      'common prefixes',
      folded.CommonPrefixes?.map(({ Prefix }) => Prefix),
      ['c/'],
    );
  },
);

export const foldedUploadsAreListedInPages = behaviour(
  'A page of ListMultipartUploads that ends with a common prefix names it as NextKeyMarker, and the listing continues after it.',
  s3Api('API_ListMultipartUploads'),
  async ({ freshBucket, s3 }) => {
    const Bucket = await freshBucket('never');
    for (const Key of ['a/1', 'a/2', 'b/1', 'c'])
      await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const seen: (string | undefined)[] = [];
    let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
    for (let page = 0; page < 5; page++) {
      const list = await s3.send(
        new ListMultipartUploadsCommand({ Bucket, Delimiter: '/', MaxUploads: 1, ...markers }),
      );
      seen.push(...(list.CommonPrefixes ?? []).map(({ Prefix }) => Prefix));
      seen.push(...(list.Uploads ?? []).map(({ Key }) => Key));
      if (list.IsTruncated !== true) break;
      markers = { KeyMarker: list.NextKeyMarker, UploadIdMarker: list.NextUploadIdMarker || undefined };
    }
    same('listed', seen, ['a/', 'b/', 'c']);
  },
);

export const metadataGoesWithTheCreation = behaviour(
  'CreateMultipartUpload determines the metadata and content headers of the completed object.',
  s3Api('API_CreateMultipartUpload'),
  async (context) => {
    const { bucket, key, s3 } = context;
    const Bucket = await bucket('never');
    const Key = key();
    await uploadInParts(context, { Bucket, Key }, [{ partNumber: 1, body: 'content' }], {
      create: {
        Metadata: { color: 'blue' },
        ContentType: 'text/x-odd',
        CacheControl: 'no-store',
        Tagging: 'a=1',
      },
    });
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    same(
      'HEAD',
      [head.Metadata, head.ContentType, head.CacheControl],
      [{ color: 'blue' }, 'text/x-odd', 'no-store'],
    );
  },
);
