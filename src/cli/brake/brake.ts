import { openBrakeLedger } from '../../lib/aws/operator.ts';
import type { CommandSpec } from '../terminal/command.ts';
import { type Command, runGroup } from '../terminal/command-group.ts';
import { BRAKE_RELEASE, runBrakeRelease } from './brake-release.ts';
import { BRAKE_STATUS, runBrakeStatus } from './brake-status.ts';
import type { BrakePorts } from './brakes.ts';

const GROUP: CommandSpec = {
  name: 'brake',
  summary: 'Shows whether deletes are paused, and releases what is held.',
  subcommands: { release: BRAKE_RELEASE.summary, status: BRAKE_STATUS.summary },
  options: {},
  examples: [
    ['npx s3-replicator brake status', 'Are deletes paused, and why?'],
    ['npx s3-replicator brake release --rule invoices --dry-run', 'What would be deleted?'],
  ],
};

export const brakeWith =
  (ports: BrakePorts): Command =>
  (argv, io) =>
    runGroup(
      {
        spec: GROUP,
        commands: {
          release: (rest) => runBrakeRelease(rest, io, ports),
          status: (rest) => runBrakeStatus(rest, io, ports),
        },
      },
      argv,
      io,
    );

/** Runs `s3-replicator brake …`. */
export const runBrake: Command = brakeWith({ open: openBrakeLedger });
