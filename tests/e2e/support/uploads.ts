import {
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandOutput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  PutObjectCommand,
  type PutObjectCommandInput,
  type PutObjectCommandOutput,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { Account } from '../../../demo/account.ts';

type PutOptions = Omit<PutObjectCommandInput, 'Bucket' | 'Key' | 'Body'>;
type UploadOptions = Omit<CreateMultipartUploadCommandInput, 'Bucket' | 'Key'>;

/** Uploads to source buckets, with the rights of the source account. */
export interface Uploads {
  put(
    bucket: string,
    key: string,
    body: Uint8Array | string,
    options?: PutOptions,
  ): Promise<PutObjectCommandOutput>;
  /** Uploads an object in parts, one for each body. */
  putParts(
    bucket: string,
    key: string,
    bodies: Uint8Array[],
    options?: UploadOptions,
  ): Promise<CompleteMultipartUploadCommandOutput>;
}

export const createUploads = (source: Account): Uploads => ({
  put: (bucket, key, body, options = {}) =>
    source.s3().send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: body,
        ContentLength: Buffer.byteLength(body),
        ...options,
      }),
    ),
  async putParts(bucket, key, bodies, options = {}) {
    const s3 = source.s3();
    const where = { Bucket: bucket, Key: key };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...where, ...options }));
    const { ChecksumAlgorithm } = options;
    const parts = [];
    for (const [index, Body] of bodies.entries()) {
      const part = { ...where, UploadId, PartNumber: index + 1, Body };
      const answer = await s3.send(
        new UploadPartCommand({ ...part, ...(ChecksumAlgorithm === undefined ? {} : { ChecksumAlgorithm }) }),
      );
      const { ETag, $metadata: _metadata, ServerSideEncryption: _encryption, ...checksums } = answer;
      // The completion may repeat a checksum only if the checksum was declared when the upload was created.
      parts.push({ PartNumber: index + 1, ETag, ...(ChecksumAlgorithm === undefined ? {} : checksums) });
    }
    return s3.send(
      new CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload: { Parts: parts } }),
    );
  },
});
