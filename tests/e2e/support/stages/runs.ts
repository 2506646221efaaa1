/** Starts two accounts with `runs.yml` deployed between them, and with a bucket for reports. */
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import {
  SOURCE_ACCOUNT,
  startTwoAccounts,
  type TwoAccounts,
  type TwoAccountsOptions,
} from '../../../../demo/two-accounts.ts';
import type { Template } from '@s3-replicator/local-aws/template';
import type { RunReport } from '../../../../src/lib/runs/report/report-data.ts';
import type { CopyCounters, Run } from '../../../../src/lib/runs/run.ts';
import { packaged, replicationFileOf } from './packaged.ts';
import { bucketIs, messagesOf, waitingQueuesOf, REGION } from './stage.ts';

export type ShownRun = Run & { copied: CopyCounters };

export interface RunsStage extends TwoAccounts {
  /** Invokes the backfill function directly. */
  invoke(payload: object): Promise<unknown>;
  /** Invokes the function with a request that concerns one run. Resolves to that run. */
  ask(payload: object): Promise<ShownRun>;
  /** Waits until the condition holds. While the functions are idle, the wait moves the clock of the local AWS. */
  until(id: string, holds: (run: ShownRun) => boolean, limitMs?: number): Promise<ShownRun>;
  /** Waits until the run is finished, failed or cancelled. */
  untilOver(id: string, limitMs?: number): Promise<ShownRun>;
  /** Waits until the live queue is empty. After a crash, the queue may contain hidden messages. */
  untilQuiet(limitMs?: number): Promise<void>;
  /** Waits up to half a second for a moment at which the functions are idle. Resolves to false when there was none. */
  idle(): Promise<boolean>;
  report(run: Run): Promise<RunReport>;
  /** Reads a file in the bucket for reports. */
  file(key: string): Promise<string>;
}

/** Maximum real time of a wait. A busy machine may need most of this time. */
const LIMIT_MS = 150_000;

/** Starts the stage. `before` fills the source before the deployment. The destination bucket `twice-plain` is not versioned. */
export const startRunsStage = async (before?: TwoAccountsOptions['before']): Promise<RunsStage> => {
  const configuration = replicationFileOf('runs');
  const accounts = await startTwoAccounts({
    configuration,
    packaged: await packaged(configuration),
    sourceBuckets: {
      locked: { VersioningConfiguration: { Status: 'Enabled' }, ObjectLockEnabled: true },
    },
    async before(started) {
      started.aws.s3.createBucket({ name: 'reports', accountId: SOURCE_ACCOUNT, region: REGION });
      await before?.(started);
    },
    edit: { destination: leaveUnversioned },
  });
  const { names } = accounts;
  const invoke: RunsStage['invoke'] = (payload) => invokeBackfill(accounts, payload);
  const ask: RunsStage['ask'] = async (payload) => {
    const answer = (await invoke(payload)) as { runs?: ShownRun[] };
    const run = answer.runs?.[0];
    if (run === undefined) throw new Error(JSON.stringify(answer));
    return run;
  };
  const until: RunsStage['until'] = (id, holds, limitMs = LIMIT_MS) =>
    untilHolds({ accounts, look: () => ask({ action: 'status', run: id }) }, holds, limitMs);
  const file: RunsStage['file'] = (key) => reportFile(accounts, key);
  return {
    ...accounts,
    invoke,
    ask,
    until,
    untilQuiet: (limitMs = LIMIT_MS) => untilLiveQueueIsEmpty(accounts, limitMs),
    idle: () => isIdleSoon(accounts),
    untilOver: (id, limitMs) => until(id, ({ phase }) => OVER.has(phase), limitMs),
    file,
    async report({ id }) {
      const report: RunReport = JSON.parse(await file(`replication/${names.stack}/${id}/report.json`));
      return report;
    },
  };
};

const OVER: ReadonlySet<string> = new Set(['finished', 'failed', 'cancelled']);

