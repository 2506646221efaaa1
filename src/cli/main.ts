import { readFileSync } from 'node:fs';
import type { CommandSpec, ParsedOptions } from './terminal/command.ts';
import { type Command, runGroup } from './terminal/command-group.ts';
import { CliError } from './terminal/errors.ts';
import { type CliIo, EXIT } from './terminal/io.ts';

/** Loaded when asked for: help and typing errors need not wait for the AWS SDK. */
const COMMANDS: Readonly<Record<string, Command>> = {
  backfill: async (argv, io) => (await import('./runs/backfill.ts')).runBackfill(argv, io),
  config: async (argv, io) => (await import('./config/config.ts')).runConfig(argv, io),
  dlq: async (argv, io) => (await import('./dead-letters/dlq.ts')).runDlq(argv, io),
  transfers: async (argv, io) => (await import('./transfers/transfers.ts')).runTransfers(argv, io),
  verify: async (argv, io) => (await import('./runs/verify.ts')).runVerify(argv, io),
};

const PROGRAM: CommandSpec = {
  name: '',
  summary: "Keeps S3 buckets replicated into other AWS accounts: the operator's side.",
  subcommands: {
    'backfill start': 'Replicate what was in the source bucket before.',
    'backfill status': 'Show how far a run is.',
    'backfill list': 'Show the runs, the newest first.',
    'backfill pause': 'Have a run pause.',
    'backfill resume': 'Have a run go on.',
    'backfill cancel': 'End a run for good.',
    'config check': 'Check replication.yml and show the resolved rules.',
    'config policy': 'Print what the source account grants so that S3 copies by itself.',
    'config schema': 'Print the JSON schema of replication.yml, for editors.',
    'dlq list': 'Show what is in the dead-letter queue, and why.',
    'dlq redrive': 'Send dead letters back to the live queue.',
    'transfers list': 'Show objects that take more than one invocation, while they are moved.',
    'verify start': 'Find out whether source and destination agree.',
  },
  options: { version: { description: 'Show the version.' } },
  exitCodes: [
    [EXIT.ok, 'Done.'],
    [EXIT.failure, 'It could not be done, or something is wrong with what was checked.'],
    [EXIT.usage, 'The command line is wrong. Nothing was done.'],
    [EXIT.partial, 'Done in part. Running the command again is safe.'],
    [EXIT.interrupted, 'Interrupted by Ctrl-C.'],
  ],
  examples: [
    ['npx s3-replicator config check', 'Before a deployment'],
    ['npx s3-replicator dlq list --stage test', 'What failed in stage "test"?'],
    ['npx s3-replicator backfill start --rule invoices --wait', 'Replicate what was there before'],
    ['npx s3-replicator dlq redrive --help', 'Everything about one command'],
  ],
};

/**
 * Runs one command line (without `node` and the script) and resolves to the exit code. Never throws. `commands`: instead of those
 * of the same name, for tests.
 */
export const runCli = async (
  argv: readonly string[],
  io: CliIo,
  commands: Readonly<Record<string, Command>> = {},
): Promise<number> => {
  try {
    return await runProgram(argv, io, { ...COMMANDS, ...commands });
  } catch (error) {
    if (error instanceof CliError) {
      io.stderr.write(error.format());
      return error.exitCode;
    }
    // A mistake of ours: the stack is what a bug report needs.
    io.stderr.write(
      `s3-replicator: unexpected error\n${error instanceof Error ? error.stack : String(error)}\n`,
    );
    return EXIT.failure;
  }
};

const runProgram = (
  argv: readonly string[],
  io: CliIo,
  known: Readonly<Record<string, Command>>,
): Promise<number> => {
  const commands: Record<string, Command> = {
    ...known,
    // What people try when they do not know about --help.
    help: (rest, same) => runProgram([...rest, '--help'], same, known),
  };
  const answer = (options: ParsedOptions): number | null => {
    if (!options.has('version')) return null;
    io.stdout.write(`${version()}\n`);
    return EXIT.ok;
  };
  return runGroup({ spec: PROGRAM, commands, answer }, argv, io);
};

const version = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
};
