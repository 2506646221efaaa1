/** Several ways to move 1 GiB to or from a server. Some use the AWS SDK, and others use a bare client whose own cost is negligible. */
import { createReadStream } from 'node:fs';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { LOCAL_BUCKET } from './local-s3-server.ts';
import type { PlainClient } from './plain-client.ts';

const MIB = 1024 ** 2;
export const GIB = 1024 ** 3;
const PART_BYTES = 16 * MIB;
export const PARTS = GIB / PART_BYTES;
const CONCURRENCY = 4;

/** A server that is measured. */
export interface Server {
  client: PlainClient;
  sdk: S3Client;
  /** A file of 1 GiB. */
  file: string;
  /** The URL of the bucket. */
  base: string;
  /** Returns a new key. The discarding server treats this key as an object of `sizeBytes` bytes. */
  key(sizeBytes: number): string;
}

export type Work = (server: Server, key: string) => Promise<void>;

export const putFile: Work = async ({ sdk, file }, Key) => {
  await sdk.send(new PutObjectCommand({ Bucket: LOCAL_BUCKET, Key, Body: createReadStream(file) }));
};

export const uploadFile: Work = async ({ sdk: client, file }, Key) => {
  const params = { Bucket: LOCAL_BUCKET, Key, Body: createReadStream(file) };
  await new Upload({ client, params, partSize: PART_BYTES, queueSize: CONCURRENCY }).done();
};

export const putWhole: Work = async ({ client, base }, key) => {
  await client.send('PUT', `${base}/${key}`, { bodyBytes: GIB, headers: UNSIGNED });
};

export const putParts: Work = async ({ client, base }, key) => {
  const url = `${base}/${key}`;
  const created = await client.send('POST', `${url}?uploads`);
  const uploadId = /<UploadId>([^<]+)</.exec(created.text)?.[1] ?? '';
  const numbers = Array.from({ length: PARTS }, (_, index) => index + 1);
  const parts = await concurrently(numbers, async (number) => {
    const { etag } = await client.send('PUT', `${url}?partNumber=${number}&uploadId=${uploadId}`, {
      bodyBytes: PART_BYTES,
      headers: UNSIGNED,
    });
    return `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`;
  });
  const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
  await client.send('POST', `${url}?uploadId=${uploadId}`, { body });
};

export const getWhole: Work = async ({ client, base }, key) => {
  expectBytes((await client.send('GET', `${base}/${key}`)).receivedBytes, GIB);
};

export const getRanges: Work = async ({ client, base }, key) => {
  const starts = Array.from({ length: PARTS }, (_, index) => index * PART_BYTES);
  await concurrently(starts, async (start) => {
    const range = `bytes=${start}-${start + PART_BYTES - 1}`;
    const { receivedBytes } = await client.send('GET', `${base}/${key}`, { headers: { range } });
    expectBytes(receivedBytes, PART_BYTES);
  });
};

export const UNSIGNED = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };

/** Throws if a body is incomplete. Without this check, an incomplete body would be measured as a fast download. */
const expectBytes = (receivedBytes: number, expectedBytes: number): void => {
  if (receivedBytes !== expectedBytes)
    throw new Error(`received ${receivedBytes} bytes instead of ${expectedBytes}`);
};

/** Does the work for all items, at most `limit` at once. Returns the results in the order of the items. */
export const concurrently = async <T, R>(
  items: T[],
  work: (item: T) => Promise<R>,
  limit = CONCURRENCY,
): Promise<R[]> => {
  const results: R[] = [];
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      const item = items[index];
      if (item !== undefined) results[index] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: limit }, run));
  return results;
};
