import type { NotificationConfiguration } from './subscription.ts';

/**
 * The port for the notification configuration of buckets, in S3's terms. Its calls reject with {@link BucketNotificationsError}.
 */
export interface BucketNotifications {
  get(bucket: string, accountId: string): Promise<NotificationConfiguration>;
  /** Replaces the whole configuration. S3 checks that the bucket may send to each target. */
  put(bucket: string, accountId: string, configuration: NotificationConfiguration): Promise<void>;
}

export type NotificationsProblem =
  /** HTTP status 403. IAM or the bucket policy denies access, or the bucket belongs to another account. */
  | 'access-denied'
  /** S3 does not accept the configuration, for instance because a target does not allow S3 to send. */
  | 'invalid'
  | 'no-such-bucket'
  | 'other-region'
  /** Any other problem. It may be temporary. */
  | 'failed';

export class BucketNotificationsError extends Error {
  override readonly name = 'BucketNotificationsError';
  readonly problem: NotificationsProblem;

  constructor(problem: NotificationsProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

/** A change to a notification configuration. It may be applied repeatedly. */
export interface NotificationChange {
  isDone(existing: NotificationConfiguration): boolean;
  apply(existing: NotificationConfiguration): NotificationConfiguration;
  /** Whether permissions and queue policies may be new. If so, the change is tried again after a refusal. */
  isFresh: boolean;
}

/** The configuration as it was first read, and as it was last read. */
export interface ChangedNotifications {
  before: NotificationConfiguration;
  after: NotificationConfiguration;
}

/**
 * Reads the configuration, writes the change and reads again, until the configuration contains the change. S3 offers no condition
 * for this write. If another writer replaces the configuration meanwhile, the next read shows this, and the change is applied to
 * the new configuration. Only a change that another writer makes between our last read and our write is lost.
 *
 * @throws BucketNotificationsError if S3 refuses permanently, and whatever `apply` throws
 */
export async function changeNotifications(
  notifications: BucketNotifications,
  { bucket, accountId }: { bucket: string; accountId: string },
  sleep: (ms: number) => Promise<void>,
  change: NotificationChange,
): Promise<ChangedNotifications> {
  const get = (): Promise<NotificationConfiguration> => notifications.get(bucket, accountId);
  const patience = createPatience(sleep, change.isFresh ? PATIENCE_MS : NO_PATIENCE_MS);
  let before: NotificationConfiguration | null = null;
  for (let writes = 0; ;) {
    try {
      const existing = await get();
      before ??= existing;
      if (change.isDone(existing)) return { before, after: existing };
      if (writes === MAXIMUM_WRITES) break;
      await notifications.put(bucket, accountId, change.apply(existing));
      writes++;
      const after = await get();
      if (change.isDone(after)) return { before, after };
      // Bucket configurations are eventually consistent, so S3 may have returned the old configuration.
      await sleep(1000);
    } catch (error) {
      await patience.wait(error);
    }
  }
  throw new BucketNotificationsError(
    'failed',
    `another writer keeps replacing the notifications of ${bucket}`,
  );
}

/** Maximum number of writes that another writer may undo. */
const MAXIMUM_WRITES = 6;

/**
 * Decides how long a refused call is repeated. `wait` throws if the error is permanent, or if the pauses before it were long
 * enough.
 */
const createPatience = (
  sleep: (ms: number) => Promise<void>,
  patienceMs: Record<NotificationsProblem, number>,
) => {
  let refusal: BucketNotificationsError | null = null;
  let pauseMs = 1000;
  let waitedMs = 0;
  return {
    async wait(thrown: unknown): Promise<void> {
      if (!(thrown instanceof BucketNotificationsError)) throw thrown;
      // The request was aborted because the time is over. S3's earlier refusal is more useful to the operator than the time-out.
      if (refusal !== null && isTimeOut(thrown)) throw refusal;
      if (waitedMs >= patienceMs[thrown.problem]) throw thrown;
      refusal = thrown;
      await sleep(pauseMs).catch(() => {
        throw thrown;
      });
      waitedMs += pauseMs;
      pauseMs = Math.min(16_000, 2 * pauseMs);
    },
  };
};

const isTimeOut = ({ cause }: Error): boolean =>
  cause instanceof Error && (cause.name === 'AbortError' || cause.name === 'TimeoutError');

/**
 * Minimum total length of the pauses between attempts. A queue policy needs up to 60 seconds to take effect everywhere, and a new
 * permission may need as long.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
 */
const PATIENCE_MS: Record<NotificationsProblem, number> = {
  'access-denied': 90_000,
  invalid: 90_000,
  failed: 30_000,
  'no-such-bucket': 0,
  'other-region': 0,
};

const NO_PATIENCE_MS: typeof PATIENCE_MS = { ...PATIENCE_MS, 'access-denied': 0, invalid: 0, failed: 3_000 };
