/** The operations on runs that an operator may request. */
import { wholeRange } from '../listing/range.ts';
import { NEW_CHAIN } from '../model/chain.ts';
import { NO_LIMITS, type RunLimits } from '../model/run-limits.ts';
import { scopeOf, scopeText } from './compare/scope.ts';
import type { RunDeps } from './ports.ts';
import type { RunRecord } from './run-store.ts';
import { isActive, isOver, NOTHING_COMPARED, type RunSpec, type WorkPhase, type RunEstimate } from './run.ts';

export type ControlDeps = Pick<RunDeps, 'store' | 'queues' | 'clock' | 'random'>;

/** Thrown if a request cannot be carried out. `message` gives the reason and advice. */
export class RunRefusedError extends Error {
  override readonly name = 'RunRefusedError';
  /** The run that prevents the request, or the requested run. */
  readonly run: string;

  constructor(message: string, run: string) {
    super(message);
    this.run = run;
  }
}

/** A run to start. */
export interface NewRun {
  spec: RunSpec;
  /** The estimate that was made before the start; null: none. */
  estimate: RunEstimate | null;
  /** Limits in place of those of the rule. */
  limits?: Partial<RunLimits>;
}

/**
 * Starts all of the runs, or none. Throws {@link RunRefusedError} if another run that covers some of the same keys has not ended
 * yet.
 */
export const startRuns = async (
  starts: readonly NewRun[],
  deps: ControlDeps & Pick<RunDeps, 'configuration'>,
): Promise<RunRecord[]> => {
  const runs: RunRecord[] = [];
  for (const start of starts) {
    const { spec } = start;
    const limits = { ...scopeOf(deps.configuration, spec).rule.limits, ...start.limits };
    const run = newRun({ ...start, limits }, scopeText(deps.configuration, spec), deps);
    const created = await deps.store.create(run, wholeRange());
    if (created.kind === 'active') {
      // No message was sent for these runs, so they have done nothing, and nobody needs to hear of their end.
      const ended = { phase: 'cancelled', endedMs: deps.clock.now(), announced: true } as const;
      for (const { id } of runs) await change(id, deps, () => ended);
      throw await inTheWay(created.run, deps);
    }
    runs.push(run);
  }
  for (const run of runs) await wake(run, deps);
  return runs;
};

/** Returns an error that names the other run and says how to end it. */
const inTheWay = async (id: string, { store }: ControlDeps): Promise<RunRefusedError> => {
  const phase = (await store.load(id))?.phase;
  const over = `run ${id} over the same keys`;
  const advice =
    phase === 'failed' || phase === 'paused'
      ? `is ${phase}: resume or cancel it (\`backfill resume ${id}\`, \`backfill cancel ${id}\`)`
      : 'is not over: wait for it, or cancel it';
  return new RunRefusedError(`${over} ${advice}. Nothing was started`, id);
};

const newRun = (
  { spec, estimate, limits }: NewRun & { limits: RunLimits },
  scope: string,
  deps: ControlDeps,
): RunRecord => {
  const createdMs = deps.clock.now();
  const work: WorkPhase = spec.kind === 'backfill' || spec.repair ? 'comparing' : 'checking';
  return {
    id: newId(createdMs, deps),
    spec,
    scope,
    phase: work,
    work,
    failure: null,
    createdMs,
    endedMs: null,
    history: [{ work, beganMs: createdMs }],
    openRanges: 1,
    epoch: 1,
    compared: work === 'comparing' ? NOTHING_COMPARED : null,
    checked: work === 'checking' ? NOTHING_COMPARED : null,
    estimate,
    revision: 0,
    still: null,
    digests: null,
    droppedBefore: 0,
    endedBefore: null,
    deniedSinceMs: null,
    announced: false,
    limits,
  };
};

/** Creates the id of a run. Ids like `20261122-174334-k3f9xz` are easy to read aloud and sort by time. */
const newId = (nowMs: number, { random }: ControlDeps): string => {
  const [date = '', time = ''] = new Date(nowMs)
    .toISOString()
    .slice(0, 19)
    .replaceAll(/[-:]/g, '')
    .split('T');
  const tail = Array.from({ length: 6 }, () => ID_LETTERS[Math.floor(random() * ID_LETTERS.length)]).join('');
  return `${date}-${time}-${tail}`;
};

/** Contains no vowels, and no characters that look alike. */
const ID_LETTERS = 'bcdfghjkmnpqrstvwxz23456789';

/**
 * Pauses a run after the pages under way. From then on the run's waiting hints are dropped. After `resumeRun`, the run finds the
 * differences of the dropped hints again.
 */
export const pauseRun = (id: string, deps: ControlDeps): Promise<RunRecord> =>
  change(id, deps, (run) => {
    if (run.phase === 'paused') return null;
    if (!isActive(run)) throw new RunRefusedError(`run ${id} is ${run.phase}: there is nothing to pause`, id);
    return { phase: 'paused' };
  });

/** Resumes a run where it stopped. If the run is active, sends all of its messages again. This does no harm. */
export const resumeRun = async (id: string, deps: ControlDeps): Promise<RunRecord> => {
  const run = await change(id, deps, (now) => {
    if (isOver(now)) throw new RunRefusedError(`run ${id} is ${now.phase}: start a new one`, id);
    return {
      phase: now.work,
      failure: null,
      endedMs: null,
      announced: false,
      still: null,
      deniedSinceMs: null,
    };
  });
  await wake(run, deps);
  return run;
};

/** Cancels a run permanently. Copied objects stay, and waiting hints are dropped. */
export const cancelRun = (id: string, deps: ControlDeps): Promise<RunRecord> =>
  change(id, deps, (run) => {
    if (run.phase === 'cancelled') return null;
    if (run.phase === 'finished') throw new RunRefusedError(`run ${id} is finished already`, id);
    return { phase: 'cancelled', endedMs: deps.clock.now(), announced: false };
  });

/** Changes the limits of a run that is not over. Takes effect at the next step of each worker, and within seconds for hints. */
export const limitRun = async (
  id: string,
  limits: Partial<RunLimits>,
  deps: ControlDeps,
): Promise<RunRecord> => {
  const run = await change(id, deps, (now) => {
    if (isOver(now)) throw new RunRefusedError(`run ${id} is ${now.phase}: nothing is left to limit`, id);
    return { limits: { ...NO_LIMITS, ...now.limits, ...limits } };
  });
  await deps.store.forgetRate(id);
  return run;
};

/** Sends the messages of all open ranges. */
export const wake = async (run: RunRecord, { store, queues }: ControlDeps): Promise<void> => {
  const ranges = await store.openRanges(run);
  await queues.send(
    ranges.map(({ range }) => ({ run: run.id, epoch: run.epoch, from: range.from, ...NEW_CHAIN })),
  );
};

type Changes = Parameters<RunDeps['store']['change']>[1];

/**
 * Changes a run. If another worker changes the run at the same time, tries again. `changesOf` returns null if the run needs no
 * change.
 */
const change = async (
  id: string,
  { store }: ControlDeps,
  changesOf: (run: RunRecord) => Changes | null,
): Promise<RunRecord> => {
  for (;;) {
    const run = await store.load(id);
    if (run === null) throw new RunRefusedError(`there is no run ${id}`, id);
    const changes = changesOf(run);
    if (changes === null) return run;
    if (await store.change(run, changes)) return { ...run, ...changes, revision: run.revision + 1 };
  }
};
