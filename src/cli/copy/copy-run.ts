/** Runs one copy: compares both sides, copies differing keys during the comparison, and compares again. */
import type { OpenBuckets } from '../../lib/aws/operator.ts';
import { findLeftovers, type Leftovers } from '../../lib/copy/leftovers.ts';
import type { Buckets } from '../../lib/model/ports.ts';
import type { ReplicationConfiguration } from '../../lib/model/rule.ts';
import type { VersionReceipts } from '../../lib/replica/version-receipt.ts';
import { scopeOf } from '../../lib/runs/compare/scope.ts';
import type { ReportRow } from '../../lib/runs/report/report-data.ts';
import { NOTHING_COMPARED, nothingCopied, type RunSpec } from '../../lib/runs/run.ts';
import type { CliIo } from '../terminal/io.ts';
import { createProgress, type Progress } from '../terminal/progress.ts';
import { limitOf, meteredBuckets } from './copy-meter.ts';
import { type CopyFailure, type CopyObjects, createCopyObjects } from './copy-objects.ts';
import type { CopyReport } from './copy-report.ts';
import { createFreshLooks } from './fresh-looks.ts';
import type { CopyRequest } from './copy-request.ts';
import { askService, serviceNotes } from './copy-service.ts';
import { copyingText, type CopyResult } from './copy-text.ts';
import { comparingText, compareLocally, type LocalSides } from '../runs/run-local.ts';

/** How many ranges are listed at once. */
const LISTING_WORKERS = 16;
/** How many failures the result names. */
const MAX_FAILURES = 100;
/** How often the progress is shown. */
const SHOWN_EVERY_MS = 200;

export interface CopyDeps {
  io: CliIo;
  opened: OpenBuckets;
  receipts: Pick<VersionReceipts, 'find'>;
  /** Null if no report is written. */
  report: CopyReport | null;
}

/** Copies the keys that differ. Failures of single keys are part of the result. Throws ReplicationError if nothing can be copied at all. */
export const copyHere = async (request: CopyRequest, spec: RunSpec, deps: CopyDeps): Promise<CopyResult> => {
  const { io, opened, report } = deps;
  const { configuration, service } = request.isDryRun
    ? { configuration: request.configuration, service: null }
    : await askService(wayOf(request.configuration, opened), spec, { ...request, opened });
  for (const note of service === null ? [] : serviceNotes(service)) io.stderr.write(`note: ${note}\n`);
  const { rule, destination, mapping } = scopeOf(configuration, spec);
  const result: CopyResult = {
    spec,
    source: `s3://${rule.source.bucket}/${mapping.sourcePrefix}`,
    destination: `s3://${destination.bucket}/${mapping.destinationPrefix}`,
    isDryRun: request.isDryRun,
    isComplete: false,
    seconds: 0,
    movedBytes: 0,
    compared: NOTHING_COMPARED,
    copied: nothingCopied(),
    checked: null,
    failures: [],
    service,
  };
  const course: Course = {
    request,
    spec,
    deps,
    configuration,
    result,
    progress: createProgress(io),
    beganMs: io.now(),
    checkBeganMs: null,
  };
  const { beganMs } = course;
  try {
    await compareAndCopy(course);
    if (result.isComplete && (result.copied.done > 0 || result.copied.failed > 0)) await check(course);
  } catch (error) {
    // If the command was interrupted, the request failed only because Ctrl-C ended it.
    if (!io.interrupted.aborted) throw error;
  } finally {
    course.progress.end();
    const endedMs = io.now();
    result.seconds = (endedMs - beganMs) / 1_000;
    await report?.end(result, { ...course, endedMs });
  }
  return result;
};

interface Course {
  request: CopyRequest;
  spec: RunSpec;
  deps: CopyDeps;
  configuration: ReplicationConfiguration;
  result: CopyResult;
  progress: Progress;
  beganMs: number;
  /** When the last comparison began; null before that. */
  checkBeganMs: number | null;
}

