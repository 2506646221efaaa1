/** Commands that show runs. */
import { RunRefusedError } from '../../lib/runs/control.ts';
import type { RunStore } from '../../lib/runs/run-store.ts';
import { isActive, type Run } from '../../lib/runs/run.ts';
import { withCliErrors } from '../aws-errors.ts';
import { configurationOf } from '../configuration.ts';
import { DEPLOYMENT_OPTIONS, deploymentOf } from '../deployment.ts';
import { type CommandSpec, helpText, parseOptions, type ParsedOptions } from '../terminal/command.ts';
import type { Command } from '../terminal/command-group.ts';
import { CliError } from '../terminal/errors.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { TIME_VALUE, timeOption } from '../terminal/since.ts';
import type { RunPorts } from './run-ports.ts';
import { reportFolder, runExitCode } from './run-start.ts';
import { loadState, withProgress } from './run-state.ts';
import { type ListedRun, runLines, type RunState, runTable } from './run-text.ts';
import { watchRun } from './run-watch.ts';

const JSON_OPTION = { description: 'Print JSON on standard output (fields: docs/cli.md).' };

export const STATUS: CommandSpec = {
  name: 'backfill status',
  summary: 'Show how far a run is and what it waits for, or wait until it ends.',
  argument: { name: 'RUN', description: 'The id of a run, as `backfill list` shows it.' },
  options: {
    wait: {
      description: 'Show the progress until the run stops, then the result. Ctrl-C ends only the waiting.',
    },
    json: JSON_OPTION,
    ...DEPLOYMENT_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'The run is shown, whether or not it succeeded; with --wait: both sides agree.'],
    [EXIT.failure, 'There is no such run; with --wait: it failed, or both sides differ.'],
    [EXIT.usage, 'The command line is wrong.'],
    [EXIT.partial, 'With --wait: the run was paused or cancelled.'],
    [EXIT.interrupted, 'Interrupted. The run continues.'],
  ],
  examples: [
    ['npx s3-replicator backfill status 20261122-174334-k3f9bx', 'How far is it?'],
    ['npx s3-replicator backfill status 20261122-174334-k3f9bx --wait', 'Attach again after Ctrl-C'],
  ],
};

const DEFAULT_RUNS = 20;
/** Maximum number of runs that are read. */
const MAX_RUNS = 1_000;
const KINDS = ['backfill', 'verify', 'dry-run'] as const;
const PHASES = ['active', 'paused', 'failed', 'cancelled', 'finished'] as const;

export const RUNS: CommandSpec = {
  name: 'backfill list',
  summary: 'List the runs of backfill and verify, newest first.',
  options: {
    rule: { value: 'ID', description: 'Only runs of this rule.' },
    destination: { value: 'ID', description: 'Only runs to this destination.' },
    kind: { value: KINDS.join('|'), description: 'Only runs of this kind.' },
    phase: {
      value: PHASES.join('|'),
      description: 'Only runs in this phase; active: all that are at work.',
    },
    since: {
      ...TIME_VALUE,
      description: 'Only runs that began then or later: an age like 2h or 3d, or a time.',
    },
    limit: {
      value: 'N',
      range: { minimum: 1, maximum: MAX_RUNS },
      description: `Show at most N runs, 1 to ${MAX_RUNS}. Default: ${DEFAULT_RUNS}.`,
    },
    json: JSON_OPTION,
    ...DEPLOYMENT_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'The runs are shown, if there are any.'],
    [EXIT.failure, 'The runs could not be read.'],
    [EXIT.usage, 'The command line is wrong.'],
  ],
  examples: [
    ['npx s3-replicator backfill list', 'The last runs of stage prod'],
    ['npx s3-replicator backfill list --rule invoices --phase active', 'What is at work for a rule?'],
  ],
};

