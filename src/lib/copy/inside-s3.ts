/** Lets S3 itself copy bytes, and finds out the cause if S3 refuses. */
import { ReplicationError } from '../model/errors.ts';
import type { Pin, SourceBucket } from '../model/ports.ts';
import type { Reason } from '../model/reasons.ts';
import type { Task } from '../model/task.ts';
import { inPairs } from './in-pairs.ts';
import type { CopyContext } from './request.ts';

interface InsideCopy extends Pick<CopyContext, 'source' | 'serverSide' | 'invocation' | 'clock'> {
  task: Task;
  version: Pin;
}

/**
 * The refusals after which streaming may still succeed, or will report the real cause. The value is true if the refusal applies
 * to the next objects too. These are then streamed without asking S3 to copy them.
 */
const WORTH_STREAMING: ReadonlyMap<Reason, boolean> = new Map<Reason, boolean>([
  ['access-denied', true],
  ['kms', true],
  ['wrong-region', true],
  ['no-such-bucket', true],
  // The refusals below concern only one object, because its server cannot copy it, or because only its writer has the key.
  ['invalid-request', false],
  ['object-lock', false],
  ['sse-c', false],
]);

/** Resolves to `refused` if the bytes have to be streamed instead. Throws `lost-race` if the version is gone. */
export const copiedInside = async <T>(
  copy: InsideCopy,
  attempt: () => Promise<T>,
): Promise<T | 'refused'> => {
  const { rule, destination, key } = copy.task;
  try {
    return await inPairs(copy, attempt);
  } catch (error) {
    if (!(error instanceof ReplicationError)) throw error;
    const isRemembered = WORTH_STREAMING.get(error.reason);
    if (isRemembered === undefined) throw error;
    // A refusal may also mean that the version is gone. In that case S3 responds with 403 if the role may not list the bucket,
    // and with 400 if a null version became a delete marker.
    if (await isGone(copy.source, key, copy.version))
      throw new ReplicationError('lost-race', 'the version that S3 was to copy is gone', { cause: error });
    if (rule.copy !== 'auto') throw error;
    if (isRemembered) copy.serverSide.refused(rule, destination);
    return 'refused';
  }
};

/** Resolves to true if the pinned version no longer exists, or if another version has replaced it. */
export const isGone = async (
  source: SourceBucket,
  key: string,
  { versionId, etag }: Pin,
): Promise<boolean> => {
  if (versionId !== null) return (await source.head(key, versionId))?.etag !== etag;
  const now = await source.look(key);
  return now.kind !== 'object' || now.state.etag !== etag;
};
