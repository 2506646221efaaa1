/** One message of the queue of ranges: goes on with a range where it was committed last. */
import { createHash } from 'node:crypto';
import { asReplicationError } from '../model/errors.ts';
import type { Committed } from '../listing/ledger.ts';
import { createPace } from '../listing/pace.ts';
import type { ListedVersion, Marker } from '../listing/page.ts';
import { patientListing } from '../listing/patient-listing.ts';
import type { Json, Range } from '../listing/range.ts';
import { type Consume, createRangeWork, type RangeEnd, type RangeWork } from '../listing/range-work.ts';
import { createCloserLook } from './compare/closer-look.ts';
import { createCompareConsumer } from './compare/compare-consumer.ts';
import type { DifferenceWriter, RunDeps, RunMessage } from './ports.ts';
import type { OpenRange, RunRecord } from './run-store.ts';
import { scopeOf } from './compare/scope.ts';
import { addCompared, type CompareCounters } from './run.ts';

type RangeMessage = Extract<RunMessage, { kind: 'range' }>;

/** Cut into more parts at once, a range would make a transaction too large (DynamoDB: 100 items). */
const MAX_PARTS = 64;

/** Listing requests of one range under way at once: a page of the source ahead, and one of the destination. */
const REQUESTS_AT_ONCE = 4;

/**
 * Works until the range is done, the time is over or the run is stopped. What is left is in the queue again when it resolves.
 * `ended`: no range of this listing is open any more; told exactly once. Throws what the ports throw; what was committed stands.
 */
export const workOnRange = async (message: RangeMessage, deps: RunDeps): Promise<'ended' | 'done'> => {
  const run = await deps.store.load(message.run);
  if (run === null || !isListing(run, message.epoch)) return 'done';
  const open = await deps.store.openRange(run.id, message.epoch, message.from);
  if (open === null) return 'done';
  const job = createJob(run, open, deps);
  const end = await job.run();
  if (end.kind === 'handed-back' && job.mustGoOn()) await deps.queues.send([message]);
  return end.kind === 'ended' ? 'ended' : 'done';
};

const isListing = ({ phase, epoch }: RunRecord, asked: number): boolean =>
  (phase === 'comparing' || phase === 'checking') && epoch === asked;

interface Job {
  run(): Promise<RangeEnd>;
  /** Was the run neither paused nor cancelled meanwhile? */
  mustGoOn(): boolean;
}

const createJob = (run: RunRecord, open: OpenRange, deps: RunDeps): Job => {
  const { store, queues, clock, listings } = deps;
  const scope = scopeOf(deps.configuration, run.spec);
  const listing = run.phase === 'checking' ? 'checked' : 'compared';
  const patience = {
    clock,
    pace: createPace({ clock, most: REQUESTS_AT_ONCE }),
    random: deps.random,
    deadlineMs: deps.deadlineMs,
  };
  const file = createStepFile(run, open.range, listing === 'checked' ? deps : null);
  const consumer = createCompareConsumer({
    run: run.id,
    epoch: run.epoch,
    spec: run.spec,
    scope,
    listing,
    createdMs: run.createdMs,
    listDestination: patientListing(listings.destination(scope.destination, run.spec.versions), patience),
    look: createCloserLook(scope, run.spec, deps),
    sendHints: (hints) => queues.sendHints(hints),
    report: (rows) => file.write(rows),
    sleep: (ms) => clock.sleep(ms),
  });
  let counted = open.counted;
  /** As the store has it. */
  let committedCounters: CompareCounters = counted;
  let isStopped = false;

  const consume: Consume<ListedVersion> = async (stretch, checkpoint) => {
    await file.begin(stretch);
    const carry = await consumer.consume(stretch, async (progress) => {
      await endStep();
      await checkpoint(progress);
      await file.begin(progress);
    });
    await endStep();
    return carry;
  };

  /** All that is to be committed with it is at hand then. */
  const endStep = async (): Promise<void> => {
    counted = addCompared(counted, consumer.taken());
    await file.end();
    const now = await store.load(run.id);
    if (now === null || !isListing(now, run.epoch)) {
      isStopped = true;
      work.stop();
    } else await share(work, now.openRanges);
  };

  /** Those who are idle are shared among all who could give something away: each does so by itself. */
  const share = async (of: RangeWork, openRanges: number): Promise<void> => {
    const idle = deps.listingConcurrency - openRanges;
    if (idle <= 0) return;
    const wanted = 1 + Math.ceil(idle / Math.max(1, openRanges));
    const parts = Math.min(wanted, MAX_PARTS, 1 + Math.floor(of.remainingPages()));
    if (parts > 1) await of.split(parts);
  };

  const commit = async (
    before: Range,
    after: Range | null,
    children: readonly Range[],
  ): Promise<Committed> => {
    // What was counted belongs to the step that goes ahead, not to one that only cuts parts off.
    const isProgress = children.length === 0;
    const progress = isProgress
      ? { counted, file: file.taken() }
      : { counted: committedCounters, file: null };
    const step = {
      run: run.id,
      epoch: run.epoch,
      listing,
      before,
      after,
      children,
      nowMs: clock.now(),
    } as const;
    const answer = await store.commit({ ...step, ...progress });
    if (answer !== 'superseded') {
      committedCounters = progress.counted;
      await queues.send(
        children.map((child) => ({ kind: 'range', run: run.id, epoch: run.epoch, from: child.from })),
      );
    }
    return answer;
  };

  const work = createRangeWork(
    open.range,
    {
      listPage: patientListing(listings.source(scope.rule, run.spec.versions), patience),
      consumerOf: () => consume,
      ledger: { commit: ({ before, after, children }) => commit(before, after, children) },
      now: () => clock.now(),
    },
    { prefix: scope.mapping.sourcePrefix, deadlineMs: deps.deadlineMs },
  );
  const runWork = async (): Promise<RangeEnd> => {
    try {
      return await work.run();
    } catch (error) {
      await file.abort();
      throw asReplicationError(error);
    }
  };
  return { run: runWork, mustGoOn: () => !isStopped };
};

/** The file of one step: opened at its first row. */
interface StepFile {
  begin(step: { after: Marker; carry: Json }): Promise<void>;
  write(rows: Parameters<DifferenceWriter['write']>[0]): Promise<void>;
  end(): Promise<void>;
  /** What is to be committed with the step. */
  taken(): { key: string; rows: number } | null;
  abort(): Promise<void>;
}

/**
 * A step that is repeated begins where it began before, so its file takes the place of the one before; one that was never committed
 * belongs to nothing.
 */
const createStepFile = (run: RunRecord, range: Range, deps: RunDeps | null): StepFile => {
  let writer: DifferenceWriter | null = null;
  let written: { key: string; rows: number } | null = null;
  let name = '';
  return {
    async begin({ after, carry }) {
      const place = JSON.stringify([run.epoch, range.from, after.key, after.versionId, carry]);
      name = `differences/${createHash('sha256').update(place).digest('hex').slice(0, 32)}.csv`;
      written = null;
      writer = null;
    },
    async write(rows) {
      if (deps?.files === null || deps === null) return;
      writer ??= deps.files.differences(run.id, name);
      await writer.write(rows);
    },
    async end() {
      written = (await writer?.close()) ?? null;
      writer = null;
    },
    taken: () => written,
    async abort() {
      await writer?.abort();
      writer = null;
    },
  };
};