/** Lets the bytes pass through this process if S3 itself cannot copy, which is the case between two endpoints or partitions. */
const wayOf = (
  configuration: ReplicationConfiguration,
  { isOnePlace }: OpenBuckets,
): ReplicationConfiguration =>
  isOnePlace
    ? configuration
    : { ...configuration, rules: configuration.rules.map((rule) => ({ ...rule, copy: 'stream' })) };

const sidesOf = ({ request, spec, deps, configuration }: Course): LocalSides => ({
  spec,
  configuration,
  workers: LISTING_WORKERS,
  reading: request.reading,
  listings: deps.opened.listings,
  buckets: deps.opened.buckets,
  receipts: deps.receipts,
});

const compareAndCopy = async (course: Course): Promise<void> => {
  const { request, deps, result, beganMs } = course;
  const { io } = deps;
  let isListed = false;
  let shownMs = beganMs;
  const planned = { objects: 0, bytes: 0 };
  const show = (): void => {
    const nowMs = io.now();
    if (nowMs - shownMs < SHOWN_EVERY_MS) return;
    shownMs = nowMs;
    const { compared, copied: tally, movedBytes } = result;
    const seconds = (nowMs - beganMs) / 1_000;
    const state = { keys: compared.keys, planned, tally, movedBytes, isListed, seconds };
    course.progress.update(copyingText(state, io.stderr.columns ?? Infinity));
  };
  const objects = request.isDryRun ? null : await openObjects(course, show);
  const { isComplete } = await compareLocally(sidesOf(course), io, {
    async sendHints(hints) {
      planned.objects += hints.length;
      for (const { kind, sizeBytes } of hints) planned.bytes += kind === 'extra' ? 0 : (sizeBytes ?? 0);
      for (const hint of hints) await objects?.add(hint);
    },
    onRows: (rows) => {
      if (request.isDryRun) reportRows(course, rows);
    },
    onCounted(counted) {
      result.compared = counted;
      show();
    },
  });
  isListed = isComplete;
  await objects?.drained();
  result.isComplete = isComplete && !io.interrupted.aborted;
};

const openObjects = async (course: Course, show: () => void): Promise<CopyObjects> => {
  const { request, spec, deps, configuration, result } = course;
  const { io, opened, report } = deps;
  const { rule, destination, mapping } = scopeOf(configuration, spec);
  const sides = { source: opened.buckets.source(rule), destination: opened.buckets.destination(destination) };
  const leftovers: Leftovers = await findLeftovers(sides.destination, mapping.destinationPrefix, io);
  const buckets: Buckets = meteredBuckets(sides, {
    limit: limitOf(request.limits.bytesPerSecond, io),
    onBytes(bytes) {
      result.movedBytes += bytes;
      show();
    },
  });
  const objects = createCopyObjects({
    configuration,
    buckets,
    leftovers,
    freshLooks: createFreshLooks({
      listPage: opened.listings.source(rule, 'latest'),
      prefix: mapping.sourcePrefix,
      serverNow: () => opened.serverNow(rule),
      sleep: (ms) => io.sleep(ms),
    }),
    concurrency: request.concurrency,
    clock: io,
    stopped: io.interrupted,
    onDone: show,
    onFailure(failure: CopyFailure) {
      if (result.failures.length < MAX_FAILURES) result.failures.push(failure);
      report?.failure(failure);
    },
  });
  result.copied = objects.tally;
  return objects;
};

const check = async (course: Course): Promise<void> => {
  const { deps, progress, result } = course;
  const { io } = deps;
  const beganMs = io.now();
  course.checkBeganMs = beganMs;
  const { counted, isComplete } = await compareLocally(sidesOf(course), io, {
    sendHints: null,
    onRows: (rows) => reportRows(course, rows),
    onCounted: (now) => progress.update(`checking: ${comparingText(now, (io.now() - beganMs) / 1_000)}`),
  });
  if (isComplete) result.checked = counted;
  else result.isComplete = false;
};

const reportRows = ({ deps: { report } }: Course, rows: readonly ReportRow[]): void => {
  for (const row of rows) report?.row(row);
};
