/** The failed hints of a run that compares more than once. */
import { ALL_REASONS } from '../model/reasons.ts';
import type { CopyCounters } from './run.ts';

export type Failures = Pick<CopyCounters, 'failed' | 'reasons'>;

/**
 * Returns the counters without the failures from before the last comparison. That comparison found the failed keys again, so each of
 * them got a new hint, and was either copied or failed once more.
 */
export const withoutEarlierFailures = (
  copied: CopyCounters,
  { failedBefore: before }: { failedBefore?: Failures },
): CopyCounters => {
  if (before === undefined) return copied;
  const left = ALL_REASONS.flatMap((reason) => {
    const count = (copied.reasons[reason] ?? 0) - (before.reasons[reason] ?? 0);
    return count > 0 ? [{ reason, count }] : [];
  });
  return {
    ...copied,
    failed: copied.failed - before.failed,
    reasons: Object.fromEntries(left.map(({ reason, count }) => [reason, count])),
    examples: Object.fromEntries(left.map(({ reason }) => [reason, copied.examples[reason]])),
  };
};