const leaveUnversioned = ({ Conditions: conditions, Resources: resources }: Template): void => {
  Object.assign(conditions, { IsPlain: bucketIs('twice-plain') });
  Object.assign(resources['Bucket']?.Properties ?? {}, {
    VersioningConfiguration: { 'Fn::If': ['IsPlain', { Ref: 'AWS::NoValue' }, { Status: 'Enabled' }] },
  });
};

const invokeBackfill = async ({ aws, names }: TwoAccounts, payload: object): Promise<unknown> => {
  const backfill = aws.lambda.function(names.backfillFunction);
  let answer = await backfill.run(JSON.stringify(payload));
  for (let retries = 0; retries < MAXIMUM_RETRIES && isInterrupted(answer.payload); retries += 1)
    answer = await backfill.run(JSON.stringify(payload));
  if (answer.functionError) throw new Error(answer.payload);
  const parsed: unknown = JSON.parse(answer.payload);
  return parsed;
};

/** Maximum number of retries of an interrupted invocation. */
const MAXIMUM_RETRIES = 5;

/**
 * Returns whether the invocation failed for a reason that a retry solves: a test killed the function, or a request timed out on a
 * busy machine.
 */
const isInterrupted = (payload: string): boolean => /signal: killed|TimeoutError/.test(payload);

interface Watched {
  accounts: TwoAccounts;
  look(): Promise<ShownRun>;
}

const untilHolds = async (
  { accounts, look }: Watched,
  holds: (run: ShownRun) => boolean,
  limitMs: number,
): Promise<ShownRun> => {
  const beganMs = Date.now();
  let last = '';
  let stepSeconds = 1;
  for (;;) {
    const run = await look();
    if (holds(run)) return run;
    const tookMs = Date.now() - beganMs;
    if (tookMs > limitMs) throw new Error(`the run does not get there: ${JSON.stringify(run)}`);
    // If only the record of its standing still has changed, the run has made no progress.
    const now = JSON.stringify({ ...run, revision: null, still: null });
    const isStill = now === last;
    stepSeconds = isStill ? Math.min(stepSeconds * 2, 300) : 1;
    last = now;
    // Each look at the run invokes the function. During a long run, frequent looks would take a large part of the CPU.
    await sleep(isStill ? 100 : Math.min(100 + tookMs / 50, 1_000));
    // The clock is only moved while the functions are idle, because a working function would sign its requests with the old time.
    if (await isIdleSoon(accounts)) accounts.aws.clock.advance(stepSeconds * 1_000);
  }
};

/** Waits up to half a second for a moment at which the functions are idle. Resolves to false when there was none. */
const isIdleSoon = async ({ aws, names }: TwoAccounts): Promise<boolean> => {
  const isBusy = (): boolean =>
    [names.backfillFunction, names.replicateFunction].some(
      (name) => aws.lambda.function(name).pool().busy() > 0,
    );
  for (let checks = 0; checks < 100; checks += 1) {
    if (!isBusy()) return true;
    await sleep(5);
  }
  return false;
};

const untilLiveQueueIsEmpty = async (accounts: TwoAccounts, limitMs: number): Promise<void> => {
  const { aws, names } = accounts;
  const queues = [messagesOf(aws, names.liveQueue), ...waitingQueuesOf(accounts)];
  const endMs = Date.now() + limitMs;
  for (;;) {
    const counts = queues.map((queue) => queue.counts());
    if (counts.every(({ visible, delayed, inFlight }) => visible + delayed + inFlight === 0)) return;
    if (Date.now() > endMs) throw new Error(`the queues are not empty: ${JSON.stringify(counts)}`);
    await sleep(50);
    if (counts[0]?.visible === 0 && (await isIdleSoon(accounts))) aws.clock.advance(STEP_MS);
  }
};

const STEP_MS = 300_000;

const reportFile = async ({ source }: TwoAccounts, key: string): Promise<string> => {
  const { Body: body } = await source.s3().send(new GetObjectCommand({ Bucket: 'reports', Key: key }));
  return (await body?.transformToString()) ?? '';
};
