/** Commands that show, pause, resume and cancel runs. */
import { cancelRun, type ControlDeps, pauseRun, resumeRun, RunRefusedError } from '../../lib/runs/control.ts';
import type { RunRecord } from '../../lib/runs/run-store.ts';
import { type CommandSpec, helpText, parseOptions, type ParsedOptions } from '../terminal/command.ts';
import type { Command } from '../terminal/command-group.ts';
import { DEPLOYMENT_OPTIONS, deploymentOf } from '../deployment.ts';
import { CliError } from '../terminal/errors.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { withCliErrors } from '../aws-errors.ts';
import type { RunPorts } from './run-ports.ts';
import { configurationOf } from '../configuration.ts';
import { reportFolder } from './run-start.ts';
import { loadState, publicRun } from './run-state.ts';
import { runLines, runTable, runTitle } from './run-text.ts';

const RUN = { name: 'RUN', description: 'The id of a run, as `backfill list` shows it.' };
const JSON_OPTION = { description: 'Print JSON on standard output (fields: docs/cli.md).' };
const CHANGED: CommandSpec['exitCodes'] = [
  [EXIT.ok, 'Done, or it was done already.'],
  [EXIT.failure, 'There is no such run, or it is over.'],
  [EXIT.usage, 'The command line is wrong.'],
];

export const STATUS: CommandSpec = {
  name: 'backfill status',
  summary: 'Show the progress of a run.',
  argument: RUN,
  options: { json: JSON_OPTION, ...DEPLOYMENT_OPTIONS },
  exitCodes: [
    [EXIT.ok, 'The run is shown, whether or not it succeeded.'],
    [EXIT.failure, 'There is no such run.'],
    [EXIT.usage, 'The command line is wrong.'],
  ],
  examples: [['npx s3-replicator backfill status 20261122-174334-k3f9bx', 'What is its progress?']],
};

const DEFAULT_RUNS = 20;

export const RUNS: CommandSpec = {
  name: 'backfill list',
  summary: 'List the runs, newest first.',
  options: {
    limit: {
      value: 'N',
      range: { minimum: 1, maximum: 1_000 },
      description: `Show at most N runs, 1 to 1000. Default: ${DEFAULT_RUNS}.`,
    },
    json: JSON_OPTION,
    ...DEPLOYMENT_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'The runs are shown, if there are any.'],
    [EXIT.failure, 'The runs could not be read.'],
    [EXIT.usage, 'The command line is wrong.'],
  ],
  examples: [['npx s3-replicator backfill list', 'The last runs of stage prod']],
};

export const PAUSE: CommandSpec = {
  name: 'backfill pause',
  summary: 'Pause a run.',
  description: [
    'The run stops after the work that is under way. It drops the keys that wait to be copied, and finds them again after `backfill resume`.',
  ],
  argument: RUN,
  options: { json: JSON_OPTION, ...DEPLOYMENT_OPTIONS },
  exitCodes: CHANGED,
  examples: [['npx s3-replicator backfill pause 20261122-174334-k3f9bx', 'Stop for now']],
};

export const RESUME: CommandSpec = {
  name: 'backfill resume',
  summary: 'Resume a run.',
  description: ['A paused or failed run continues where it stopped.'],
  argument: RUN,
  options: { json: JSON_OPTION, ...DEPLOYMENT_OPTIONS },
  exitCodes: CHANGED,
  examples: [['npx s3-replicator backfill resume 20261122-174334-k3f9bx', 'After the policy was fixed']],
};

export const CANCEL: CommandSpec = {
  name: 'backfill cancel',
  summary: 'Cancel a run.',
  description: [
    'A cancelled run cannot be resumed. Its copies stay. Another run over the same keys can begin afterwards.',
  ],
  argument: RUN,
  options: { json: JSON_OPTION, ...DEPLOYMENT_OPTIONS },
  exitCodes: CHANGED,
  examples: [['npx s3-replicator backfill cancel 20261122-174334-k3f9bx', 'If it was the wrong rule']],
};

export const controlCommands = (ports: RunPorts): Record<string, Command> => ({
  status: command(STATUS, async (options, io) => {
    const id = options.argument();
    const state = await loadState(id, ports.runs(deploymentOf(options, io)).store, io.now());
    if (state === null) throw new RunRefusedError(`there is no run ${id}`, id);
    if (options.has('json')) io.stdout.write(jsonText(state));
    else io.stdout.write(`${runLines(state, io.now(), folderOf(id, options, io)).join('\n')}\n`);
  }),
  list: command(RUNS, async (options, io) => {
    const limit = options.number('limit') ?? DEFAULT_RUNS;
    const runs = await ports.runs(deploymentOf(options, io)).store.list(limit);
    if (options.has('json')) io.stdout.write(jsonText(runs.map(publicRun)));
    else io.stdout.write(runs.length === 0 ? 'No runs.\n' : `${runTable(runs, io).join('\n')}\n`);
  }),
  pause: changing(PAUSE, pauseRun, ports),
  resume: changing(RESUME, resumeRun, ports),
  cancel: changing(CANCEL, cancelRun, ports),
});

const command =
  (spec: CommandSpec, show: (options: ParsedOptions, io: CliIo) => Promise<void>): Command =>
  async (argv, io) => {
    const options = parseOptions(spec, argv);
    if (options.has('help')) io.stdout.write(helpText(spec, io.columns));
    else await withCliErrors(() => show(options, io));
    return EXIT.ok;
  };

const changing = (
  spec: CommandSpec,
  change: (id: string, deps: ControlDeps) => Promise<RunRecord>,
  ports: RunPorts,
): Command =>
  command(spec, async (options, io) => {
    const id = options.argument();
    const deps = { ...ports.runs(deploymentOf(options, io)), clock: io, random: ports.random };
    const run = await change(id, deps);
    io.stdout.write(
      options.has('json')
        ? jsonText(publicRun(run))
        : `Run ${run.id} is now ${run.phase}: ${runTitle(run)}\n`,
    );
  });

/** Returns the report folder of a run. Returns null if the configuration file has a mistake, so that an operator can still see the run. */
const folderOf = (id: string, options: ParsedOptions, io: CliIo): string | null => {
  try {
    return reportFolder(configurationOf(options, io), id);
  } catch (error) {
    if (error instanceof CliError) return null;
    throw error;
  }
};
