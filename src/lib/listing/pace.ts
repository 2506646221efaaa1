/** Limits the number of concurrent requests. The number that S3 accepts is not known beforehand, so it is found by trying. */
import { ReplicationError } from '../model/errors.ts';
import type { Clock } from '../model/ports.ts';

export interface Pace {
  /**
   * Waits until the limit allows another request, then makes the request. A request that fails as `throttled` lowers the limit.
   */
  run<T>(request: () => Promise<T>): Promise<T>;
  /** Maximum number of concurrent requests at present. */
  readonly limit: number;
}

export interface PaceOptions {
  clock: Clock;
  /** The limit at the start. Default: 16, or `most` if that is less. */
  initial?: number;
  most: number;
  /**
   * Maximum number of requests a second. Default: no limit. S3 accepts 5,500 requests a second for each partitioned prefix. The
   * requests of the live replication count towards this number.
   */
  requestsPerSecond?: number;
}

/**
 * The factor by which a SlowDown lowers the limit. Halving the limit each time would leave a quarter of the requests that S3
 * accepts unused.
 */
const REMAINS = 0.8;

/**
 * Creates a limit for concurrent requests. The limit doubles with every round of responses until the first SlowDown. After that,
 * each SlowDown lowers the limit by a fifth, and each round of successful requests raises it by one. If a request was sent before
 * the limit was last lowered, its SlowDown does not lower the limit again.
 */
export const createPace = ({
  clock,
  most,
  initial = 16,
  requestsPerSecond = Infinity,
}: PaceOptions): Pace => {
  let limit = Math.min(initial, most);
  let isFirstRise = true;
  let underWay = 0;
  let lowerings = 0;
  let nextMs = 0;
  const waiting: (() => void)[] = [];

  const admit = (): void => {
    while (underWay < Math.floor(limit)) {
      const start = waiting.shift();
      if (start === undefined) return;
      underWay += 1;
      start();
    }
  };

  const inTime = async (): Promise<void> => {
    if (requestsPerSecond === Infinity) return;
    const atMs = Math.max(clock.now(), nextMs);
    nextMs = atMs + 1_000 / requestsPerSecond;
    if (atMs > clock.now()) await clock.sleep(atMs - clock.now());
  };

  return {
    get limit() {
      return Math.floor(limit);
    },
    async run(request) {
      await new Promise<void>((start) => {
        waiting.push(start);
        admit();
      });
      const sentAfter = lowerings;
      try {
        await inTime();
        const answer = await request();
        limit = Math.min(most, limit + (isFirstRise ? 1 : 1 / limit));
        return answer;
      } catch (error) {
        if (isThrottled(error) && sentAfter === lowerings) {
          lowerings += 1;
          isFirstRise = false;
          limit = Math.max(1, limit * REMAINS);
        }
        throw error;
      } finally {
        underWay -= 1;
        admit();
      }
    },
  };
};

const isThrottled = (error: unknown): boolean =>
  error instanceof ReplicationError && error.reason === 'throttled';
