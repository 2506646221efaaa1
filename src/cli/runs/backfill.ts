import { BACKFILL_START, runBackfillStart } from './backfill-start.ts';
import type { CommandSpec } from '../terminal/command.ts';
import { type Command, runGroup } from '../terminal/command-group.ts';
import { CANCEL, controlCommands, PAUSE, RESUME } from './run-control.ts';
import { AWS, type RunPorts } from './run-ports.ts';
import { SET, setCommand } from './run-set.ts';
import { RUNS, showCommands, STATUS } from './run-show.ts';

const BACKFILL: CommandSpec = {
  name: 'backfill',
  summary:
    'Replicates the objects that were in the source bucket before, and manages the runs of backfill and verify.',
  subcommands: {
    start: BACKFILL_START.summary,
    status: STATUS.summary,
    list: RUNS.summary,
    pause: PAUSE.summary,
    resume: RESUME.summary,
    cancel: CANCEL.summary,
    set: SET.summary,
  },
  options: {},
  examples: [
    ['npx s3-replicator backfill start --rule invoices --wait', 'Replicate the existing objects'],
    ['npx s3-replicator backfill list', 'Current and past runs'],
  ],
};

export const backfillWith =
  (ports: RunPorts): Command =>
  (argv, io) => {
    const start: Command = (rest) => runBackfillStart(rest, io, ports);
    return runGroup(
      {
        spec: BACKFILL,
        commands: { start, ...showCommands(ports), ...controlCommands(ports), set: setCommand(ports) },
      },
      argv,
      io,
    );
  };

/** Runs `s3-replicator backfill …`. */
export const runBackfill: Command = backfillWith(AWS);
