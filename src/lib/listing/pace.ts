/** How many requests may be under way: as many as S3 bears, found out by trying. */
import { ReplicationError } from '../model/errors.ts';
import type { Clock } from '../model/ports.ts';

export interface Pace {
  /** Waits for its turn. A request that fails as `throttled` makes everybody slow down. */
  run<T>(request: () => Promise<T>): Promise<T>;
  /** How many may be under way at present. */
  readonly limit: number;
}

export interface PaceOptions {
  clock: Clock;
  /** Default 16, or `most` where that is less. */
  initial?: number;
  most: number;
  /** Default: as many as come. S3 bears 5,500 a second for each partitioned prefix, the live replication included. */
  requestsPerSecond?: number;
}

/** After a SlowDown. Halving would leave a quarter of what S3 bears unused. */
const REMAINS = 0.8;

/**
 * Doubles with every round of answers until S3 says SlowDown for the first time; from then on loses a fifth at each SlowDown and
 * grows by one a round. Requests that were sent before the pace was last lowered do not lower it again.
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
