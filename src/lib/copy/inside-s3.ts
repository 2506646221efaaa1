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
 * The reasons of a refused copy after which streaming can still succeed, or at least reports the real cause. The value is true if
 * S3 would refuse the next objects too. The next objects are then streamed without asking S3 to copy them.
 */
const WORTH_STREAMING: ReadonlyMap<Reason, boolean> = new Map<Reason, boolean>([
  ['access-denied', true],
  ['kms', true],
  ['wrong-region', true],
  ['no-such-bucket', true],
  // Each refusal below concerns a single object: the server cannot copy it, or it is encrypted with a key that only its writer
  // has.
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
    // A refusal may also mean that the version is gone. If the version is gone, S3 responds with 403 to a role that is not
    // allowed to list the bucket. S3 responds with 400 if a delete marker has replaced the null version.
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
