import type { Readable } from 'node:stream';
import { AwsError } from './aws-error.ts';

/** The whole body of a small request. S3 bodies are never read this way. */
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
