/** A model of the store of runs, which is in DynamoDB in a deployment. */
import {
  type DifferenceFile,
  isAwakened,
  type OpenRange,
  type RangeCommit,
  type RunRecord,
  type RunStore,
} from '../../src/lib/runs/run-store.ts';
import { prefixesOverlap } from '../../src/lib/runs/compare/scope.ts';
import {
  addCompared,
  type CopyCounters,
  isOver,
  NOTHING_COMPARED,
  nothingCopied,
} from '../../src/lib/runs/run.ts';
import { addPiece, emptyDelta, type RunPiece } from '../../src/lib/delivery/run-counts.ts';

export interface MemoryRunStore extends RunStore {
  count(run: string, piece: RunPiece): void;
  runs: Map<string, RunRecord>;
}

interface Tables {
  runs: Map<string, RunRecord>;
  ranges: Map<string, OpenRange & RunEpoch>;
  files: Map<string, RunEpoch & DifferenceFile>;
  copied: Map<string, CopyCounters>;
}

interface RunEpoch {
  run: string;
  epoch: number;
}

export const createMemoryRunStore = (now: () => number): MemoryRunStore => {
  const tables: Tables = { runs: new Map(), ranges: new Map(), files: new Map(), copied: new Map() };
  const { runs, copied } = tables;
  const used = new Map<string, number>();
  return {
    runs,
    ...runCalls(tables, now),
    ...rangeCalls(tables),
    copied: async (id) => structuredClone(copied.get(id) ?? nothingCopied()),
    count(run, piece) {
      const counters = copied.get(run) ?? nothingCopied();
      copied.set(run, counters);
      const delta = emptyDelta();
      addPiece(delta, piece);
      for (const name of ['done', 'failed', 'dropped', 'sent', 'tried', 'copies', 'bytes'] as const)
        counters[name] += delta.sums.get(name) ?? 0;
      for (const [reason, key] of delta.examples) {
        counters.reasons[reason] = (counters.reasons[reason] ?? 0) + 1;
        counters.examples[reason] ??= key;
      }
    },
    async charge(run, durationMs, nowMs) {
      const atMs = Math.max(nowMs, used.get(run) ?? 0);
      used.set(run, atMs + durationMs);
      return atMs;
    },
    forgetRate: async (run) => void used.delete(run),
    async countSent(run, hints) {
      const counters = copied.get(run) ?? nothingCopied();
      copied.set(run, counters);
      counters.sent += hints;
    },
  };
};

const runCalls = (
  tables: Tables,
  now: () => number,
): Pick<RunStore, 'create' | 'load' | 'progress' | 'awake' | 'rest' | 'list' | 'change'> => {
  const { runs, ranges } = tables;
  const awake = new Set<string>();
  const open = ({ id, epoch }: RunRecord, range: OpenRange['range']): void => {
    const opened = { run: id, epoch, range, counted: NOTHING_COMPARED, movedMs: now(), wakes: 0 };
    ranges.set(idOf(id, epoch, range.from), opened);
  };
  return {
    async create(run, first) {
      const other = [...runs.values()].find((each) => isBlocking(each, run));
      if (other !== undefined) return { kind: 'active', run: other.id };
      runs.set(run.id, structuredClone({ ...run, openRanges: 1 }));
      open(run, first);
      awake.add(run.id);
      return { kind: 'created' };
    },
    load: async (id) => structuredClone(runs.get(id) ?? null),
    async progress(id) {
      const run = runs.get(id);
      if (run === undefined) return null;
      const listing = run.work === 'checking' ? 'checked' : 'compared';
      if (run.openRanges === 0) return structuredClone(run);
      const sum = openOf(tables, run).reduce(
        (all, { counted }) => addCompared(all, counted),
        run[listing] ?? NOTHING_COMPARED,
      );
      return structuredClone({ ...run, [listing]: sum });
    },
    awake: async () => [...awake],
    async rest(run) {
      const stored = runs.get(run.id);
      if (stored?.revision !== run.revision) return;
      stored.revision += 1;
      awake.delete(run.id);
    },
    list: async (limit) =>
      structuredClone(
        [...runs.values()].toSorted((one, other) => (one.id < other.id ? 1 : -1)).slice(0, limit),
      ),
    async change(run, changes, first) {
      const stored = runs.get(run.id);
      if (stored === undefined || stored.revision !== run.revision) return false;
      if (first !== undefined && stored.openRanges > 0) return false;
      if (isAwakened(stored, changes)) awake.add(run.id);
      Object.assign(stored, structuredClone(changes), { revision: stored.revision + 1 });
      if (first === undefined) return true;
      stored.openRanges = 1;
      open(stored, first);
      return true;
    },
  };
};

