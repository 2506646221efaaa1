/** Uploads the objects of the demo in the same way as any other program would. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart, S3Client } from '@aws-sdk/client-s3';
import { generatedStream } from './generated-bytes.ts';
import { contentOf, seedOf } from './objects.ts';
import type { DemoObject } from './objects.ts';

const PARTS_AT_ONCE = 4;

/**
 * Uploads an object. `onBytes` is called after each PUT or part with the number of bytes that it stored. Resolves when S3 has confirmed the
 * last write.
 */
export const upload = async (
  client: S3Client,
  object: DemoObject,
  onBytes: (bytes: number) => void,
): Promise<void> => {
  if (object.partSizesBytes !== null) return uploadParts(client, object, object.partSizesBytes, onBytes);
  for (let write = 1; write <= object.writes; write++) {
    const Body = contentOf(object, write);
    await client.send(new PutObjectCommand({ ...target(object), ...description(object), Body }));
    onBytes(object.sizeBytes);
  }
};

const uploadParts = async (
  client: S3Client,
  object: DemoObject,
  partSizesBytes: number[],
  onBytes: (bytes: number) => void,
): Promise<void> => {
  const created = await client.send(
    new CreateMultipartUploadCommand({ ...target(object), ...description(object) }),
  );
  const begun = { ...target(object), UploadId: created.UploadId };
  const pending = partsOf(partSizesBytes);
  const parts: CompletedPart[] = [];
  const work = async (): Promise<void> => {
    for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
      const { partNumber: PartNumber, offset, lengthBytes } = part;
      const Body = generatedStream({ seed: seedOf(object, 1), offset, lengthBytes });
      const request = { ...begun, PartNumber, Body, ContentLength: lengthBytes };
      const { ETag } = await client.send(new UploadPartCommand(request));
      parts.push({ PartNumber, ...(ETag !== undefined && { ETag }) });
      onBytes(lengthBytes);
    }
  };
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, work));
  parts.sort((a, b) => Number(a.PartNumber) - Number(b.PartNumber));
  await client.send(new CompleteMultipartUploadCommand({ ...begun, MultipartUpload: { Parts: parts } }));
};

interface PartRange {
  partNumber: number;
  offset: number;
  lengthBytes: number;
}

const partsOf = (sizesBytes: number[]): PartRange[] => {
  let offset = 0;
  return sizesBytes.map((lengthBytes, index) => {
    const part = { partNumber: index + 1, offset, lengthBytes };
    offset += lengthBytes;
    return part;
  });
};

const target = ({ bucket: Bucket, key: Key }: DemoObject) => ({ Bucket, Key });

const description = ({ headers, metadata: Metadata }: DemoObject) => ({ ...headers, Metadata });
