import type { Readable } from 'node:stream';
import { AwsError } from './aws-error.ts';

/** Reads the whole body of a small request. Not used for requests to S3, whose bodies may be large. */
export async function readBody(body: Readable, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    sizeBytes += bytes.length;
    if (sizeBytes > limitBytes)
      throw new AwsError('RequestEntityTooLarge', 'The request is too large.', { status: 413 });
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
