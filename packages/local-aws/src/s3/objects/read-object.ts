/** Lets other services of the local AWS read an object without an HTTP request. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { Caller } from '../../core/access.ts';
import type { AwsRequest } from '../../core/request.ts';
import { readContent, releaseContent, retainContent } from '../storage/content.ts';
import { S3Error } from '../errors.ts';
import { getObject } from './get-object.ts';
import { parseRequest } from '../protocol/request.ts';
import type { S3State } from '../model/state.ts';

export interface ObjectName {
  bucket: string;
  key: string;
  versionId?: string | undefined;
}

/** Reads the whole object with the permissions of `caller`. Throws {@link S3Error}. */
export const readObject = async (
  state: S3State,
  caller: Caller,
  { bucket: bucketName, key, versionId }: ObjectName,
): Promise<Buffer> => {
  const bucket = state.buckets.get(bucketName);
  if (bucket === undefined) throw new S3Error('NoSuchBucket', { elements: { BucketName: bucketName } });
  const aws: AwsRequest = {
    service: 's3',
    region: bucket.region,
    method: 'GET',
    path: `/${bucketName}/${encodeURIComponent(key)}`,
    query: versionId === undefined ? '' : `versionId=${encodeURIComponent(versionId)}`,
    headers: {},
    body: Readable.from([]),
    caller,
    secureTransport: true,
    requestId: '',
    sourceIp: '127.0.0.1',
  };
  // `getObject` requires a response object, but writes nothing to it.
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  const { body } = getObject({ state, request: parseRequest(aws), response, bucket, key });
  if (body === undefined || typeof body === 'string') throw new Error('GetObject answered without content');
  retainContent(body);
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of readContent(body)) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks);
  } finally {
    releaseContent(body);
  }
};
