/** The lock that is requested with the write of a new version, and the error for a refusal of that lock. */
import { ReplicationError } from '../model/errors.ts';
import type { ObjectLock } from '../model/ports.ts';
import { besideDefault } from '../replica/object-lock.ts';
import type { ConvergeContext } from './context.ts';

/**
 * Resolves to the lock for a write. The default retention of the bucket matters only if the version has a retention. It is read
 * from S3 once for each execution environment.
 */
export const lockToAskFor = async (
  { destination, clock }: ConvergeContext,
  lock: ObjectLock,
): Promise<ObjectLock> =>
  lock.retention === null ? lock : besideDefault(lock, await destination.defaultRetention(), clock.now());

/** Returns the error to throw after S3 has refused a write with this lock. */
export const explained = (error: unknown, { retention }: ObjectLock, nowMs: number): unknown => {
  if (retention === null) return error;
  // The retention has ended since the source was read, so S3 refuses it. The next round leaves it out.
  if (retention.untilMs <= nowMs)
    return new ReplicationError('lost-race', 'the retention has ended in the meantime', { cause: error });
  if (!(error instanceof ReplicationError) || error.reason !== 'access-denied') return error;
  const until = new Date(retention.untilMs).toISOString();
  const message = `${error.message}. The request asks for a retention in ${retention.mode} mode until ${until}: \`MaxRetentionDays\` of the destination's stack must be at least \`maxRetentionDays\` of the destination in replication.yml`;
  const same = new ReplicationError(error.reason, message, {
    cause: error.cause,
    requestId: error.requestId,
    isAvoided: error.isAvoided,
  });
  same.side = error.side;
  return same;
};
