/** Performs the work that S3 does without a request: restores, lifecycle rules and archive tiers. */
import { runIntelligentTiering } from './intelligent-tiering.ts';
import { runLifecycle } from './lifecycle.ts';
import { runRestores } from './run-restores.ts';
import { DAY_MS, scheduleMidnight } from './schedule.ts';
import type { S3State } from '../model/state.ts';

/** Performs all due work in chronological order. During each piece of work, the clock shows the time at which the work became due. */
export const runDue = (state: S3State): void => {
  const nowMs = state.clock.now();
  while (state.pending.nextMs <= nowMs) {
    const atMs = state.pending.nextMs;
    state.pending.nextMs = Number.POSITIVE_INFINITY;
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
    if (hasRules) scheduleMidnight(state.pending, atMs);
  }
};
