/** Begins a multipart upload, for behaviours about the parts of an upload and about its completion. */
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { Context } from './context.ts';

export interface Upload {
  Bucket: string;
  Key: string;
  UploadId: string;
  part(partNumber: number, body: string): Promise<CompletedPart>;
  complete(parts: CompletedPart[], more?: object): Promise<{ ETag?: string | undefined }>;
}

export const startUpload = async ({ bucket, key, s3 }: Context, more: object = {}): Promise<Upload> => {
  const target = { Bucket: await bucket('never'), Key: key() };
  const { UploadId = '' } = await s3.send(new CreateMultipartUploadCommand({ ...target, ...more }));
  const upload = { ...target, UploadId };
  return {
    ...upload,
    async part(PartNumber, Body) {
      const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
      return { PartNumber, ETag };
    },
    complete: (Parts, fields) =>
      s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...fields })),
  };
};
