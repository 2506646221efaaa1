/** The only type of error that leaves `lib`. */
import { type Disposition, type Reason, reasonEntry } from './reasons.ts';

/** A failure with a known meaning. `cause` is the error that S3, STS, SQS or DynamoDB threw. */
export class ReplicationError extends Error {
  override readonly name = 'ReplicationError';
  readonly reason: Reason;
  /** The AWS request id of the failed call; null: there was none. */
  readonly requestId: string | null;

  constructor(reason: Reason, message: string, options: { cause?: unknown; requestId?: string | null } = {}) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.requestId = options.requestId ?? null;
  }

  get disposition(): Disposition {
    return reasonEntry(this.reason).disposition;
  }
}

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
