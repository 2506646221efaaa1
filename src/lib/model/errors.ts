/** The only type of error that leaves `lib`. */
import { type Disposition, type Reason, reasonEntry } from './reasons.ts';

/** The side whose bucket, role or key the failed call was about. */
export type Side = 'source' | 'destination';

interface Circumstances {
  cause?: unknown;
  requestId?: string | null;
  isAvoided?: boolean;
}

/** A failure with a known meaning. `cause` is the error that S3, STS, SQS or DynamoDB threw. */
export class ReplicationError extends Error {
  override readonly name = 'ReplicationError';
  readonly reason: Reason;
  /** The AWS request id of the failed call; null: there was none. */
  readonly requestId: string | null;
  /** True if the destination is avoided at present. The failure is then not the fault of the object, and does not count as an attempt. */
  readonly isAvoided: boolean;
  /** Set where a call to a bucket fails; null: the error does not concern a bucket. See {@link sideOf}. */
  side: Side | null = null;

  constructor(reason: Reason, message: string, { cause, requestId, isAvoided }: Circumstances = {}) {
    super(message, { cause });
    this.reason = reason;
    this.requestId = requestId ?? null;
    this.isAvoided = isAvoided ?? false;
  }

  get disposition(): Disposition {
    return this.isAvoided ? 'retry' : reasonEntry(this.reason).disposition;
  }
}

/** Returns the side of an error, or of the error that caused it. */
export const sideOf = (error: unknown): Side | null => {
  if (!(error instanceof ReplicationError)) return null;
  return error.side ?? sideOf(error.cause);
};

/**
 * Wraps an error of another type, which is a fault of this program or of a library. The hint is then tried again. If the fault
 * persists, the hint is quarantined.
 */
export const asReplicationError = (error: unknown): ReplicationError =>
  error instanceof ReplicationError
    ? error
    : new ReplicationError('service-error', error instanceof Error ? error.message : String(error), {
        cause: error,
      });
