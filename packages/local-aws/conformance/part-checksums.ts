/** Additional checksums of multipart objects and of their parts. */
import { hash } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  type GetObjectAttributesCommandOutput,
  HeadObjectCommand,
} from '@aws-sdk/client-s3';
import { base64Crc32 } from './base64-crc32.ts';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import { refused, same } from './difference.ts';
import { PART_BYTES, uploadInParts } from './upload-in-parts.ts';
import { INTEGRITY, head } from './head-with-checksum.ts';

/** The two parts that the behaviours below upload. */
const PARTS = [
  { partNumber: 1, body: 'a'.repeat(PART_BYTES) },
  { partNumber: 2, body: 'the end' },
] as const;

export const compositeChecksumsAreHashesOfHashes = behaviour(
  'A multipart object with SHA-256 has a composite checksum, which is the hash of the parts’ hashes, and each part keeps its own checksum.',
  INTEGRITY,
  async (context) => {
    const { bucket, key, s3 } = context;
    const Bucket = await bucket('never');
    const Key = key();
    const create = { ChecksumAlgorithm: 'SHA256' } as const;
    const done = await uploadInParts(context, { Bucket, Key }, PARTS, { create });
    const hashes = PARTS.map(({ body }) => hash('sha256', body, 'buffer'));
    const composite = `${hash('sha256', Buffer.concat(hashes), 'base64')}-2`;
    same('CompleteMultipartUpload', [done.ChecksumSHA256, done.ChecksumType], [composite, 'COMPOSITE']);
    const stored = await head(s3, Bucket, Key);
    same('HEAD', [stored.ChecksumSHA256, stored.ChecksumType], [composite, 'COMPOSITE']);
    const attributes = await s3.send(
      new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ['ObjectParts', 'Checksum'] }),
    );
    same('GetObjectAttributes', describeParts(attributes), {
      count: 2,
      parts: PARTS.map(({ body, partNumber }, index) => [
        partNumber,
        body.length,
        hashes[index]?.toString('base64'),
      ]),
    });
  },
);

const describeParts = ({ ObjectParts }: GetObjectAttributesCommandOutput) => ({
  count: ObjectParts?.TotalPartsCount,
  parts: ObjectParts?.Parts?.map(({ PartNumber, Size, ChecksumSHA256 }) => [
    PartNumber,
    Size,
    ChecksumSHA256,
  ]),
});

export const aPartIsAnsweredWithItsOwnChecksum = behaviour(
  'HeadObject with a part number returns the checksum of that part if the object has a composite checksum.',
  INTEGRITY,
  async (context) => {
    const { bucket, key, s3 } = context;
    const Bucket = await bucket('never');
    const Key = key();
    await uploadInParts(context, { Bucket, Key }, PARTS, { create: { ChecksumAlgorithm: 'CRC32' } });
    const second = await s3.send(
      new HeadObjectCommand({ Bucket, Key, PartNumber: 2, ChecksumMode: 'ENABLED' }),
    );
    same('ChecksumCRC32', second.ChecksumCRC32, base64Crc32('the end'));
  },
);

export const fullObjectChecksumsAreVerifiedAtCompletion = behaviour(
  'CompleteMultipartUpload combines the full-object CRC32 from the parts, and fails with 400 BadDigest if the request expects another checksum.',
  INTEGRITY,
  async (context) => {
    const { bucket, key, s3 } = context;
    const Bucket = await bucket('never');
    const Key = key();
    const create = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;
    const expecting = (ChecksumCRC32: string) =>
      uploadInParts(context, { Bucket, Key }, PARTS, {
        create,
        complete: { ChecksumCRC32, ChecksumType: 'FULL_OBJECT' },
      });
    await refused('another', expecting(base64Crc32('the end')), '400 BadDigest');
    const whole = base64Crc32(PARTS.map(({ body }) => body).join(''));
    same('CompleteMultipartUpload', (await expecting(whole)).ChecksumCRC32, whole);
    const stored = await head(s3, Bucket, Key);
    same('HEAD', [stored.ChecksumCRC32, stored.ChecksumType], [whole, 'FULL_OBJECT']);
  },
);

export const hashesHaveNoFullObjectTypeInParts = behaviour(
  'CreateMultipartUpload rejects a full-object hash and a composite CRC64NVME with 400 InvalidRequest.',
  s3Guide('checking-object-integrity'),
  async (context) => {
    const { bucket, key } = context;
    const Bucket = await bucket('never');
    const pairs = [
      ['SHA256', 'FULL_OBJECT'],
      ['SHA1', 'FULL_OBJECT'],
      ['XXHASH3', 'FULL_OBJECT'],
      ['CRC64NVME', 'COMPOSITE'],
    ] as const;
    for (const [ChecksumAlgorithm, ChecksumType] of pairs)
      await refused(
        `${ChecksumAlgorithm} ${ChecksumType}`,
        uploadInParts(context, { Bucket, Key: key() }, [], { create: { ChecksumAlgorithm, ChecksumType } }),
        '400 InvalidRequest',
      );
  },
);

export const undeclaredChecksumsAreNotRepeated = behaviour(
  'CompleteMultipartUpload fails with 400 InvalidPart if it repeats the CRC64NVME of a part although the upload was created without an algorithm.',
  s3Api('API_CompleteMultipartUpload'),
  async (context) => {
    const { bucket, key, raw, s3 } = context;
    const target = { Bucket: await bucket('never'), Key: key() };
    const { UploadId = '' } = await s3.send(new CreateMultipartUploadCommand(target));
    const query = { partNumber: '1', uploadId: UploadId };
    const part = await raw('PUT', { bucket: target.Bucket, key: target.Key, query, body: 'content' });
    const ChecksumCRC64NVME = String(part.headers['x-amz-checksum-crc64nvme']);
    const complete = (checksum: object) => {
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.headers.etag, ...checksum }] };
      return s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }));
    };
    await refused('with the checksum', complete({ ChecksumCRC64NVME }), '400 InvalidPart');
    await complete({});
  },
);

export const partsWithChecksumsAreConsecutive = behaviour(
  'CompleteMultipartUpload fails with 400 InvalidPartOrder if parts with additional checksums are not numbered consecutively from 1.',
  s3Api('API_CompletedPart'),
  async (context) => {
    const { bucket, key } = context;
    const Bucket = await bucket('never');
    const create = { ChecksumAlgorithm: 'SHA256' } as const;
    const upload = uploadInParts(context, { Bucket, Key: key() }, [{ partNumber: 2, body: 'alone' }], {
      create,
    });
    await refused('part 2 alone', upload, '400 InvalidPartOrder');
  },
);
