/**
 * Sends the status 200 before a long copy or completion ends, to keep the connection alive. The body follows when the work ends, and
 * contains either the result or an error.
 *
 * Sources: API_CopyObject.html, API_UploadPartCopy.html and API_CompleteMultipartUpload.html, "Response and special errors".
 */
import { commonHeaders, errorDocument, writeAnswer, type S3Exchange } from './answer.ts';
import type { S3Error } from '../errors.ts';
import type { Answer, S3Request } from './request.ts';
import { XML_DECLARATION } from './xml.ts';

export const DEFAULT_EARLY_ANSWER_MS = 10_000;

export const mayBeAnsweredEarly = (request: S3Request): boolean =>
  request.key !== null &&
  ((request.method === 'PUT' && request.aws.headers['x-amz-copy-source'] !== undefined) ||
    (request.method === 'POST' && request.query.has('uploadId')));

/**
 * Writes the response when `pending` resolves. If this takes longer than `afterMs`, writes the status 200 first and the body later. Rejects
 * only as long as nothing was written.
 */
export const writeMaybeEarly = async (
  exchange: S3Exchange,
  pending: Promise<Answer>,
  options: { afterMs: number; resource: string; asS3Error: (error: unknown) => S3Error },
): Promise<void> => {
  const { response } = exchange;
  const patience = startTimer(options.afterMs);
  const first = await Promise.race([pending, patience.ended]).finally(patience.stop);
  if (first !== 'early') return writeAnswer(exchange, first);
  response.writeHead(200, { ...commonHeaders(exchange), 'Content-Type': 'application/xml' });
  response.write(XML_DECLARATION);
  const heartbeat = setInterval(() => response.write(' '), Math.max(options.afterMs, 1000));
  try {
    const { body } = await pending;
    response.end(typeof body === 'string' ? body.replace(XML_DECLARATION, '') : undefined);
  } catch (error) {
    response.end(errorDocument(exchange, options.asS3Error(error), options.resource));
  } finally {
    clearInterval(heartbeat);
  }
};

const startTimer = (afterMs: number) => {
  const { promise, resolve } = Promise.withResolvers<'early'>();
  const timer = setTimeout(() => resolve('early'), afterMs);
  return { ended: promise, stop: () => clearTimeout(timer) };
};
