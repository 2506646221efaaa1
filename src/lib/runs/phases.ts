/** Advances a run from phase to phase. Each step takes effect once, even if several workers try to make it at the same time. */
import { wholeRange } from '../listing/range.ts';
import { refusedAt } from '../delivery/refusals.ts';
import { brakeName } from '../model/brake.ts';
import type { ReplicationError } from '../model/errors.ts';
import { hasRate } from '../model/run-limits.ts';
import { isPermission } from '../model/reasons.ts';
import type { RunDeps } from './ports.ts';
import { reportOf } from './report/run-report.ts';
import type { RunChanges, RunRecord } from './run-store.ts';
import {
  type CompareCounters,
  type CopyCounters,
  isActive,
  isListing,
  NOTHING_COMPARED,
  type WorkPhase,
} from './run.ts';
import { isWholeRun, noteVerdict } from './verify-verdict.ts';
import { LOST_AMONG_OTHERS_MS, LOST_MS } from './waiting-times.ts';

/** Advances the run as far as is possible now. Returns the run after its last step, or null if there is no such run. */
export const advance = async (id: string, deps: RunDeps): Promise<RunRecord | null> => {
  for (;;) {
    const run = await deps.store.load(id);
    if (run === null) return null;
    if (!isActive(run)) return await announced(run, deps);
    const step = await nextStep(run, deps);
    if (step === null) return run;
    const beginsListing = step.work !== undefined && isListing(step.work);
    const isMade = await deps.store.change(run, step, ...(beginsListing ? [wholeRange()] : []));
    if (!isMade && step.digests) await renewReport(id, deps);
    if (!isMade || !beginsListing) continue;
    const epoch = step.epoch ?? run.epoch;
    await deps.queues.send([{ run: id, epoch, from: '', hops: run.history.length, fruitless: 0 }]);
  }
};

/** Returns the changes of the next step, or null if the run has to wait. */
const nextStep = async (run: RunRecord, deps: RunDeps): Promise<RunChanges | null> => {
  if (isListing(run.work) && run.openRanges > 0) return null;
  switch (run.work) {
    case 'comparing':
      return begun(run, 'copying', deps);
    case 'copying':
      return await afterCopying(run, deps);
    case 'checking':
      return await afterChecking(run, deps);
  }
};

const afterCopying = async (run: RunRecord, deps: RunDeps): Promise<RunChanges | null> => {
  const copied = await deps.store.copied(run.id);
  // The counts can end the copying only before the first final comparison. If that comparison shows that they may be wrong, the
  // run waits until no more hints end.
  const isCounted = !hasChecked(run) && endedHints(copied) >= copied.sent;
  if (!isCounted && !(await hasCeased(run, deps))) return null;
  const epoch = run.epoch + 1;
  const { dropped, failed, reasons } = copied;
  if (dropped <= run.droppedBefore) {
    const endedBefore = isCounted ? endedHints(copied) : null;
    return { ...begun(run, 'checking', deps), epoch, checked: NOTHING_COMPARED, endedBefore };
  }
  // Hints were dropped while the run was paused. The next listing finds their keys again.
  const before = { droppedBefore: dropped, failedBefore: { failed, reasons } };
  return { ...begun(run, 'comparing', deps), epoch, compared: NOTHING_COMPARED, ...before };
};

/**
 * Ends the run, or lets it compare once more. The counts may be wrong, because a duplicate counts twice if its receipt is
 * missing. So if keys differ, and hints of the run may still be at work, the run waits until no more hints end, and then compares
 * once more.
 */
const afterChecking = async (run: RunRecord, deps: RunDeps): Promise<RunChanges> => {
  if (run.endedBefore !== null && differing(run.checked) > 0) {
    const ended = endedHints(await deps.store.copied(run.id));
    if (ended > run.endedBefore || (await deps.queues.hintsLeft()) > 0) return begun(run, 'copying', deps);
  }
  const endedMs = deps.clock.now();
  const digests = (await deps.files?.report(await reportOf({ ...run, endedMs }, deps))) ?? null;
  await noteKeys(run, deps);
  return { phase: 'finished', endedMs, digests, announced: false };
};

/**
 * Writes the report once more, because another worker has ended the run while this worker wrote its report. It is not known which
 * worker stored its files last, and the digests in the record must match the stored files.
 */
