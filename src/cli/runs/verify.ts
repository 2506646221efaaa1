import type { CommandSpec } from '../terminal/command.ts';
import { type Command, runGroup } from '../terminal/command-group.ts';
import { AWS, type RunPorts } from './run-ports.ts';
import { runVerifyStart, VERIFY_START } from './verify-start.ts';

const VERIFY: CommandSpec = {
  name: 'verify',
  summary: 'Finds out whether source and destination agree. The `backfill` commands also work on its runs.',
  subcommands: { start: VERIFY_START.summary },
  options: {},
  examples: [['npx s3-replicator verify start --rule invoices --wait', 'Is everything there?']],
};

export const verifyWith =
  (ports: RunPorts): Command =>
  (argv, io) =>
    runGroup({ spec: VERIFY, commands: { start: (rest) => runVerifyStart(rest, io, ports) } }, argv, io);

/** Runs `s3-replicator verify …`. */
export const runVerify: Command = verifyWith(AWS);
