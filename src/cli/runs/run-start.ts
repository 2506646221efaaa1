/** Starts runs of the backfill function: estimate, question, start, watch. */
import { resourceNames } from '../../lib/configuration/resource-names.ts';
import { startRun } from '../../lib/runs/control.ts';
import { differing } from '../../lib/runs/report/comparison-text.ts';
import { scopeOf } from '../../lib/runs/compare/scope.ts';
import type { RunSpec, RunEstimate } from '../../lib/runs/run.ts';
import { confirm, confirmByTyping } from '../terminal/confirm.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { estimateRuns } from './run-estimate.ts';
import type { RunPorts } from './run-ports.ts';
import type { StartRequest } from './run-request.ts';
import { loadState, publicRun } from './run-state.ts';
import { estimateLines, runLines, type RunState, runTitle } from './run-text.ts';
import { watchRun } from './run-watch.ts';

/** What a dry run does otherwise. */
export interface StartManner {
  /** The run that is started in the place of the one that is estimated. */
  instead(spec: RunSpec): RunSpec;
  isDifferenceFailure: boolean;
}

const AS_ASKED: StartManner = { instead: (spec) => spec, isDifferenceFailure: true };
export const DRY: StartManner = {
  instead: (spec) => ({ ...spec, kind: 'verify', repair: false, deleteExtra: false }),
  isDifferenceFailure: false,
};

/** To the exit code. */
export const startRuns = async (
  request: StartRequest,
  io: CliIo,
  ports: RunPorts,
  manner = AS_ASKED,
): Promise<number> => {
  const { configuration, specs, json, wait } = request;
  const asked = await askBefore(request, io, ports);
  if ('exitCode' in asked) return asked.exitCode;
  const { estimates } = asked;
  const text = json ? io.stderr : io.stdout;
  const { store, queues } = ports.runs(configuration.deployment);
  const deps = { store, queues, clock: io, random: ports.random };
  const ids: string[] = [];
  for (const [index, spec] of specs.entries()) {
    // What a dry run uses is nothing to hold against the estimate of the real one.
    const estimate = manner === DRY ? null : (estimates[index] ?? null);
    const { id } = await startRun(manner.instead(spec), estimate, deps);
    text.write(`Run ${id} has begun.\n`);
    ids.push(id);
  }
  return wait ? await waitFor(ids, request, io, ports, manner) : await leave(ids, request, io, ports);
};

/** Shows what is about to begin and what it costs, and asks. `exitCode`: it is not wanted. */
export const askBefore = async (
  request: StartRequest,
  io: CliIo,
  ports: RunPorts,
): Promise<{ estimates: (RunEstimate | null)[] } | { exitCode: number }> => {
  const { specs, json } = request;
  const estimates = await estimateRuns(request, io, ports);
  if (estimates === null) return { exitCode: EXIT.interrupted };
  const text = json ? io.stderr : io.stdout;
  for (const [index, spec] of specs.entries())
    text.write(beforeText(request, spec, estimates[index] ?? null));
  if (await isWanted(request, io)) return { estimates };
  io.stderr.write('Nothing was started.\n');
  return { exitCode: io.interrupted.aborted ? EXIT.interrupted : EXIT.failure };
};

/** Where the files of the report are; null: none are written. */
export const reportFolder = (
  { backfill, deployment }: StartRequest['configuration'],
  id: string,
): string | null =>
  backfill.report === null
    ? null
    : `s3://${backfill.report.bucket}/${backfill.report.prefix}${resourceNames(deployment).stack}/${id}/`;

const beforeText = ({ configuration }: StartRequest, spec: RunSpec, estimate: RunEstimate | null): string => {
  const { rule, destination, mapping } = scopeOf(configuration.replication, spec);
  const from = `s3://${rule.source.bucket}/${mapping.sourcePrefix}*${rule.source.suffix}`;
  const to = `s3://${destination.bucket}/${mapping.destinationPrefix}*${rule.source.suffix} (${destination.region})`;
  const copies = spec.kind === 'backfill' || spec.repair;
  return [
    runTitle({ spec }),
    `  from ${from}`,
    `  to   ${to}`,
    ...(estimate === null ? [] : estimateLines(estimate)),
    ...(estimate === null || !copies
      ? []
      : ['  if nothing is there yet; what is there already costs its listing only']),
    '',
  ].join('\n');
};

const isWanted = async ({ configuration, specs, yes }: StartRequest, io: CliIo): Promise<boolean> => {
  for (const spec of specs.filter(({ deleteExtra }) => deleteExtra)) {
    const { bucket } = scopeOf(configuration.replication, spec).destination;
    const warning = `Replicas in ${bucket} of objects that the source bucket does not have any more are deleted: a versioned bucket keeps them under a delete marker, another one does not.`;
    await confirmByTyping({ warning, word: bucket }, io);
  }
  return yes || (await confirm(specs.length === 1 ? 'Start?' : `Start these ${specs.length} runs?`, io));
};

const leave = async (ids: string[], request: StartRequest, io: CliIo, ports: RunPorts): Promise<number> => {
  if (request.json) await printJson(ids, request, io, ports);
  io.stderr.write(howToLook(ids));
  return EXIT.ok;
};

const howToLook = (ids: string[]): string =>
  ids.map((id) => `To see how far it is: npx s3-replicator backfill status ${id}\n`).join('');

const waitFor = async (
  ids: string[],
  request: StartRequest,
  io: CliIo,
  ports: RunPorts,
  { isDifferenceFailure }: StartManner,
): Promise<number> => {
  const { store } = ports.runs(request.configuration.deployment);
  const codes: number[] = [];
  for (const id of ids) {
    if ((await watchRun(id, store, io)) === null) {
      io.stderr.write(`note: ${ids.length === 1 ? 'the run goes' : 'the runs go'} on. ${howToLook(ids)}`);
      return EXIT.interrupted;
    }
    const state = await loadState(id, store, io.now());
    if (state === null) continue;
    if (!request.json)
      io.stdout.write(`\n${runLines(state, io.now(), reportFolder(request.configuration, id)).join('\n')}\n`);
    codes.push(isDifferenceFailure || state.phase !== 'finished' ? exitCode(state) : EXIT.ok);
  }
  if (request.json) await printJson(ids, request, io, ports);
  return codes.find((code) => code !== EXIT.ok) ?? EXIT.ok;
};

/** One object, also of several runs: `runs` in the order of the destinations. */
const printJson = async (
  ids: string[],
  { configuration }: StartRequest,
  io: CliIo,
  ports: RunPorts,
): Promise<void> => {
  const { store } = ports.runs(configuration.deployment);
  const runs: RunState[] = [];
  for (const id of ids) {
    const state = await loadState(id, store, io.now());
    if (state !== null) runs.push({ ...publicRun(state), copied: state.copied, used: state.used });
  }
  io.stdout.write(`${JSON.stringify({ runs }, null, 2)}\n`);
};

/** Of a run that does not go on any more. */
const exitCode = ({ phase, checked }: Pick<RunState, 'phase' | 'checked'>): number => {
  if (phase === 'paused' || phase === 'cancelled') return EXIT.partial;
  return phase === 'finished' && checked !== null && differing(checked) === 0 ? EXIT.ok : EXIT.failure;
};
