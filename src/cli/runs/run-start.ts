/** Starts runs of the backfill function: shows the estimate, asks for confirmation, starts the runs and watches them. */
import { resourceNames } from '../../lib/configuration/resource-names.ts';
import { scopeOf } from '../../lib/runs/compare/scope.ts';
import { startRuns as startAll } from '../../lib/runs/control.ts';
import { agrees } from '../../lib/runs/report/comparison-text.ts';
import type { RunEstimate, RunSpec } from '../../lib/runs/run.ts';
import { byteText } from '../../lib/text/amounts.ts';
import { confirm, confirmByTyping } from '../terminal/confirm.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { askServices } from './run-service.ts';
import { estimateRuns } from './run-estimate.ts';
import type { StartCommand, StartRequest } from './run-request.ts';
import { loadState, publicRun } from './run-state.ts';
import { estimateLines, runLines, type RunState, runTitle } from './run-text.ts';
import { watchRun } from './run-watch.ts';

/** The settings by which a dry run differs from a real run. */
interface StartManner {
  /** Returns the run to start in place of the requested run. */
  instead(spec: RunSpec): RunSpec;
}

const AS_ASKED: StartManner = { instead: (spec) => spec };
export const DRY: StartManner = {
  instead: (spec) => ({ ...spec, kind: 'verify', repair: false, deleteExtra: false, isDryRun: true }),
};

/** Starts the requested runs, or their dry runs. Resolves to the exit code. */
export const startRuns = async (command: StartCommand, manner = AS_ASKED): Promise<number> => {
  const { request, io } = command;
  const asked = await askBefore(command);
  if ('exitCode' in asked) return asked.exitCode;
  const text = request.json ? io.stderr : io.stdout;
  const ids = await beginRuns(command, asked.estimates, manner);
  for (const id of ids) text.write(`Run ${id} has begun.\n`);
  return request.wait ? await waitFor(ids, command) : await leave(ids, command);
};

/** Starts the runs without a question. `estimates` are in the order of the runs. Resolves to their ids. */
export const beginRuns = async (
  command: StartCommand,
  estimates: readonly (RunEstimate | null)[],
  manner = AS_ASKED,
): Promise<string[]> => {
  const { request, io, ports } = command;
  const { deployment, replication } = request.configuration;
  const { store, queues } = ports.runs(deployment);
  const deps = { store, queues, clock: io, random: ports.random, configuration: replication };
  const starts = request.specs.map((spec, index) => ({
    spec: manner.instead(spec),
    // The estimate is for the real run, so it is not stored with a dry run, whose use of AWS is different.
    estimate: manner === DRY ? null : (estimates[index] ?? null),
    limits: request.limits,
  }));
  await askServices(
    command,
    starts.map(({ spec }) => spec),
  );
  return (await startAll(starts, deps)).map(({ id }) => id);
};

/**
 * Shows the runs and their estimated cost, and asks for confirmation. Resolves to an exit code when the runs must not start, because the
 * operator declined or interrupted the command.
 */
export const askBefore = async ({
  request,
  io,
  ports,
}: StartCommand): Promise<{ estimates: (RunEstimate | null)[] } | { exitCode: number }> => {
  const estimates = await estimateRuns({ request, io, ports });
  if (estimates === null) return { exitCode: EXIT.interrupted };
  const text = request.json ? io.stderr : io.stdout;
  for (const [index, spec] of request.specs.entries())
    text.write(beforeText(request, spec, estimates[index] ?? null));
  if (await mayStart(request, io)) return { estimates };
  io.stderr.write('Nothing was started.\n');
  return { exitCode: io.interrupted.aborted ? EXIT.interrupted : EXIT.failure };
};

const beforeText = (
  { configuration, reading }: StartRequest,
  spec: RunSpec,
  estimate: RunEstimate | null,
): string => {
  const { from, to } = placesOf(configuration, spec);
  const copies = spec.kind === 'backfill' || spec.repair;
  return [
    runTitle({ spec }),
    `  from ${from}`,
    `  to   ${to}`,
    ...(estimate === null ? [] : estimateLines(estimate)),
    ...(estimate === null || !copies
      ? []
      : ['  if the destination is empty; objects that are already replicated cost only their listing']),
    ...(reading === 'none' ? [] : readingLines(reading, estimate)),
    '',
  ].join('\n');
};

