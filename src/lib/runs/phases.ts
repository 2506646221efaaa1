/** Advances a run from phase to phase. Each step takes effect once, even if several workers try to make it at the same time. */
import { wholeRange } from '../listing/range.ts';
import type { RunDeps } from './ports.ts';
import type { RunChanges, RunRecord } from './run-store.ts';
import { reportOf } from './report/run-report.ts';
import { isActive, isListing, NOTHING_COMPARED, type WorkPhase } from './run.ts';

/**
 * How many consecutive checks must find no hint waiting and no object moving. After that, hints that were never counted are
 * considered lost.
 */
const MAX_EMPTY_LOOKS = 3;

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
    if (isMade && beginsListing)
      await deps.queues.send([{ kind: 'range', run: id, epoch: step.epoch ?? run.epoch, from: '' }]);
  }
};

/** Returns null if the run has to wait. */
const nextStep = async (run: RunRecord, deps: RunDeps): Promise<RunChanges | null> => {
  if (isListing(run.work) && run.openRanges > 0) return null;
  switch (run.work) {
    case 'comparing':
      return { ...begun(run, 'copying', deps), emptyLooks: 0 };
    case 'copying':
      return await afterCopying(run, deps);
    case 'checking': {
      const endedMs = deps.clock.now();
      await deps.files?.report(await reportOf({ ...run, endedMs }, deps));
      return { phase: 'finished', endedMs, announced: false };
    }
  }
};

const afterCopying = async (run: RunRecord, deps: RunDeps): Promise<RunChanges | null> => {
  const { done, failed, dropped } = await deps.store.copied(run.id);
  const hints = run.hintsBefore + (run.compared?.hints ?? 0);
  // If a page is compared again after a crash, keys that were replicated before the second comparison count as done, but no
  // longer as differences. So the number of finished hints can seem high enough while some hints are still waiting.
  const isDone = done + failed + dropped >= hints && (hints === 0 || (await isQuiet(run, deps)));
  if (!isDone && run.emptyLooks < MAX_EMPTY_LOOKS) return null;
  if (dropped <= run.droppedBefore)
    return { ...begun(run, 'checking', deps), epoch: run.epoch + 1, checked: NOTHING_COMPARED };
  // Hints were dropped while the run was paused. The next listing finds the differences of these hints again.
  const again = { compared: NOTHING_COMPARED, hintsBefore: hints, droppedBefore: dropped };
  return { ...begun(run, 'comparing', deps), ...again, epoch: run.epoch + 1 };
};

/**
 * Returns whether no hint is waiting and no transfer is moving an object for the run's rule and destination. If both are true,
 * the run's copying has ended.
 */
export const isQuiet = async (
  { spec }: Pick<RunRecord, 'spec'>,
  { queues, moving }: Pick<RunDeps, 'queues' | 'moving'>,
): Promise<boolean> => (await queues.hintsLeft()) === 0 && (await moving.count(spec)) === 0;

const begun = ({ history }: RunRecord, work: WorkPhase, { clock }: RunDeps): RunChanges => ({
  phase: work,
  work,
  history: [...history, { work, beganMs: clock.now() }],
});

const announced = async (run: RunRecord, { store, topic }: RunDeps): Promise<RunRecord> => {
  if (run.announced || run.phase === 'paused') return run;
  await topic.announce(run);
  await store.change(run, { announced: true });
  return run;
};
