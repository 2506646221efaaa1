/** Writes responses and errors to the connection. */
import type { ServerResponse } from 'node:http';
import { readContent, releaseContent, retainContent, type Content } from '../storage/content.ts';
import type { S3Error } from '../errors.ts';
import { hostId } from './host-id.ts';
import type { Answer } from './request.ts';
import { XML_DECLARATION, xmlElement, xmlText } from './xml.ts';

export interface S3Exchange {
  response: ServerResponse;
  requestId: string;
  isHead: boolean;
}

export const writeAnswer = async (exchange: S3Exchange, answer: Answer): Promise<void> => {
  const { response, isHead } = exchange;
  const { body } = answer;
  const headers = { ...commonHeaders(exchange), ...answer.headers };
  if (body === undefined || isHead) {
    const hasNoBody = answer.status === 204 || answer.status === 304 || isHead;
    response.writeHead(answer.status, hasNoBody ? headers : { ...headers, 'Content-Length': '0' }).end();
  } else if (typeof body === 'string') {
    response
      .writeHead(answer.status, { ...headers, 'Content-Length': String(Buffer.byteLength(body)) })
      .end(body);
  } else {
    response.writeHead(answer.status, headers);
    await streamContent(response, body);
  }
};

/** Writes an error response. The response to a HEAD request has no body, so only its status and headers describe the error. */
export const writeS3Error = (exchange: S3Exchange, error: S3Error, resource: string): void => {
  const { response, isHead } = exchange;
  const headers = { ...commonHeaders(exchange), 'Content-Type': 'application/xml', ...error.headers };
  if (isHead) {
    response.writeHead(error.status, headers).end();
    return;
  }
  const body = XML_DECLARATION + errorDocument(exchange, error, resource);
  response
    .writeHead(error.status, { ...headers, 'Content-Length': String(Buffer.byteLength(body)) })
    .end(body);
};

/** Returns the error document without its XML declaration. */
export const errorDocument = ({ requestId }: S3Exchange, error: S3Error, resource: string): string =>
  xmlElement(
    'Error',
    xmlText('Code', error.code),
    xmlText('Message', error.message),
    ...Object.entries(error.elements).map(([name, value]) => xmlText(name, value)),
    xmlText('Resource', resource),
    xmlText('RequestId', requestId),
    xmlText('HostId', hostId(requestId)),
  );

export const commonHeaders = ({ requestId }: S3Exchange): Record<string, string> => ({
  'x-amz-request-id': requestId,
  'x-amz-id-2': hostId(requestId),
  Server: 'AmazonS3',
});

/** Sends the content. Holds a reference to it while sending, because the object may be overwritten. */
const streamContent = async (response: ServerResponse, content: Content): Promise<void> => {
  retainContent(content);
  try {
    let previous: Promise<void> = Promise.resolve();
    for await (const chunk of readContent(content)) {
      // The socket must have sent the previous chunk first, because the next read reuses the memory of that chunk.
      await previous;
      if (response.destroyed) return;
      previous = new Promise((sent, failed) => {
        // If the connection is already closed, the callback of `write` may never be called.
        response.once('close', sent);
        response.write(chunk, (error) => {
          response.off('close', sent);
          if (error) failed(error);
          else sent();
        });
      });
      previous.catch(() => undefined);
    }
    await previous;
    if (!response.destroyed) response.end();
  } finally {
    releaseContent(content);
  }
};
