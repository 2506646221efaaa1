/**
 * Proves copies at services that store no checksums and accept any checksum. If the ETags of the service cannot be compared with
 * those of the source either, the bytes of the source are read once more. Their MD5 must equal the ETag that the service computed.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { ReplicationError } from '../model/errors.ts';
import type { Checksum } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { readThrough } from './in-one-buffer.ts';

export const isSilent = ({ destination }: Pick<Task, 'destination'>, checksum: Checksum | null): boolean =>
  destination.service !== null && checksum === null;

/** Resolves to the ETag of an object or part with these bytes. */
export const etagOfBytes = async ({
  body,
  sizeBytes,
}: {
  body: Readable | Buffer;
  sizeBytes: number;
}): Promise<string> => {
  const md5 = createHash('md5');
  if (Buffer.isBuffer(body)) md5.update(body);
  else await readThrough(body, sizeBytes, (chunk) => void md5.update(chunk));
  return `"${md5.digest('hex')}"`;
};

export const otherBytes = (): ReplicationError =>
  new ReplicationError(
    'bad-checksum',
    'the ETag that the service computed is not the MD5 of the bytes of the source',
  );
