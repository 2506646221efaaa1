/** Two accounts with `backfill.yml` deployed between them, and a bucket for reports. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import {
  SOURCE_ACCOUNT,
  startTwoAccounts,
  type TwoAccounts,
  type TwoAccountsOptions,
} from '../../../demo/two-accounts.ts';
import { REPOSITORY } from '../../../demo/package-stack.ts';
import type { Template } from '@s3-replicator/local-aws/template';
import type { RunReport } from '../../../src/lib/runs/report/report-data.ts';
import type { CopyCounters, Run } from '../../../src/lib/runs/run.ts';
import { packaged } from './artifact.ts';
import { bucketIs, messagesOf, REGION } from './stage.ts';

export type ShownRun = Run & { copied: CopyCounters };

export interface RunsStage extends TwoAccounts {
  /** A plain invocation of the backfill function. */
  invoke(payload: object): Promise<unknown>;
  /** As `invoke`, where one run is the answer. */
  ask(payload: object): Promise<ShownRun>;
  /** Until the condition holds. While the run only waits, the clock of the local AWS is moved. */
  until(id: string, holds: (run: ShownRun) => boolean, limitMs?: number): Promise<ShownRun>;
  /** Until it is finished, failed or cancelled. */
  untilOver(id: string, limitMs?: number): Promise<ShownRun>;
  /** Until the live queue is empty, with what is hidden in it after a crash. */
  untilQuiet(limitMs?: number): Promise<void>;
  report(run: Run): Promise<RunReport>;
  /** A file of the bucket for reports. */
  file(key: string): Promise<string>;
}

const FILE = join(REPOSITORY, 'tests', 'e2e', 'support', 'backfill.yml');

/** `before`: what is at the source before the deployment. The destination bucket `twice-plain` is not versioned. */
export const startRunsStage = async (before: TwoAccountsOptions['before']): Promise<RunsStage> => {
  const accounts = await startTwoAccounts({
    configuration: FILE,
    packaged: await packaged(FILE),
    sourceBuckets: {
      locked: { VersioningConfiguration: { Status: 'Enabled' }, ObjectLockEnabled: true },
    },
    async before(started) {
      started.aws.s3.createBucket({ name: 'reports', accountId: SOURCE_ACCOUNT, region: REGION });
      await before?.(started);
    },
    edit: { destination: leaveUnversioned },
  });
  const { aws, names, source } = accounts;

  const invoke: RunsStage['invoke'] = async (payload) => {
    let answer = await aws.lambda.function(names.backfillFunction).run(JSON.stringify(payload));
    // It may be the one that is killed.
    if (answer.payload.includes('signal: killed'))
      answer = await aws.lambda.function(names.backfillFunction).run(JSON.stringify(payload));
    if (answer.functionError) throw new Error(answer.payload);
    const parsed: unknown = JSON.parse(answer.payload);
    return parsed;
  };
  const ask: RunsStage['ask'] = async (payload) => {
    const answer = (await invoke(payload)) as { runs?: ShownRun[] };
    const run = answer.runs?.[0];
    if (run === undefined) throw new Error(JSON.stringify(answer));
    return run;
  };
  const isBusy = (): boolean =>
    [names.backfillFunction, names.replicateFunction].some(
      (name) => aws.lambda.function(name).pool().busy() > 0,
    );
  /** Others may keep the functions at work, but never all the time. */
  const isIdleSoon = async (): Promise<boolean> => {
    for (let looks = 0; looks < 100; looks += 1) {
      if (!isBusy()) return true;
      await sleep(5);
    }
    return false;
  };
  const until: RunsStage['until'] = async (id, holds, limitMs = 25_000) => {
    const beganMs = Date.now();
    let last = '';
    let stepSeconds = 1;
    for (;;) {
      const run = await ask({ action: 'status', run: id });
      if (holds(run)) return run;
      const tookMs = Date.now() - beganMs;
      if (tookMs > limitMs) throw new Error(`the run does not get there: ${JSON.stringify(run)}`);
      // A tick is no progress.
      const now = JSON.stringify({ ...run, tick: null, revision: null, emptyLooks: null });
      const isStill = now === last;
      stepSeconds = isStill ? Math.min(stepSeconds * 2, 300) : 1;
      last = now;
      // Each look is an invocation: of a long run they would be a good part of the work.
      await sleep(isStill ? 50 : Math.min(50 + tookMs / 50, 1_000));
      // Whoever is at work would sign with the time that was.
      if (await isIdleSoon()) aws.clock.advance(stepSeconds * 1_000);
    }
  };
  const live = messagesOf(aws, names.liveQueue);
  const untilQuiet: RunsStage['untilQuiet'] = async (limitMs = 25_000) => {
    const beganMs = Date.now();
    for (;;) {
      const { visible, delayed, inFlight } = live.counts();
      if (visible + delayed + inFlight === 0) return;
      if (Date.now() - beganMs > limitMs)
        throw new Error(`still not quiet: ${JSON.stringify(live.counts())}`);
      await sleep(50);
      if (visible === 0 && (await isIdleSoon())) aws.clock.advance(STEP_MS);
    }
  };
  const file: RunsStage['file'] = async (Key) => {
    const { Body: body } = await source.s3().send(new GetObjectCommand({ Bucket: 'reports', Key }));
    return (await body?.transformToString()) ?? '';
  };
  return {
    ...accounts,
    invoke,
    ask,
    until,
    untilQuiet,
    untilOver: (id, limitMs) => until(id, ({ phase }) => OVER.has(phase), limitMs),
    file,
    async report({ id }) {
      const report: RunReport = JSON.parse(await file(`replication/${names.stack}/${id}/report.json`));
      return report;
    },
  };
};

const STEP_MS = 300_000;

const OVER: ReadonlySet<string> = new Set(['finished', 'failed', 'cancelled']);

const leaveUnversioned = ({ Conditions: conditions, Resources: resources }: Template): void => {
  Object.assign(conditions, { IsPlain: bucketIs('twice-plain') });
  Object.assign(resources['Bucket']?.Properties ?? {}, {
    VersioningConfiguration: { 'Fn::If': ['IsPlain', { Ref: 'AWS::NoValue' }, { Status: 'Enabled' }] },
  });
};
