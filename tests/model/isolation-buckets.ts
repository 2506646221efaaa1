/** Buckets in model time. Every call takes time and is counted, and a destination may be in bad health. */
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { AnswerWatch, SourceBucket } from '../../src/lib/model/ports.ts';
import type { Destination } from '../../src/lib/model/rule.ts';
import type { Gate } from './memory-source.ts';
import type { ModelTime } from './model-time.ts';

export type Health = 'healthy' | 'slow' | 'denied' | 'hanging' | 'throttling';

/** How long calls take, and which calls are refused. */
export interface Weather {
  callMs(): number;
  isRefused(): boolean;
}

/** How long each call to a bucket takes, unless a test says otherwise. */
const CALL_MS = 30;
export const CALM: Weather = { callMs: () => CALL_MS, isRefused: () => false };
/** How many entries the first page of a listing has. The next constant is the number for each further page. */
const FIRST_PAGE = 50;
const PAGE = 1_000;
/** How long each call to a slow bucket takes. */
const SLOW_MS = 6_000;
/** How long a call may wait for an answer (`call.ts`). */
const ANSWER_MS = 10_000;

interface Counted {
  time: ModelTime;
  /** Counts a call. `operation` is `s3:` and the name of the port's method. */
  called(operation: string): void;
  weather: Weather;
}

/** Counts the pages of a listing and lets them take time. The first page is short (`object-history.ts`). */
export const inPages = (source: SourceBucket, { time, called, weather }: Counted): SourceBucket => ({
  ...source,
  async history(...asked) {
    const entries = await source.history(...asked);
    const further = Math.ceil(Math.max(0, entries.length - FIRST_PAGE) / PAGE);
    for (let page = 0; page < further; page++) called('s3:source.history');
    for (let page = 0; page < further; page++) await time.sleep(weather.callMs());
    return entries;
  },
});

export const slowly =
  ({ time, called, weather }: Counted): Gate =>
  async (point, call) => {
    if (point === 'after') return;
    called(`s3:${call}`);
    await time.sleep(weather.callMs());
    if (weather.isRefused()) throw Object.assign(failure('throttled'), { side: 'source' as const });
  };

export const gateOf =
  (
    destination: Destination,
    health: Map<string, Health>,
    { time, called, weather, watch }: Counted & { watch: AnswerWatch },
  ): Gate =>
  async (point, call) => {
    if (point === 'after') return;
    called(`s3:${call}`);
    const aborting = new AbortController();
    const wait = watch.begin(destination, { abort: () => aborting.abort() });
    try {
      const state = health.get(destination.bucket);
      if (state === 'hanging') await hang(time, aborting.signal);
      await time.sleep(state === 'slow' ? SLOW_MS : weather.callMs());
      if (state === 'denied') throw failure('assume-role-denied');
      if (state === 'throttling' || weather.isRefused()) throw failure('throttled');
    } finally {
      wait.end();
    }
  };

const failure = (reason: 'assume-role-denied' | 'throttled' | 'no-answer'): ReplicationError =>
  Object.assign(new ReplicationError(reason, 'as told'), { side: 'destination' as const });

const hang = (time: ModelTime, signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    time.after(ANSWER_MS, () => reject(failure('no-answer')));
    // Like `call.ts`, sets `isAvoided` on the error of a call that was aborted because its destination is avoided.
    signal.addEventListener('abort', () => reject(Object.assign(failure('no-answer'), { isAvoided: true })));
  });
