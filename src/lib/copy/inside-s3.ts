/** Lets S3 copy by itself, and finds out what it means when it does not. */
import { ReplicationError } from '../model/errors.ts';
import type { Reason } from '../model/reasons.ts';
import type { Clock, Invocation, Pin, SourceBucket } from '../model/ports.ts';
import { inPairs } from './in-pairs.ts';
import type { ServerSide } from './way.ts';
import type { Work } from '../model/work.ts';

interface InsideCopy {
  work: Pick<Work, 'rule' | 'destination'>;
  source: SourceBucket;
  sourceKey: string;
  version: Pin;
  serverSide: ServerSide;
  invocation: Invocation;
  clock: Clock;
}

/** Streaming works all the same, or says what is really wrong. True: the next object need not try. */
const WORTH_STREAMING: ReadonlyMap<Reason, boolean> = new Map<Reason, boolean>([
  ['access-denied', true],
  ['kms', true],
  ['wrong-region', true],
  ['no-such-bucket', true],
  // Of this object alone: a server that cannot copy it, or another's key.
  ['invalid-request', false],
  ['object-lock', false],
  ['sse-c', false],
]);

/** `refused`: the bytes have to go through the function. Throws `lost-race` where the version is gone. */
export const copiedInside = async <T>(
  copy: InsideCopy,
  attempt: () => Promise<T>,
): Promise<T | 'refused'> => {
  const { rule, destination } = copy.work;
  try {
    return await inPairs(copy, attempt);
  } catch (error) {
    if (!(error instanceof ReplicationError)) throw error;
    const isRemembered = WORTH_STREAMING.get(error.reason);
    if (isRemembered === undefined) throw error;
    // Without the right to list, a version that is gone is a 403; a null version that became a delete marker, a 400.
    if (await isGone(copy))
      throw new ReplicationError('lost-race', 'the version that S3 was to copy is gone', { cause: error });
    if (rule.copy !== 'auto') throw error;
    if (isRemembered) copy.serverSide.refused(rule, destination);
    return 'refused';
  }
};

/** Is the pinned version not there any more, or another in its place? */
export const isGone = async ({
  source,
  sourceKey,
  version,
}: Pick<InsideCopy, 'source' | 'sourceKey' | 'version'>): Promise<boolean> => {
  if (version.versionId !== null)
    return (await source.head(sourceKey, version.versionId))?.etag !== version.etag;
  const now = await source.look(sourceKey);
  return now.kind !== 'object' || now.state.etag !== version.etag;
};
