/** Commands that pause, resume and cancel runs. */
import { cancelRun, pauseRun, resumeRun } from '../../lib/runs/control.ts';
import type { RunRecord } from '../../lib/runs/run-store.ts';
import { type CommandSpec, helpText, parseOptions, type ParsedOptions } from '../terminal/command.ts';
import type { Command } from '../terminal/command-group.ts';
import { DEPLOYMENT_OPTIONS, deploymentOf } from '../deployment.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { withCliErrors } from '../aws-errors.ts';
import type { RunPorts } from './run-ports.ts';
import { publicRun } from './run-state.ts';
import { runTitle } from './run-text.ts';

const RUN = { name: 'RUN', description: 'The id of a run, as `backfill list` shows it.' };
const JSON_OPTION = { description: 'Print JSON on standard output (fields: docs/cli.md).' };
const CHANGED: CommandSpec['exitCodes'] = [
  [EXIT.ok, 'Done, or it was done already.'],
  [EXIT.failure, 'There is no such run, or it is over.'],
  [EXIT.usage, 'The command line is wrong.'],
];

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

/** The changes that an operator may make to an existing run. */
export type RunChange = 'pause' | 'resume' | 'cancel';

const CHANGES = { pause: pauseRun, resume: resumeRun, cancel: cancelRun } as const;

/** Changes the run that the options name. Throws RunRefusedError. */
export const changeRun = async (
  change: RunChange,
  options: ParsedOptions,
  { io, ports }: { io: CliIo; ports: RunPorts },
): Promise<RunRecord> =>
  await CHANGES[change](options.argument(), {
    ...ports.runs(deploymentOf(options, io)),
    clock: io,
    random: ports.random,
  });

export const controlCommands = (ports: RunPorts): Record<RunChange, Command> => ({
  pause: changing(PAUSE, 'pause', ports),
  resume: changing(RESUME, 'resume', ports),
  cancel: changing(CANCEL, 'cancel', ports),
});

const command =
  (spec: CommandSpec, show: (options: ParsedOptions, io: CliIo) => Promise<void>): Command =>
  async (argv, io) => {
    const options = parseOptions(spec, argv);
    if (options.has('help')) io.stdout.write(helpText(spec, io.columns));
    else await withCliErrors(() => show(options, io));
    return EXIT.ok;
  };

const changing = (spec: CommandSpec, change: RunChange, ports: RunPorts): Command =>
  command(spec, async (options, io) => {
    const run = await changeRun(change, options, { io, ports });
    io.stdout.write(
      options.has('json')
        ? jsonText(publicRun(run))
        : `Run ${run.id} is now ${run.phase}: ${runTitle(run)}\n`,
    );
  });
