/** Begins the verifies that are due by the schedules of the rules, and stops those that use more than their budget. */
import { asReplicationError } from '../model/errors.ts';
import { ruleDestinations, type RuleDestination, type VerifySchedule } from '../model/rule.ts';
import { countText, dollarText } from '../text/amounts.ts';
import { RunRefusedError, startRuns } from './control.ts';
import { attributeGetsOf, usedBy } from './estimate/estimate.ts';
import { estimateRun } from './estimate/estimate-run.ts';
import type { RunDeps } from './ports.ts';
import type { RunRecord } from './run-store.ts';
import type { RunBudget, RunEstimate, RunSpec } from './run.ts';
import { type VerifyRecord, type VerifyStart, verifyName } from './verify-record.ts';
import { unfitFor } from './unfit-service.ts';
import { firstDueMs, nextDueMs, scheduleText } from './verify-times.ts';

/** How long no other invocation may start the same verify. No invocation runs longer than this. */
const CLAIM_MS = 15 * 60_000;

/** A verify that was due, for the log. */
export interface DueVerify extends VerifyStart {
  rule: string;
  destination: string;
}

/**
 * Begins all verifies that are due, and counts the destinations whose verdict is bad. Makes no call if no rule has a schedule.
 * Throws if the records cannot be read or written. The verifies are then tried again when the runs are tended next.
 */
export const beginVerifies = async (deps: RunDeps): Promise<DueVerify[]> => {
  const scheduled = ruleDestinations(deps.configuration).flatMap(({ rule, destination }) =>
    rule.verify === null ? [] : [{ rule, destination, schedule: rule.verify }],
  );
  if (scheduled.length === 0) return [];
  const records = await deps.verifies.all();
  const due: DueVerify[] = [];
  let failing = 0;
  for (const where of scheduled) {
    const ids = { rule: where.rule.id, destination: where.destination.id };
    const record = records.get(verifyName(ids)) ?? null;
    if (record?.verdict?.agrees === false) failing += 1;
    const start = await lookAt(where, record, deps);
    if (start !== null) due.push({ ...ids, ...start });
  }
  deps.metrics.failing(failing);
  return due;
};

interface Scheduled extends RuleDestination {
  schedule: VerifySchedule;
}

/** Begins the verify of one destination if it is due. Resolves to null if it is not due, or if another invocation begins it. */
const lookAt = async (
  where: Scheduled,
  record: VerifyRecord | null,
  deps: RunDeps,
): Promise<VerifyStart | null> => {
  const { verifies, clock } = deps;
  const { schedule } = where;
  const name = verifyName({ rule: where.rule.id, destination: where.destination.id });
  const nowMs = clock.now();
  if (record === null || record.schedule !== scheduleText(schedule)) {
    const begun = { last: null, verdict: null, ...record };
    const fresh = { schedule: scheduleText(schedule), dueMs: firstDueMs(schedule, nowMs), claimedUntilMs: 0 };
    await verifies.put(name, { ...begun, ...fresh }, record);
    return null;
  }
  if (nowMs < record.dueMs || nowMs < record.claimedUntilMs) return null;
  const claimed = { ...record, claimedUntilMs: nowMs + CLAIM_MS };
  if (!(await verifies.put(name, claimed, record))) return null;
  const last = await begin(where, record.dueMs, deps);
  await settle(name, { schedule, last }, deps);
  return last;
};

/** Records how the start ended. Reads the record again, because the verdict of another run may have been recorded in the meantime. */
const settle = async (
  name: string,
  { schedule, last }: { schedule: VerifySchedule; last: VerifyStart },
  { verifies }: RunDeps,
): Promise<void> => {
  const refusal =
    last.kind === 'refused'
      ? { verdict: { atMs: last.atMs, run: null, agrees: false, detail: last.detail } }
      : {};
  for (;;) {
    const record = (await verifies.all()).get(name);
    if (record === undefined) return;
    const dueMs = nextDueMs(schedule, record.dueMs, last.atMs);
    if (await verifies.put(name, { ...record, dueMs, claimedUntilMs: 0, last, ...refusal }, record)) return;
  }
};

