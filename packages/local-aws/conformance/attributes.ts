/** Behaviours of GetObjectAttributes. */
import { hash } from 'node:crypto';
import { DeleteObjectCommand, GetObjectAttributesCommand } from '@aws-sdk/client-s3';
import { behaviour, s3Api } from './behaviour.ts';
import { refused, same } from './difference.ts';
import { PART_BYTES, uploadInParts } from './upload-in-parts.ts';

const ATTRIBUTES = s3Api('API_GetObjectAttributes');

export const attributesShowChecksumEtagAndSize = behaviour(
  'GetObjectAttributes returns the checksum, the ETag without quotes, the size and the storage class of an object.',
  ATTRIBUTES,
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, '123456789', { ChecksumSHA256: hash('sha256', '123456789', 'base64') });
    const found = await s3.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key,
        ObjectAttributes: ['Checksum', 'ETag', 'ObjectSize', 'StorageClass', 'ObjectParts'],
      }),
    );
    same(
      'attributes',
      [found.Checksum, found.ETag, found.ObjectSize, found.StorageClass, found.ObjectParts],
      [
        { ChecksumSHA256: hash('sha256', '123456789', 'base64'), ChecksumType: 'FULL_OBJECT' },
        hash('md5', '123456789', 'hex'),
        9,
        'STANDARD',
        undefined,
      ],
    );
  },
);

export const attributesAreAskedForByName = behaviour(
  'GetObjectAttributes returns only the requested attributes of the requested version, and rejects an unknown attribute with 400 InvalidArgument.',
  ATTRIBUTES,
  async ({ bucket, key, put, raw, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    const { VersionId } = await put(Bucket, Key, '123456789');
    await put(Bucket, Key, 'newer');
    const { $metadata: _, ...found } = await s3.send(
      new GetObjectAttributesCommand({ Bucket, Key, VersionId, ObjectAttributes: ['ObjectSize'] }),
    );
    const { LastModified, ...rest } = found;
    same('answer', [rest, LastModified instanceof Date], [{ ObjectSize: 9, VersionId }, true]);
    const target = { bucket: Bucket, key: Key, query: { attributes: '' } };
    const odd = await raw('GET', { ...target, headers: { 'x-amz-object-attributes': 'Colour' } });
    same('no such attribute', `${odd.status} ${odd.code}`, '400 InvalidArgument');
    const missing = s3.send(
      new GetObjectAttributesCommand({ Bucket, Key: key(), ObjectAttributes: ['ETag'] }),
    );
    await refused('missing', missing, '404 NoSuchKey');
  },
);

export const attributesOfDeleteMarkersAreRefused = behaviour(
  'GetObjectAttributes of a delete marker by its version id fails with 405 MethodNotAllowed.',
  ATTRIBUTES,
  async ({ bucket, key, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    const { VersionId } = await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    const attempt = s3.send(
      new GetObjectAttributesCommand({ Bucket, Key, VersionId, ObjectAttributes: ['ETag'] }),
    );
    await refused('marker', attempt, '405 MethodNotAllowed');
  },
);

export const attributesPageThroughParts = behaviour(
  'GetObjectAttributes lists the parts in pages if they have checksums, and otherwise returns only their count.',
  ATTRIBUTES,
  async (context) => {
    const { bucket, key, s3 } = context;
    const Bucket = await bucket('never');
    const parts = [
      { partNumber: 1, body: 'x'.repeat(PART_BYTES) },
      { partNumber: 2, body: 'last' },
    ];
    const [listed, counted] = [key('listed'), key('counted')];
    await uploadInParts(context, { Bucket, Key: listed }, parts, { create: { ChecksumAlgorithm: 'SHA256' } });
    await uploadInParts(
      context,
      { Bucket, Key: counted },
      parts.slice(1).map(({ body }) => ({ partNumber: 1, body })),
    );
    const partsOf = async (Key: string, more: object) => {
      const ObjectAttributes = ['ObjectParts' as const];
      const found = await s3.send(new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes, ...more }));
      return found.ObjectParts;
    };
    const first = await partsOf(listed, { MaxParts: 1 });
    same('count', first?.TotalPartsCount, 2);
    const pageOf = (page: typeof first) => page?.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size]);
    same('first page', [pageOf(first), first?.IsTruncated], [[[1, PART_BYTES]], true]);
    const second = await partsOf(listed, { PartNumberMarker: first?.NextPartNumberMarker });
    same('second page', [pageOf(second), second?.IsTruncated], [[[2, 4]], false]);
    const other = await partsOf(counted, {});
    same('without checksums of parts', [other?.TotalPartsCount, other?.Parts], [1, undefined]);
  },
);
