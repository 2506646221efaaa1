/** Performs a whole multipart upload, for behaviours that examine only the finished object. */
import {
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  type CompleteMultipartUploadCommandOutput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import type { Context } from './context.ts';

/** Minimum size of each part except the last one. */
export const PART_BYTES = 5 * 1024 * 1024;

export interface Part {
  partNumber: number;
  body: string;
}

export interface UploadOptions {
  create?: Partial<CreateMultipartUploadCommandInput>;
  complete?: Partial<CompleteMultipartUploadCommandInput>;
}

export const uploadInParts = async (
  { s3 }: Context,
  { Bucket, Key }: { Bucket: string; Key: string },
  parts: readonly Part[],
  { create, complete }: UploadOptions = {},
): Promise<CompleteMultipartUploadCommandOutput & { completed: CompletedPart[] }> => {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...create }));
  const completed: CompletedPart[] = [];
  for (const { partNumber, body } of parts) {
    const { $metadata: _, ...answer } = await s3.send(
      new UploadPartCommand({
        Bucket,
        Key,
        UploadId,
        PartNumber: partNumber,
        Body: body,
        ...(create?.ChecksumAlgorithm && { ChecksumAlgorithm: create.ChecksumAlgorithm }),
      }),
    );
    const checksums = create?.ChecksumAlgorithm === undefined ? {} : checksumsOf(answer);
    completed.push({ ...checksums, PartNumber: partNumber, ETag: answer.ETag });
  }
  const done = await s3.send(
    new CompleteMultipartUploadCommand({
      Bucket,
      Key,
      UploadId,
      MultipartUpload: { Parts: completed },
      ...complete,
    }),
  );
  return { ...done, completed };
};

const checksumsOf = (answer: Omit<CompletedPart, 'PartNumber' | 'ETag'>): CompletedPart => {
  const { ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 } = answer;
  return { ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 };
};