const begin = async (
  { rule, destination, schedule }: Scheduled,
  dueMs: number,
  deps: RunDeps,
): Promise<VerifyStart> => {
  const budget = { requests: schedule.maxRequests, dollars: schedule.maxDollars };
  const spec: RunSpec = {
    kind: 'verify',
    rule: rule.id,
    destination: destination.id,
    prefix: '',
    since: null,
    versions: rule.versions,
    attributes: schedule.attributes,
    repair: false,
    deleteExtra: false,
    // Scheduled verifies look for lost events. A key that the rule leaves out does not show that an event was lost.
    acceptLeftOut: true,
    scheduled: budget,
  };
  const ended = (kind: VerifyStart['kind'], run: string | null, detail: string): VerifyStart => ({
    atMs: deps.clock.now(),
    kind,
    run,
    detail,
  });
  try {
    const unfit = await unfitFor(spec, deps);
    if (unfit !== null) return ended('refused', null, unfit);
    const estimate = await estimateRun(spec, deps);
    const excess = estimate === null ? null : excessOf(estimate, budget);
    if (excess !== null) return ended('refused', null, `the estimate is above the budget: ${excess}`);
    const [run] = await startRuns([{ spec, estimate }], deps);
    return ended('started', run?.id ?? null, '');
  } catch (error) {
    if (error instanceof RunRefusedError) {
      const other = await deps.store.load(error.run);
      // The active run may be this verify: an invocation that started it may have died before it recorded the start.
      const isOwn = other !== null && other.spec.scheduled !== undefined && other.createdMs >= dueMs;
      return isOwn ? ended('started', other.id, '') : ended('skipped', error.run, error.message);
    }
    const { disposition, reason, message } = asReplicationError(error);
    if (disposition === 'retry') throw error;
    return ended('refused', null, `${reason}: ${message}`);
  }
};

/** Returns a text that names each amount above the budget; null: none is above it. */
const excessOf = (used: RunEstimate, { requests, dollars }: RunBudget): string | null => {
  const made = ['list', 'get', 'put', 'head'].reduce((sum, kind) => sum + (used.requests[kind] ?? 0), 0);
  const spent = Object.values(used.dollars).reduce((sum, amount) => sum + amount, 0);
  const parts = [
    ...(requests !== null && made > requests
      ? [`${countText(made)} requests to S3, where maxRequests is ${countText(requests)}`]
      : []),
    ...(spent > dollars ? [`${dollarText(spent)}, where maxDollars is ${dollarText(dollars)}`] : []),
  ];
  return parts.length === 0 ? null : parts.join('; ');
};

/** Cancels a scheduled verify that has used more than its budget. */
export const stopOverBudget = async ({ id, spec }: RunRecord, deps: RunDeps): Promise<void> => {
  const run = await deps.store.progress(id);
  if (run?.phase !== 'checking' || spec.scheduled === undefined) return;
  const { compared, checked, createdMs } = run;
  const rule = deps.configuration.rules.find((each) => each.id === spec.rule);
  const endedMs = deps.clock.now();
  const used = usedBy(
    { compared, copied: null, checked, beganMs: createdMs, endedMs },
    {
      versions: spec.versions,
      isBetweenRegions: false,
      attributeGets: attributeGetsOf(spec, rule ?? { tags: 'replicate', acl: 'ignore' }),
    },
  );
  const excess = excessOf(used, spec.scheduled);
  if (excess === null) return;
  const failure = { reason: 'over-budget', detail: `used ${excess}` } as const;
  // If another worker has changed the run in the meantime, this change fails. The run is then stopped when it is tended next.
  await deps.store.change(run, { phase: 'cancelled', failure, endedMs, announced: false });
};