/** Returns the places of the source objects and of the replicas of a run. */
export const placesOf = (
  { replication }: StartRequest['configuration'],
  spec: RunSpec,
): { from: string; to: string } => {
  const { rule, destination, mapping } = scopeOf(replication, spec);
  return {
    from: `s3://${rule.source.bucket}/${mapping.sourcePrefix}*${rule.source.suffix}`,
    to: `s3://${destination.bucket}/${mapping.destinationPrefix}*${rule.source.suffix} (${destination.region})`,
  };
};

const readingLines = (reading: StartRequest['reading'], estimate: RunEstimate | null): string[] => [
  `  reads ${reading === 'all' ? 'all objects' : 'the objects that only a CRC or a stamp proves, and at most all,'} on both sides${estimate === null ? '' : `: ${byteText(2 * estimate.bytes)} at most`}`,
  '  the transfer is for a machine outside AWS; reading from a machine in the region of a bucket costs none',
];

/**
 * Asks whether the runs may start. If a run deletes, the operator has to type the name of the bucket. Throws {@link CliError} for another
 * name.
 */
export const mayStart = async ({ configuration, specs, yes }: StartRequest, io: CliIo): Promise<boolean> => {
  for (const spec of specs.filter(({ deleteExtra }) => deleteExtra)) {
    const { bucket } = scopeOf(configuration.replication, spec).destination;
    const warning = `The run deletes the replicas in ${bucket} whose objects are no longer in the source bucket. A versioned bucket keeps them under a delete marker; an unversioned bucket does not keep them.`;
    await confirmByTyping({ warning, word: bucket }, io);
  }
  return yes || (await confirm(specs.length === 1 ? 'Start?' : `Start these ${specs.length} runs?`, io));
};

const leave = async (ids: string[], command: StartCommand): Promise<number> => {
  if (command.request.json) await printJson(ids, command);
  command.io.stderr.write(howToFollow(ids));
  return EXIT.ok;
};

const howToFollow = (ids: string[]): string =>
  ids.map((id) => `To see its progress: npx s3-replicator backfill status ${id}\n`).join('');

const waitFor = async (ids: string[], command: StartCommand): Promise<number> => {
  const { request, io, ports } = command;
  const { store } = ports.runs(request.configuration.deployment);
  const codes: number[] = [];
  for (const id of ids) {
    if ((await watchRun(id, store, io)) === null) {
      io.stderr.write(
        `note: ${ids.length === 1 ? 'the run continues' : 'the runs continue'}. ${howToFollow(ids)}`,
      );
      return EXIT.interrupted;
    }
    const state = await loadState(id, store, io.now());
    if (state === null) continue;
    if (!request.json)
      io.stdout.write(
        `\n${runLines(state, { nowMs: io.now(), columns: io.columns }, reportFolder(request.configuration, id)).join('\n')}\n`,
      );
    codes.push(runExitCode(state));
  }
  if (request.json) await printJson(ids, command);
  return codes.find((code) => code !== EXIT.ok) ?? EXIT.ok;
};

/** Returns the S3 URI of the folder with the report's files. Returns null if the configuration writes no report files. */
export const reportFolder = (
  { backfill, deployment }: StartRequest['configuration'],
  id: string,
): string | null =>
  backfill.report === null
    ? null
    : `s3://${backfill.report.bucket}/${backfill.report.prefix}${resourceNames(deployment).stack}/${id}/`;

/** Prints one JSON object for all runs. Its field `runs` is in the order of the destinations. */
const printJson = async (ids: string[], { request, io, ports }: StartCommand): Promise<void> => {
  const { store } = ports.runs(request.configuration.deployment);
  const runs: RunState[] = [];
  for (const id of ids) {
    const state = await loadState(id, store, io.now());
    if (state !== null)
      runs.push({ ...publicRun(state), copied: state.copied, used: state.used, progress: state.progress });
  }
  io.stdout.write(jsonText({ runs }));
};

/** Returns the exit code for a run that has stopped. */
export const runExitCode = ({
  phase,
  checked,
  spec,
}: Pick<RunState, 'phase' | 'checked' | 'spec'>): number => {
  if (phase === 'paused' || phase === 'cancelled') return EXIT.partial;
  if (phase !== 'finished' || checked === null) return EXIT.failure;
  // A dry run is meant to find differences.
  return spec.isDryRun || agrees(spec, checked) ? EXIT.ok : EXIT.failure;
};
