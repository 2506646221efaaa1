import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { ReplicationError } from '../model/errors.ts';

/**
 * Reads the body into one buffer. Collecting the chunks first and joining them afterwards would take more CPU than all other work
 * of a copy. Throws `connection-lost` if the body is shorter or longer than `sizeBytes`.
 */
export const inOneBuffer = async (body: Readable, sizeBytes: number): Promise<Buffer> => {
  const bytes = Buffer.allocUnsafeSlow(sizeBytes);
  await readThrough(body, sizeBytes, (chunk, at) => {
    // `copy` does not write beyond the end of the buffer.
    chunk.copy(bytes, at);
  });
  return bytes;
};

/** Passes each chunk of the body to `see`, together with its position. Throws the same errors as {@link inOneBuffer}. */
export const readThrough = async (
  body: Readable,
  sizeBytes: number,
  see: (chunk: Buffer, at: number) => void,
): Promise<void> => {
  let length = 0;
  body.on('data', (chunk: Buffer) => {
    see(chunk, length);
    length += chunk.length;
  });
  await finished(body).catch((cause: unknown) => {
    throw new ReplicationError('connection-lost', 'the source body broke off', { cause });
  });
  if (length === sizeBytes) return;
  throw new ReplicationError('connection-lost', `the source body had ${length} of ${sizeBytes} bytes`);
};