const rangeCalls = (
  tables: Tables,
): Pick<RunStore, 'openRanges' | 'openRange' | 'wake' | 'commit' | 'files'> => {
  const { ranges, files } = tables;
  return {
    openRanges: async (run) => structuredClone(openOf(tables, run).map(openRangeIn)),
    openRange: async (id, epoch, from) => {
      const found = ranges.get(idOf(id, epoch, from));
      return found === undefined ? null : structuredClone(openRangeIn(found));
    },
    async wake(id, epoch, range, nowMs) {
      const found = ranges.get(idOf(id, epoch, range.from));
      if (found?.range.step !== range.step) return;
      found.movedMs = nowMs;
      found.wakes += 1;
    },
    commit: async (step) => commit(tables, structuredClone(step)),
    async files(run, limit) {
      const own = [...files.values()].filter((each) => each.run === run.id && each.epoch === run.epoch);
      return {
        files: own.slice(0, limit).map(({ key, rows, sha256, first }) => ({ key, rows, sha256, first })),
        leftOut: Math.max(0, own.length - limit),
      };
    },
  };
};

const commit = (
  { runs, ranges, files }: Tables,
  step: RangeCommit,
): Awaited<ReturnType<RunStore['commit']>> => {
  const { run: id, epoch, before, after, children, counted, file, nowMs } = step;
  const name = idOf(id, epoch, before.from);
  const run = runs.get(id);
  if (run === undefined || ranges.get(name)?.range.step !== before.step) return 'superseded';
  if (after === null) {
    ranges.delete(name);
    run[step.listing] = addCompared(run[step.listing] ?? NOTHING_COMPARED, counted);
  } else ranges.set(name, { run: id, epoch, range: after, counted, movedMs: nowMs, wakes: 0 });
  for (const child of children) {
    const childId = idOf(id, epoch, child.from);
    ranges.set(childId, {
      run: id,
      epoch,
      range: child,
      counted: NOTHING_COMPARED,
      movedMs: nowMs,
      wakes: 0,
    });
  }
  run.openRanges += children.length - (after === null ? 1 : 0);
  if (file !== null) files.set(idOf(id, epoch, file.key), { run: id, epoch, ...file });
  return run.openRanges === 0 ? 'ended' : 'committed';
};

/** How long a run is kept. */
const KEPT_MS = 400 * 24 * 3_600_000;

const isBlocking = (one: RunRecord, next: RunRecord): boolean =>
  !isOver(one) &&
  one.createdMs + KEPT_MS > next.createdMs &&
  one.spec.rule === next.spec.rule &&
  one.spec.destination === next.spec.destination &&
  prefixesOverlap(one.spec.prefix, next.spec.prefix);

const openRangeIn = ({ range, counted, movedMs, wakes }: OpenRange): OpenRange => ({
  range,
  counted,
  movedMs,
  wakes,
});

const openOf = ({ ranges }: Tables, { id, epoch }: Pick<RunRecord, 'id' | 'epoch'>) =>
  [...ranges.values()].filter((each) => each.run === id && each.epoch === epoch);

const idOf = (run: string, epoch: number, from: string): string => JSON.stringify([run, epoch, from]);
