/**
 * Compares one range of a run, as requested by a message of the queue of ranges. The comparison resumes at the last commit of the
 * range.
 */
import type { Commit, Committed } from '../listing/ledger.ts';
import { createPace } from '../listing/pace.ts';
import type { ListedVersion } from '../listing/page.ts';
import { type Patience, patientListing } from '../listing/patient-listing.ts';
import type { Json } from '../listing/range.ts';
import { createRangeWork, type RangeEnd, type RangeWork } from '../listing/range-work.ts';
import type { Checkpoint, Stretch } from '../listing/stretch.ts';
import { type Chain, nextHop } from '../model/chain.ts';
import { asReplicationError } from '../model/errors.ts';
import { hasRate, opensMs } from '../model/run-limits.ts';
import type { Hint } from '../hint/hint.ts';
import { proveBy } from './compare/basis.ts';
import { createCloserLook } from './compare/closer-look.ts';
import { type CompareConsumer, createCompareConsumer } from './compare/compare-consumer.ts';
import { assertSameScope, type Scope, scopeOf } from './compare/scope.ts';
import type { RunDeps, RunMessage } from './ports.ts';
import {
  accountFor,
  listersOf,
  LOOK_REQUESTS,
  MAX_DELAY_SECONDS,
  paceHints,
  PATIENT_MS,
  requestsPerHint,
} from './rate.ts';
import { addCompared, type CompareCounters, isListing } from './run.ts';
import type { OpenRange, RunRecord } from './run-store.ts';
import { createStepFile, type StepFile } from './step-file.ts';

/**
 * Maximum number of parts into which a range is cut at once. More parts would make the transaction too large (DynamoDB: 100
 * items).
 */
const MAX_SPLIT_PARTS = 64;

/**
 * Maximum number of concurrent listing requests of one range. At most two are expected: one for the next page of the source, and
 * one for a page of the destination.
 */
const REQUESTS_AT_ONCE = 4;

/**
 * Works until the range is done, the time is over, the run is stopped or another worker has taken over the range. If the time is
 * over, sends the message again, so that the rest of the range is compared later. If the run was stopped, sends nothing, because
 * resuming the run sends the messages again. Resolves to `ended` exactly once for each listing: when the last open range of the
 * listing is done. Throws what the ports throw; everything that was committed before remains committed.
 */
export const compareRange = async (message: RunMessage, deps: RunDeps): Promise<'ended' | 'done'> => {
  const run = await deps.store.load(message.run);
  if (run === null || !isSameListing(run, message.epoch)) return 'done';
  // The schedule sends the messages of all open ranges when the hours begin.
  if (opensMs(run.limits, deps.clock.now()) !== null) return 'done';
  const open = await deps.store.openRange(run.id, message.epoch, message.from);
  if (open === null) return 'done';
  assertSameScope(deps.configuration, run);
  const job = beginJob(run, open, message, deps);
  const end = await runJob(job, open);
  if (end.kind === 'handed-back' && !job.isStopped) {
    const delaySeconds = Math.min(MAX_DELAY_SECONDS, Math.ceil(job.waitMs / 1_000));
    await deps.queues.send([{ ...message, ...nextHop(message, job.hasMoved) }], delaySeconds);
  }
  return end.kind === 'ended' ? 'ended' : 'done';
};

/** Returns whether the run is still at the listing for which the message was sent. */
const isSameListing = ({ phase, epoch }: RunRecord, asked: number): boolean =>
  isListing(phase) && epoch === asked;

interface RangeJob {
  /** The run as it was loaded last. */
  run: RunRecord;
  readonly deps: RunDeps;
  readonly scope: Scope;
  readonly listing: 'compared' | 'checked';
  readonly patience: Patience;
  readonly file: StepFile;
  readonly consumer: CompareConsumer;
  /** Counters of the range, including the step under way. */
  counted: CompareCounters;
  /** Counters of the range after its last commit. */
  committedCounters: CompareCounters;
  /** The chain of messages that led to this job. */
  readonly chain: Chain;
  /** Whether this job has committed a step. */
  hasMoved: boolean;
  /** Whether the run was paused, cancelled or failed in the meantime, or its hours are over. */
  isStopped: boolean;
  /** How long the rest of the range has to wait for the rate of the run; 0 without a rate. */
  waitMs: number;
}

const beginJob = (run: RunRecord, { range, counted }: OpenRange, chain: Chain, deps: RunDeps): RangeJob => {
  const { clock, random, deadlineMs, listings } = deps;
  const { id, epoch, spec, createdMs } = run;
  const scope = scopeOf(deps.configuration, spec);
  const listing = run.phase === 'checking' ? 'checked' : 'compared';
  const patience = { clock, pace: createPace({ clock, most: REQUESTS_AT_ONCE }), random, deadlineMs };
  const files = listing === 'checked' ? deps.files : null;
  const file = createStepFile({ run: id, epoch, from: range.from }, files);
  const consumer = createCompareConsumer({
    run: id,
    epoch,
    spec,
    scope,
    listing,
    createdMs,
    listDestination: patientListing(listings.destination(scope.destination, spec.versions), patience),
    look: createCloserLook(scope, spec, { ...deps, prove: proveBy(deps.receipts) }),
    sendHints: async (hints, sizes) => {
      await deps.store.countSent(id, hints.length);
      await sendPaced(job, hints, sizes);
    },
    report: (rows) => file.write(rows),
    sleep: (ms) => clock.sleep(ms),
  });
  const counters = { counted, committedCounters: counted };
  const job: RangeJob = {
    run,
    deps,
    scope,
    listing,
    patience,
    file,
    consumer,
    ...counters,
    chain,
    hasMoved: false,
    isStopped: false,
    waitMs: 0,
  };
  return job;
};

