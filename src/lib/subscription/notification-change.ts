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
}

/**
 * Reads the configuration, writes the change and reads again, until the configuration contains the change. S3 offers no condition
 * for this write. If another writer reads the configuration before our write and writes it back after our write, our change is
 * lost silently.
 *
 * @throws BucketNotificationsError if S3 refuses permanently, and whatever `apply` throws
 */
export async function changeNotifications(
  notifications: BucketNotifications,
  { bucket, accountId }: { bucket: string; accountId: string },
  sleep: (ms: number) => Promise<void>,
  change: NotificationChange,
): Promise<void> {
  const isDone = async (): Promise<boolean> => change.isDone(await notifications.get(bucket, accountId));
  let refusal: BucketNotificationsError | null = null;
  for (let attempt = 1; attempt <= MAXIMUM_ATTEMPTS; attempt++) {
    try {
      const existing = await notifications.get(bucket, accountId);
      if (change.isDone(existing)) return;
      await notifications.put(bucket, accountId, change.apply(existing));
      if (await isDone()) return;
      // Bucket configurations are eventually consistent, so S3 may have returned the old configuration.
      await sleep(1000);
      if (await isDone()) return;
    } catch (error) {
      if (!(error instanceof BucketNotificationsError)) throw error;
      // The request was aborted because the time is over. S3's earlier refusal is more useful to the operator than the time-out.
      if (refusal !== null && isTimeOut(error)) throw refusal;
      if (attempt >= ATTEMPTS_BY_PROBLEM[error.problem]) throw error;
      refusal = error;
      await sleep(Math.min(16, 2 ** (attempt - 1)) * 1000).catch(() => {
        throw error;
      });
    }
  }
  throw new BucketNotificationsError(
    'failed',
    `another writer keeps replacing the notifications of ${bucket}`,
  );
}

const isTimeOut = ({ cause }: Error): boolean =>
  cause instanceof Error && (cause.name === 'AbortError' || cause.name === 'TimeoutError');

const MAXIMUM_ATTEMPTS = 6;

/**
 * How many attempts are made for each problem. A new permission or queue policy needs some seconds to take effect everywhere. All
 * pauses together take 31 seconds.
 */
const ATTEMPTS_BY_PROBLEM: Record<NotificationsProblem, number> = {
  'access-denied': 5,
  invalid: MAXIMUM_ATTEMPTS,
  failed: MAXIMUM_ATTEMPTS,
  'no-such-bucket': 1,
};
