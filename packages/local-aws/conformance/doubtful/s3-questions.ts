/** Questions about checksums of uploads in parts. */
import { Readable } from 'node:stream';
import {
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  HeadObjectCommand,
  PutObjectLockConfigurationCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { Context } from '../context.ts';
import { type Question, refusal } from './question.ts';

/**
 * Returns a new bucket whose objects are retained by default. The mode is governance, so that the run can remove the objects at its end.
 */
const retainingBucket = async ({ freshBucket, s3 }: Context): Promise<string> => {
  const Bucket = await freshBucket('locked');
  const DefaultRetention = { Mode: 'GOVERNANCE', Days: 1 } as const;
  const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention } } as const;
  await s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
  return Bucket;
};

const begin = async (
  { s3, key }: Context,
  Bucket: string,
  more: Partial<CreateMultipartUploadCommandInput> = {},
) => {
  const Key = key();
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }));
  return { Bucket, Key, UploadId };
};

/** The CRC64NVME of `123456789`, which is the check value of the algorithm. */
const CHECKED = { body: '123456789', crc64nvme: 'rosUhgp5mIg=' };

const trailerOnlyPart: Question = {
  name: 'trailerOnlyPart',
  question: 'Does UploadPart take a checksum in the trailer where the bucket has a default retention?',
  needsStack: false,
  ask: async ({ context }) => {
    const upload = await begin(context, await retainingBucket(context), { ChecksumAlgorithm: 'CRC32' });
    // Because the body is a stream, the SDK sends its checksum in the trailer.
    const part = {
      ...upload,
      PartNumber: 1,
      Body: Readable.from([CHECKED.body]),
      ContentLength: CHECKED.body.length,
    };
    const sent = context.s3.send(new UploadPartCommand({ ...part, ChecksumAlgorithm: 'CRC32' }));
    return await sent.then(() => 'yes, the part was taken', refusal);
  },
};

const copiedPartUnderRetention: Question = {
  name: 'copiedPartUnderRetention',
  question:
    'Does UploadPartCopy, which has no checksum header, work where the bucket has a default retention and the algorithm was declared?',
  needsStack: false,
  ask: async ({ context }) => {
    const Bucket = await retainingBucket(context);
    const source = { bucket: await context.bucket('never'), key: context.key('source') };
    await context.put(source.bucket, source.key, CHECKED.body);
    const upload = await begin(context, Bucket, { ChecksumAlgorithm: 'CRC64NVME' });
    const part = { ...upload, PartNumber: 1, CopySource: `${source.bucket}/${source.key}` };
    const sent = context.s3.send(new UploadPartCopyCommand(part));
    return await sent.then(
      ({ CopyPartResult }) => `yes, with the CRC64NVME ${CopyPartResult?.ChecksumCRC64NVME ?? 'missing'}`,
      refusal,
    );
  },
};

const undeclaredChecksum: Question = {
  name: 'undeclaredChecksum',
  question:
    'Does CompleteMultipartUpload take a full-object CRC64NVME that CreateMultipartUpload did not declare?',
  needsStack: false,
  ask: async ({ context }) => {
    const { s3 } = context;
    const complete = async (more: Partial<CompleteMultipartUploadCommandInput>): Promise<string> => {
      const upload = await begin(context, await context.bucket('never'));
      const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: CHECKED.body }));
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
      const given = { ...upload, MultipartUpload, ChecksumType: 'FULL_OBJECT' as const, ...more };
      const sent = s3.send(new CompleteMultipartUploadCommand(given));
      return await sent.then(async () => {
        const head = await s3.send(new HeadObjectCommand({ ...upload, ChecksumMode: 'ENABLED' }));
        return `taken (HEAD shows CRC64NVME ${head.ChecksumCRC64NVME ?? 'none'})`;
      }, refusal);
    };
    const right = await complete({ ChecksumCRC64NVME: CHECKED.crc64nvme });
    const wrong = await complete({ ChecksumCRC64NVME: 'AAAAAAAAAAA=' });
    return `the right value: ${right}; a wrong value: ${wrong}`;
  },
};

export const s3Questions: readonly Question[] = [
  trailerOnlyPart,
  copiedPartUnderRetention,
  undeclaredChecksum,
];
