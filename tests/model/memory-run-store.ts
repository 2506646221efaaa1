/** Runs in memory: the model of the store in DynamoDB. */
import type { OpenRange, RangeCommit, RunRecord, RunStore } from '../../src/lib/runs/run-store.ts';
import { prefixesOverlap } from '../../src/lib/runs/compare/scope.ts';
import { addCompared, type CopyCounters, isOver, NOTHING_COMPARED } from '../../src/lib/runs/run.ts';
import type { RunPiece } from '../../src/lib/delivery/run-counts.ts';

export interface MemoryRunStore extends RunStore {
  count(run: string, piece: RunPiece): void;
  runs: Map<string, RunRecord>;
}

export const NOTHING_COPIED: CopyCounters = {
  done: 0,
  outcomes: {},
  failed: 0,
  reasons: {},
  dropped: 0,
  copies: 0,
  bytes: 0,
  minutes: [],
  largest: [],
  slowest: [],
};

export const createMemoryRunStore = (now: () => number): MemoryRunStore => {
  const runs = new Map<string, RunRecord>();
  const ranges = new Map<string, OpenRange & { run: string; epoch: number }>();
  const files = new Map<string, { run: string; epoch: number; key: string; rows: number }>();
  const copied = new Map<string, CopyCounters>();
  const idOf = (run: string, epoch: number, from: string): string => JSON.stringify([run, epoch, from]);
  const openOf = (run: string, epoch: number) =>
    [...ranges.values()].filter((each) => each.run === run && each.epoch === epoch);

  const commit = (step: RangeCommit): Awaited<ReturnType<RunStore['commit']>> => {
    const { run: id, epoch, before, after, children, counted, file, nowMs } = step;
    const name = idOf(id, epoch, before.from);
    const run = runs.get(id);
    if (run === undefined || ranges.get(name)?.range.step !== before.step) return 'superseded';
    if (after === null) {
      ranges.delete(name);
      run[step.listing] = addCompared(run[step.listing] ?? NOTHING_COMPARED, counted);
    } else ranges.set(name, { run: id, epoch, range: after, counted, movedMs: nowMs });
    for (const child of children) {
      const childId = idOf(id, epoch, child.from);
      ranges.set(childId, { run: id, epoch, range: child, counted: NOTHING_COMPARED, movedMs: nowMs });
    }
    run.openRanges += children.length - (after === null ? 1 : 0);
    if (file !== null) files.set(idOf(id, epoch, file.key), { run: id, epoch, ...file });
    return run.openRanges === 0 ? 'ended' : 'committed';
  };

  return {
    runs,
    async create(run, first) {
      const { rule, destination, prefix } = run.spec;
      const other = [...runs.values()].find(
        ({ spec, ...each }) =>
          !isOver(each) &&
          spec.rule === rule &&
          spec.destination === destination &&
          prefixesOverlap(spec.prefix, prefix),
      );
      if (other !== undefined) return { kind: 'active', run: other.id };
      runs.set(run.id, structuredClone({ ...run, openRanges: 1 }));
      ranges.set(idOf(run.id, run.epoch, first.from), {
        run: run.id,
        epoch: run.epoch,
        range: first,
        counted: NOTHING_COMPARED,
        movedMs: now(),
      });
      return { kind: 'created' };
    },
    load: async (id) => structuredClone(runs.get(id) ?? null),
    async progress(id) {
      const run = runs.get(id);
      if (run === undefined) return null;
      const listing = run.work === 'checking' ? 'checked' : 'compared';
      if (run.openRanges === 0) return structuredClone(run);
      const sum = openOf(id, run.epoch).reduce(
        (all, { counted }) => addCompared(all, counted),
        run[listing] ?? NOTHING_COMPARED,
      );
      return structuredClone({ ...run, [listing]: sum });
    },
    list: async (limit) =>
      structuredClone(
        [...runs.values()].toSorted((one, other) => (one.id < other.id ? 1 : -1)).slice(0, limit),
      ),
    async change(run, changes, first) {
      const now_ = runs.get(run.id);
      if (now_ === undefined || now_.revision !== run.revision) return false;
      if (first !== undefined && now_.openRanges > 0) return false;
      Object.assign(now_, structuredClone(changes), { revision: now_.revision + 1 });
      if (first === undefined) return true;
      now_.openRanges = 1;
      ranges.set(idOf(run.id, now_.epoch, first.from), {
        run: run.id,
        epoch: now_.epoch,
        range: first,
        counted: NOTHING_COMPARED,
        movedMs: now(),
      });
      return true;
    },
    openRanges: async (run) =>
      structuredClone(
        openOf(run.id, run.epoch).map(({ range, counted, movedMs }) => ({ range, counted, movedMs })),
      ),
    openRange: async (id, epoch, from) => {
      const found = ranges.get(idOf(id, epoch, from));
      return found === undefined
        ? null
        : structuredClone({ range: found.range, counted: found.counted, movedMs: found.movedMs });
    },
    async touch(id, epoch, range, nowMs) {
      const found = ranges.get(idOf(id, epoch, range.from));
      if (found?.range.step === range.step) found.movedMs = nowMs;
    },
    commit: async (step) => commit(structuredClone(step)),
    copied: async (id) => structuredClone(copied.get(id) ?? NOTHING_COPIED),
    async files(run, limit) {
      const own = [...files.values()].filter((each) => each.run === run.id && each.epoch === run.epoch);
      return {
        files: own.slice(0, limit).map(({ key, rows }) => ({ key, rows })),
        leftOut: Math.max(0, own.length - limit),
      };
    },
    count(run, piece) {
      const counters = copied.get(run) ?? structuredClone(NOTHING_COPIED);
      copied.set(run, counters);
      counters[piece.kind] += 1;
    },
  };
};