/** Sends hints, each with the delay that the rate of the run requires. */
const sendPaced = async ({ run, deps }: RangeJob, hints: Hint[], sizes: number[]): Promise<void> => {
  const { id, limits, spec } = run;
  if (!hasRate(limits)) return await deps.queues.sendHints(hints);
  const perHint = run.requestsPerHint ?? requestsPerHint(spec, { copies: 0, done: 0 });
  const place = { store: deps.store, nowMs: deps.clock.now() };
  const paced = await paceHints({ id, limits, perHint }, { hints, sizes }, place);
  await deps.queues.sendHints(
    paced.map(({ hint }) => hint),
    paced.map(({ delaySeconds }) => delaySeconds),
  );
};

/** Accounts for the requests of the step. Waits if the rate allows the next step soon, and otherwise ends the work. */
const keepRate = async (
  { limits }: RunRecord,
  { sourcePages, destinationPages, looks }: CompareCounters,
  job: RangeJob,
  work: RangeWork,
): Promise<void> => {
  if (!hasRate(limits)) return;
  const { deps, run } = job;
  const { clock, deadlineMs, store } = deps;
  const requests = sourcePages + destinationPages + LOOK_REQUESTS * looks;
  const nowMs = clock.now();
  const waitMs = await accountFor({ id: run.id, limits }, { requests, bytes: 0 }, { store, nowMs });
  if (waitMs <= PATIENT_MS && nowMs + waitMs < deadlineMs) return await clock.sleep(waitMs);
  job.waitMs = waitMs;
  work.stop();
};

const runJob = async (job: RangeJob, { range }: OpenRange): Promise<RangeEnd> => {
  const { run, deps, scope, patience } = job;
  const work: RangeWork = createRangeWork<ListedVersion>(
    range,
    {
      listPage: patientListing(deps.listings.source(scope.rule, run.spec.versions), patience),
      consumerOf: () => (stretch, checkpoint) => consumeStretch(job, work, stretch, checkpoint),
      ledger: { commit: (commit) => commitRangeStep(job, commit) },
      now: () => deps.clock.now(),
    },
    { prefix: scope.mapping.sourcePrefix, deadlineMs: deps.deadlineMs },
  );
  try {
    return await work.run();
  } catch (error) {
    await job.file.abort();
    throw asReplicationError(error);
  }
};

const consumeStretch = async (
  job: RangeJob,
  work: RangeWork,
  stretch: Stretch<ListedVersion>,
  checkpoint: Checkpoint,
): Promise<Json> => {
  job.file.begin(stretch);
  const carry = await job.consumer.consume(stretch, async (progress) => {
    await endRangeStep(job, work);
    await checkpoint(progress);
    job.file.begin(progress);
  });
  await endRangeStep(job, work);
  return carry;
};

/**
 * Prepares the commit of a step: adds up the counters and closes the file of differences. Also stops the work if the run was
 * stopped, and otherwise gives parts of the range to idle workers.
 */
const endRangeStep = async (job: RangeJob, work: RangeWork): Promise<void> => {
  const { run, deps } = job;
  const taken = job.consumer.taken();
  job.counted = addCompared(job.counted, taken);
  await job.file.end();
  const now = await deps.store.load(run.id);
  if (now === null || !isSameListing(now, run.epoch) || opensMs(now.limits, deps.clock.now()) !== null) {
    job.isStopped = true;
    return work.stop();
  }
  job.run = now;
  await shareWithIdle(work, now.openRanges, listersOf(now.limits, deps.listingConcurrency));
  await keepRate(now, taken, job, work);
};

/**
 * Cuts off parts of the range if workers are idle. The open ranges are split independently of each other. So this range gives
 * work only to its share of the idle workers: their number divided by the number of open ranges.
 */
const shareWithIdle = async (work: RangeWork, openRanges: number, concurrency: number): Promise<void> => {
  const idle = concurrency - openRanges;
  if (idle <= 0) return;
  const wanted = 1 + Math.ceil(idle / Math.max(1, openRanges));
  const parts = Math.min(wanted, MAX_SPLIT_PARTS, 1 + Math.floor(work.remainingPages()));
  if (parts > 1) await work.split(parts);
};

const commitRangeStep = async (job: RangeJob, { before, after, children }: Commit): Promise<Committed> => {
  const { run, deps, listing } = job;
  // Counters are committed with the step that advances the range, not with a commit that only cuts parts off.
  const isProgress = children.length === 0;
  const counted = isProgress ? job.counted : job.committedCounters;
  const answer = await deps.store.commit({
    run: run.id,
    epoch: run.epoch,
    listing,
    before,
    after,
    children,
    counted,
    file: isProgress ? job.file.written() : null,
    nowMs: deps.clock.now(),
  });
  if (answer === 'superseded') return answer;
  job.committedCounters = counted;
  job.hasMoved ||= isProgress;
  await deps.queues.send(
    children.map(({ from }) => ({ run: run.id, epoch: run.epoch, from, ...nextHop(job.chain, true) })),
  );
  return answer;
};
