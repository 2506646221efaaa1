/** The summary of one run in the state of a deployment. */
import { agrees, verdictOf } from '../runs/report/comparison-text.ts';
import type { RunRecord } from '../runs/run-store.ts';
import { opensMs } from '../model/run-limits.ts';
import { type CopyCounters, isActive, type Run } from '../runs/run.ts';
import type { RuleDestination } from '../model/rule.ts';
import { type VerifyRecord, verifyName } from '../runs/verify-record.ts';
import type { LastVerify, RunSummary, ScheduledVerify } from './deployment-state.ts';

export const runSummary = (run: RunRecord, copied: CopyCounters, nowMs: number): RunSummary => {
  const amounts = amountsOf(run, copied);
  return {
    run: run.id,
    kind: run.spec.kind,
    rule: run.spec.rule,
    destination: run.spec.destination,
    phase: run.phase,
    started: isoTime(run.createdMs),
    ...amounts,
    opens: isActive(run) ? isoOrNull(opensMs(run.limits, nowMs)) : null,
    secondsLeft: run.phase === run.work ? secondsLeft(run, copied, amounts, nowMs) : null,
    failure: run.failure,
  };
};

type Amounts = Pick<RunSummary, 'keysDone' | 'keysInAll' | 'bytesDone' | 'bytesInAll'>;

const amountsOf = ({ work, compared, checked, estimate }: Run, copied: CopyCounters): Amounts => {
  switch (work) {
    case 'comparing':
      return {
        keysDone: compared?.keys ?? 0,
        keysInAll: estimate?.keys ?? null,
        bytesDone: compared?.bytes ?? 0,
        bytesInAll: null,
      };
    case 'copying':
      return {
        keysDone: copied.done + copied.failed + copied.dropped,
        keysInAll: copied.sent,
        bytesDone: copied.bytes,
        bytesInAll: compared?.hintBytes ?? null,
      };
    case 'checking':
      return {
        keysDone: checked?.keys ?? 0,
        keysInAll: compared?.keys ?? estimate?.keys ?? null,
        bytesDone: checked?.bytes ?? 0,
        bytesInAll: compared?.bytes ?? null,
      };
  }
};

/** How long the period is over which the rate of a run is measured. */
const RECENT_MS = 10 * 60_000;

const secondsLeft = (
  { work, history }: Run,
  { minutes }: CopyCounters,
  { keysDone, keysInAll, bytesDone, bytesInAll }: Amounts,
  nowMs: number,
): number | null => {
  const beganMs = history.findLast((each) => each.work === work)?.beganMs ?? nowMs;
  const recent = minutes.filter(({ minuteMs }) => minuteMs >= nowMs - RECENT_MS);
  const copying = work === 'copying';
  const firstMs = copying ? Math.min(nowMs, ...recent.map(({ minuteMs }) => minuteMs)) : beganMs;
  const seconds = (nowMs - firstMs) / 1_000;
  const sumOf = (name: 'done' | 'bytes'): number => recent.reduce((sum, each) => sum + each[name], 0);
  const byKeys = left(keysDone, keysInAll, (copying ? sumOf('done') : keysDone) / seconds);
  const byBytes = copying ? left(bytesDone, bytesInAll, sumOf('bytes') / seconds) : null;
  const longest = Math.max(byKeys ?? 0, byBytes ?? 0);
  return byKeys === null && byBytes === null ? null : Math.round(longest);
};

const left = (done: number, all: number | null, perSecond: number): number | null =>
  all === null || !(perSecond > 0) || !Number.isFinite(perSecond)
    ? null
    : Math.max(0, all - done) / perSecond;

/** Returns the newest run of the destination that compared both sides to its end; null: none of `runs`, which are newest first. */
export const lastVerify = (
  runs: readonly RunRecord[],
  rule: string,
  destination: string,
): LastVerify | null => {
  for (const { id, phase, spec, checked, endedMs } of runs) {
    if (phase !== 'finished' || checked === null || endedMs === null) continue;
    if (spec.rule !== rule || spec.destination !== destination) continue;
    return {
      run: id,
      kind: spec.kind,
      ended: isoTime(endedMs),
      agrees: agrees(spec, checked),
      verdict: verdictOf(checked),
    };
  }
  return null;
};

/** Returns the schedule of a destination's verifies, with the outcome of the last one; null: the rule has none. */
export const scheduledVerify = (
  { rule, destination }: RuleDestination,
  records: ReadonlyMap<string, VerifyRecord>,
): ScheduledVerify | null => {
  if (rule.verify === null) return null;
  const record = records.get(verifyName({ rule: rule.id, destination: destination.id }));
  if (record === undefined) return { next: null, last: null, failing: false };
  const { last, verdict } = record;
  return {
    next: isoTime(record.dueMs),
    last:
      last === null ? null : { at: isoTime(last.atMs), kind: last.kind, run: last.run, detail: last.detail },
    failing: verdict?.agrees === false,
  };
};

const isoOrNull = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));

const isoTime = (ms: number): string => new Date(ms).toISOString();
