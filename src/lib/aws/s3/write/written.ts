/** Reads what S3 stored from the response to a write. */
import type { ReplicationError } from '../../../model/errors.ts';
import type { Written } from '../../../model/ports.ts';
import { brokenAnswer } from '../client/broken-answer.ts';
import { type ChecksumFields, storedChecksum } from '../object/object-state.ts';

/**
 * Reads the result of a write. Throws `service-error` when the response has no ETag, because even a response with status 200 may
 * contain an error in its body.
 */
export const written = (
  answer: ChecksumFields & {
    VersionId?: string | undefined;
    ServerSideEncryption?: string | undefined;
  },
): Written => {
  if (answer.ETag === undefined) throw unproven('the write');
  return {
    versionId: answer.VersionId ?? null,
    etag: answer.ETag,
    encryption: answer.ServerSideEncryption ?? null,
    checksum: storedChecksum(answer),
  };
};

export const unproven = (operation: string): ReplicationError =>
  brokenAnswer(operation, 'the answer of S3 proves nothing');