const renewReport = async (id: string, deps: RunDeps): Promise<void> => {
  const run = await deps.store.load(id);
  if (run === null || run.endedMs === null || run.digests === null) return;
  const digests = await deps.files?.report(await reportOf({ ...run, endedMs: run.endedMs }, deps));
  if (digests && !(await deps.store.change(run, { digests }))) await renewReport(id, deps);
};

/** Records the number of keys after a run over the whole rule. The limit of the brake is a share of this number. */
const noteKeys = async ({ spec, checked }: RunRecord, { brakes, configuration }: RunDeps): Promise<void> => {
  const rule = configuration.rules.find(({ id }) => id === spec.rule);
  if (rule === undefined || !isWholeRun(spec, rule) || rule.brake === null || checked === null) return;
  await brakes.counted(brakeName({ rule, destination: { id: spec.destination } }), checked.keys);
};

const hasChecked = ({ history }: RunRecord): boolean => history.some(({ work }) => work === 'checking');

const differing = (checked: CompareCounters | null): number =>
  checked === null ? 0 : checked.missing + checked.different + checked.attributes + checked.historyShorter;

const endedHints = ({ done, failed, dropped }: CopyCounters): number => done + failed + dropped;

/**
 * Returns whether the hints that have not ended are lost: their counts were never written, or SQS itself moved them to the
 * dead-letter queue. The last comparison then shows what was copied.
 */
const hasCeased = async (run: RunRecord, deps: RunDeps): Promise<boolean> => {
  if (run.still === null) return false;
  const stillMs = deps.clock.now() - run.still.sinceMs;
  if (stillMs < LOST_MS) return false;
  // Hints may have to wait for hours until the rate lets them begin. A charge of 0 returns the time at which they may begin,
  // without adding to the account.
  const nowMs = deps.clock.now();
  if (hasRate(run.limits) && (await deps.store.charge(run.id, 0, nowMs)) > nowMs) return false;
  const moving = await deps.moving.count(run.spec, run.id);
  if (moving.ofRun + moving.waiting > 0) return false;
  return stillMs >= LOST_AMONG_OTHERS_MS || (moving.ofRule === 0 && (await deps.queues.hintsLeft()) === 0);
};

/** Returns a text that changes whenever a hint of the run ends or is tried, or a transfer of the run ends. */
export const copyProgress = async ({ id }: RunRecord, { store }: Pick<RunDeps, 'store'>): Promise<string> => {
  const { done, failed, dropped, tried } = await store.copied(id);
  return [done, failed, dropped, tried].join('/');
};

const begun = ({ history }: RunRecord, work: WorkPhase, { clock }: RunDeps): RunChanges => ({
  phase: work,
  work,
  history: [...history, { work, beganMs: clock.now() }],
  still: null,
});

const announced = async (run: RunRecord, deps: RunDeps): Promise<RunRecord> => {
  const { store, topic } = deps;
  if (run.announced || run.phase === 'paused') return run;
  await noteVerdict(run, deps);
  await topic.announce(run);
  await store.change(run, { announced: true });
  return run;
};

/**
 * Returns true if a permission of the run was refused, and may have been granted a moment ago. The run remembers when the refusals
 * began.
 */
export const mayBeGrantedToRun = async (
  id: string,
  error: ReplicationError,
  { store, clock }: Pick<RunDeps, 'store' | 'clock'>,
): Promise<boolean> => {
  if (!isPermission(error.reason)) return false;
  const run = await store.load(id);
  if (run === null) return false;
  const { sinceMs, isFresh } = refusedAt(clock.now(), run.deniedSinceMs);
  if (sinceMs !== run.deniedSinceMs) await store.change(run, { deniedSinceMs: sinceMs });
  return isFresh;
};

/**
 * Makes the run fail. If a bucket cannot be listed, nothing is known about its contents, so the run stops until a person has
 * fixed the cause.
 */
export const failRun = async (id: string, error: ReplicationError, deps: RunDeps): Promise<void> => {
  const { reason, message: detail } = error;
  for (;;) {
    const run = await deps.store.load(id);
    if (run === null || !isActive(run)) break;
    const failed = { phase: 'failed', failure: { reason, detail }, endedMs: deps.clock.now() } as const;
    if (await deps.store.change(run, { ...failed, announced: false })) break;
  }
  await advance(id, deps);
};