export const showCommands = (ports: RunPorts): Record<'status' | 'list', Command> => ({
  status: async (argv, io) => {
    const options = parseOptions(STATUS, argv);
    if (options.has('help')) return help(STATUS, io);
    return await withCliErrors(() => showStatus(options, io, ports));
  },
  list: async (argv, io) => {
    const options = parseOptions(RUNS, argv);
    if (options.has('help')) return help(RUNS, io);
    return await withCliErrors(() => showList(options, io, ports));
  },
});

const help = (spec: CommandSpec, io: CliIo): number => {
  io.stdout.write(helpText(spec, io.columns));
  return EXIT.ok;
};

const showStatus = async (options: ParsedOptions, io: CliIo, ports: RunPorts): Promise<number> => {
  const id = options.argument();
  const { store } = ports.runs(deploymentOf(options, io));
  if (options.has('wait') && (await watchRun(id, store, io)) === null) {
    io.stderr.write('note: the run continues.\n');
    return EXIT.interrupted;
  }
  const state = await existingRun(id, store, io);
  if (options.has('json')) io.stdout.write(jsonText(state));
  else
    io.stdout.write(
      `${runLines(state, { nowMs: io.now(), columns: io.columns }, folderOf(id, options, io)).join('\n')}\n`,
    );
  return options.has('wait') ? runExitCode(state) : EXIT.ok;
};

/** Resolves to the state of a run. Throws RunRefusedError if there is none. */
export const existingRun = async (id: string, store: RunStore, io: Pick<CliIo, 'now'>): Promise<RunState> => {
  const state = await loadState(id, store, io.now());
  if (state === null) throw new RunRefusedError(`there is no run ${id}`, id);
  return state;
};

const showList = async (options: ParsedOptions, io: CliIo, ports: RunPorts): Promise<number> => {
  const runs = await listRuns(options, io, ports);
  if (options.has('json')) io.stdout.write(jsonText(runs));
  else if (runs.length > 0) io.stdout.write(`${runTable(runs, io).join('\n')}\n`);
  else io.stdout.write(listFilter(options, io) === null ? 'No runs.\n' : 'No run matches.\n');
  return EXIT.ok;
};

/** Resolves to the runs that match the options, newest first. Throws ReplicationError. */
export const listRuns = async (options: ParsedOptions, io: CliIo, ports: RunPorts): Promise<ListedRun[]> => {
  const limit = options.number('limit') ?? DEFAULT_RUNS;
  const isWanted = listFilter(options, io);
  const { store } = ports.runs(deploymentOf(options, io));
  const found = await store.list(isWanted === null ? limit : MAX_RUNS);
  const chosen = found.filter((run) => isWanted === null || isWanted(run)).slice(0, limit);
  return await withProgress(chosen, store, io.now());
};

/** Returns the filter for runs, or null if every run matches. */
const listFilter = (options: ParsedOptions, io: CliIo): ((run: Run) => boolean) | null => {
  const [rule, destination] = [options.value('rule'), options.value('destination')];
  const kind = options.value('kind');
  const phase = options.value('phase');
  const sinceMs = timeOption(options, 'since', io.now());
  if ([rule, destination, kind, phase, sinceMs].every((each) => each === null)) return null;
  return (run) =>
    (rule === null || run.spec.rule === rule) &&
    (destination === null || run.spec.destination === destination) &&
    (kind === null || kindOf(run) === kind) &&
    (phase === null || (phase === 'active' ? isActive(run) : run.phase === phase)) &&
    (sinceMs === null || run.createdMs >= sinceMs);
};

const kindOf = ({ spec }: Run): string => (spec.isDryRun ? 'dry-run' : spec.kind);

/** Returns the report folder of a run. Returns null if the configuration file has a mistake, so that an operator can still see the run. */
export const folderOf = (id: string, options: ParsedOptions, io: CliIo): string | null => {
  try {
    return reportFolder(configurationOf(options, io), id);
  } catch (error) {
    if (error instanceof CliError) return null;
    throw error;
  }
};
