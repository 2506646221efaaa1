/** Lets S3 copy by itself, and finds out what a refusal means. */
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
 * Refusals after which streaming works all the same, or reports the real cause. True: the refusal holds for the next objects too,
 * which need not try.
 */
const WORTH_STREAMING: ReadonlyMap<Reason, boolean> = new Map<Reason, boolean>([
  ['access-denied', true],
  ['kms', true],
  ['wrong-region', true],
  ['no-such-bucket', true],
  // The refusal concerns this object alone: its server cannot copy it, or its writer has the key.
  ['invalid-request', false],
  ['object-lock', false],
  ['sse-c', false],
]);

/** `refused`: the bytes have to go through the function. Throws `lost-race` if the version is gone. */
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
    // Without the right to list, a version that is gone is a 403; a null version that became a delete marker is a 400.
    if (await isGone(copy.source, key, copy.version))
      throw new ReplicationError('lost-race', 'the version that S3 was to copy is gone', { cause: error });
    if (rule.copy !== 'auto') throw error;
    if (isRemembered) copy.serverSide.refused(rule, destination);
    return 'refused';
  }
};

/** True: the pinned version does not exist any more, or another has replaced it. */
export const isGone = async (
  source: SourceBucket,
  key: string,
  { versionId, etag }: Pin,
): Promise<boolean> => {
  if (versionId !== null) return (await source.head(key, versionId))?.etag !== etag;
  const now = await source.look(key);
  return now.kind !== 'object' || now.state.etag !== etag;
};
