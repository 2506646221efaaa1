/** Lets S3 catch up with the clock. */
import { runIntelligentTiering } from './intelligent-tiering.ts';
import { runLifecycle } from './lifecycle.ts';
import { runRestores } from './run-restores.ts';
import { DAY_MS, scheduleMidnight } from './schedule.ts';
import type { S3State } from '../model/state.ts';

/** Does all that has become due, in the order of time and each at its time. Costs nothing while nothing is due. */
export const runDue = (state: S3State): void => {
  const nowMs = state.clock.now();
  while (state.schedule.nextMs <= nowMs) {
    const atMs = state.schedule.nextMs;
    state.schedule.nextMs = Number.POSITIVE_INFINITY;
    const then: S3State = { ...state, clock: { now: () => atMs } };
    runRestores(then);
    if (atMs % DAY_MS === 0)
      for (const bucket of state.buckets.values()) {
        runLifecycle(then, bucket);
        runIntelligentTiering(then, bucket);
      }
    const hasRules = [...state.buckets.values()].some(
      (bucket) => bucket.lifecycle.length > 0 || bucket.intelligentTiering.size > 0,
    );
    if (hasRules) scheduleMidnight(state.schedule, atMs);
  }
};
