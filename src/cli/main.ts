import { readFileSync } from 'node:fs';
import type { CommandSpec, ParsedOptions } from './command.ts';
import { type Command, runGroup } from './command-group.ts';
import { CliError } from './errors.ts';
import { type CliIo, EXIT } from './io.ts';

/** Loaded when asked for: help and typing errors need not wait for the AWS SDK. */
const COMMANDS: Readonly<Record<string, Command>> = {
  config: async (argv, io) => (await import('./config.ts')).runConfig(argv, io),
  dlq: async (argv, io) => (await import('./dlq.ts')).runDlq(argv, io),
  // What people try when they do not know about --help.
  help: (argv, io) => runProgram([...argv, '--help'], io),
};

const PROGRAM: CommandSpec = {
  name: '',
  summary: "Keeps S3 buckets replicated into other AWS accounts: the operator's side.",
  subcommands: {
    'config check': 'Check replication.yml and show the resolved rules.',
    'config schema': 'Print the JSON schema of replication.yml, for editors.',
    'dlq list': 'Show what is in the dead-letter queue, and why.',
    'dlq redrive': 'Send dead letters back to the live queue.',
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
    ['npx s3-replicator dlq redrive --help', 'Everything about one command'],
  ],
};

/** Runs one command line (without `node` and the script) and resolves to the exit code. Never throws. */
export const runCli = async (argv: readonly string[], io: CliIo): Promise<number> => {
  try {
    return await runProgram(argv, io);
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

const runProgram: Command = (argv, io) => {
  const answer = (options: ParsedOptions): number | null => {
    if (!options.has('version')) return null;
    io.stdout.write(`${version()}\n`);
    return EXIT.ok;
  };
  return runGroup({ spec: PROGRAM, commands: COMMANDS, answer }, argv, io);
};

const version = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
};
