/**
 * The schedule of runs. No run depends on a single message: every minute each run is advanced as far as its record allows, and
 * ranges that have not moved are sent again.
 */
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import { passOnReleased } from './pass-on-released.ts';
import { beginVerifies, type DueVerify, stopOverBudget } from './scheduled-verifies.ts';
import { advance, copyProgress, failRun, mayBeGrantedToRun } from './phases.ts';
import type { RunDeps } from './ports.ts';
import type { OpenRange, RunRecord } from './run-store.ts';
import { hasRate, opensMs } from '../model/run-limits.ts';
import { wake } from './control.ts';
import { MAX_DELAY_SECONDS, requestsPerHint } from './rate.ts';
import { type CopyCounters, isActive } from './run.ts';
import { resendMs } from './waiting-times.ts';

/** Maximum number of messages in a row after which a range has not moved. The last of them is sent after almost a day. */
const WAKE_LIMIT = 8;

/** Returns true if the event comes from the schedule. */
export const isTending = (event: unknown): boolean =>
  typeof event === 'object' && event !== null && 'tend' in event && event.tend === true;

export interface TendReport {
  /** The runs that the schedule looks after. */
  runs: number;
  /** Ranges whose message was sent again. */
  resent: number;
  /** Keys that operators have released, for which a hint was sent or which were forgotten. */
  released: number;
  /** The scheduled verifies that were due. */
  verifies: DueVerify[];
  /** The runs that could not be tended, each as `<id>: <reason>`. They are tended again in the next minute. */
  failed: string[];
}

/** Tends all runs, and passes on the keys that operators have released. Throws only if the list of runs cannot be read. */
export const tendRuns = async (deps: RunDeps): Promise<TendReport> => {
  const report: TendReport = { runs: 0, resent: 0, released: 0, verifies: [], failed: [] };
  await tendBrakes(report, deps);
  await tendVerifies(report, deps);
  for (const id of await deps.store.awake()) {
    report.runs += 1;
    try {
      report.resent += await tendRun(id, deps);
    } catch (thrown) {
      const error = asReplicationError(thrown);
      report.failed.push(`${id}: ${error.reason}`);
      // If the failure cannot be recorded either, the schedule tries again in the next minute.
      if (error.disposition === 'quarantine') await failUnlessFresh(id, error, deps).catch(() => undefined);
    }
  }
  return report;
};

const failUnlessFresh = async (id: string, error: ReplicationError, deps: RunDeps): Promise<void> => {
  if (!(await mayBeGrantedToRun(id, error, deps))) await failRun(id, error, deps);
};

const tendBrakes = async (report: TendReport, deps: RunDeps): Promise<void> => {
  try {
    report.released = await passOnReleased(deps);
  } catch (thrown) {
    report.failed.push(`brakes: ${asReplicationError(thrown).reason}`);
  }
};

const tendVerifies = async (report: TendReport, deps: RunDeps): Promise<void> => {
  try {
    report.verifies = await beginVerifies(deps);
  } catch (thrown) {
    report.failed.push(`verifies: ${asReplicationError(thrown).reason}`);
  }
};

/** Resolves to the number of ranges whose message was sent again. */
const tendRun = async (id: string, deps: RunDeps): Promise<number> => {
  if (await rests(id, deps)) return 0;
  await noteProgress(id, deps);
  const run = await advance(id, deps);
  if (run !== null && isActive(run) && run.spec.scheduled !== undefined) await stopOverBudget(run, deps);
  if (run !== null && isActive(run)) {
    if (hasRate(run.limits)) await noteRequests(run, await deps.store.copied(id), deps);
    return await sendStillRanges(run, deps);
  }
  // If the end of the run was announced just now, the run has changed since it was loaded, so `rest` does nothing. The run then
  // rests from the next minute on.
  if (run !== null && run.phase !== 'paused') await deps.store.rest(run);
  return 0;
};

/**
 * Resolves to true if the hours of the run are over, so that the run has to wait. When the hours begin, sends the messages of all
 * ranges. Hints that were in the queue when the hours ended were dropped. The next comparison finds their keys again.
 */
const rests = async (id: string, deps: RunDeps): Promise<boolean> => {
  const run = await deps.store.load(id);
  if (run === null || !isActive(run)) return false;
  const isClosed = opensMs(run.limits, deps.clock.now()) !== null;
  if (isClosed === (run.isResting ?? false)) return isClosed;
  // If another worker has changed the run in the meantime, this change is recorded in the next minute.
  const isMade = await deps.store.change(run, { isResting: isClosed, still: null });
  if (isMade && !isClosed) await wake(run, deps);
  return isClosed;
};

/** Records how many requests the hints of a run with a rate take. */
const noteRequests = async (run: RunRecord, copied: CopyCounters, { store }: RunDeps): Promise<void> => {
  const now = requestsPerHint(run.spec, copied);
  const before = run.requestsPerHint ?? 0;
  if (hasRate(run.limits) && Math.abs(now - before) > before / 50)
    await store.change(run, { requestsPerHint: now });
};

/** Records since when the copying of the run has stood still. */
const noteProgress = async (id: string, deps: RunDeps): Promise<void> => {
  const run = await deps.store.load(id);
  if (run?.phase !== 'copying') return;
  const progress = await copyProgress(run, deps);
  if (run.still?.progress === progress) return;
  // If another worker has changed the run in the meantime, the progress is recorded in the next minute.
  await deps.store.change(run, { still: { progress, sinceMs: deps.clock.now() } });
};

const sendStillRanges = async (run: RunRecord, deps: RunDeps): Promise<number> => {
  const { store, queues, clock } = deps;
  if (run.openRanges === 0) return 0;
  let sent = 0;
  for (const open of await store.openRanges(run)) {
    // Because of the rate of its run, the message of a range may wait this long.
    const rateMs = hasRate(run.limits) ? MAX_DELAY_SECONDS * 1_000 : 0;
    if (clock.now() < resendMs(open) + rateMs) continue;
    if (open.wakes >= WAKE_LIMIT) throw stuck(open);
    const { from } = open.range;
    // This is recorded first. Without the record, one more message would be sent every minute.
    await store.wake(run.id, run.epoch, open.range, clock.now());
    await queues.send([{ run: run.id, epoch: run.epoch, from, hops: open.wakes + 1, fruitless: 0 }]);
    sent += 1;
  }
  return sent;
};

const stuck = ({ range, wakes }: OpenRange): ReplicationError =>
  new ReplicationError(
    'no-progress',
    `the listing from ${JSON.stringify(range.from)} was sent out ${wakes + 1} times, and nothing moved`,
  );
