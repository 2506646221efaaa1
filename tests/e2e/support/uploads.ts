import {
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandOutput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { Stage } from './stage.ts';

type UploadOptions = Omit<CreateMultipartUploadCommandInput, 'Bucket' | 'Key'>;

/** A multipart upload by the owner of the source account, a part for each body. */
export const putParts = async (
  stage: Stage,
  bucket: string,
  key: string,
  bodies: Uint8Array[],
  options: UploadOptions = {},
): Promise<CompleteMultipartUploadCommandOutput> => {
  const s3 = stage.source.s3();
  const where = { Bucket: bucket, Key: key };
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...where, ...options }));
  const { ChecksumAlgorithm } = options;
  const parts = [];
  for (const [index, Body] of bodies.entries()) {
    const part = { ...where, UploadId, PartNumber: index + 1, Body };
    const answer = await s3.send(
      new UploadPartCommand({ ...part, ...(ChecksumAlgorithm === undefined ? {} : { ChecksumAlgorithm }) }),
    );
    const { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 } = answer;
    const checksums = { ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 };
    parts.push({ PartNumber: index + 1, ETag, ...checksums });
  }
  return s3.send(
    new CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload: { Parts: parts } }),
  );
};
