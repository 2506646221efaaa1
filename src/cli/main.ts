import { productVersion } from '../lib/configuration/package-files.ts';
import { useProfile, withSignIn } from './profile.ts';
import type { CommandSpec, ParsedOptions } from './terminal/command.ts';
import { type Command, runGroup } from './terminal/command-group.ts';
import { CliError } from './terminal/errors.ts';
import { fittedIo } from './terminal/fitted.ts';
import { type CliIo, EXIT } from './terminal/io.ts';
import { styleFor } from './terminal/style.ts';

/**
 * Each command is imported when it is run, so that help and errors about a mistyped command appear without waiting for the AWS SDK to load.
 */
const COMMANDS: Readonly<Record<string, Command>> = {
  backfill: async (argv, io) => (await import('./runs/backfill.ts')).runBackfill(argv, io),
  brake: async (argv, io) => (await import('./brake/brake.ts')).runBrake(argv, io),
  completion: async (argv, io) => {
    const { ALL_COMMANDS } = await import('./all-commands.ts');
    return (await import('./completion/completion.ts')).runCompletion(argv, io, ALL_COMMANDS);
  },
  build: async (argv, io) => (await import('./build/build.ts')).runBuild(argv, io),
  copy: async (argv, io) => (await import('./copy/copy.ts')).runCopy(argv, io),
  console: async (argv, io) => (await import('./console/console.ts')).runConsole(argv, io),
  config: async (argv, io) => (await import('./config/config.ts')).runConfig(argv, io),
  dlq: async (argv, io) => (await import('./dead-letters/dlq.ts')).runDlq(argv, io),
  doctor: async (argv, io) => (await import('./doctor/doctor.ts')).runDoctor(argv, io),
  explain: async (argv, io) => (await import('./explain/explain.ts')).runExplain(argv, io),
  init: async (argv, io) => (await import('./init/init.ts')).runInit(argv, io),
  status: async (argv, io) => (await import('./status/status.ts')).runStatus(argv, io),
  logs: async (argv, io) => (await import('./explain/logs.ts')).runLogs(argv, io),
  transfers: async (argv, io) => (await import('./transfers/transfers.ts')).runTransfers(argv, io),
  waiting: async (argv, io) => (await import('./waiting/waiting.ts')).runWaiting(argv, io),
  verify: async (argv, io) => (await import('./runs/verify.ts')).runVerify(argv, io),
};

/** The program and its commands, which `all-commands.ts` describes in full. */
export const PROGRAM: CommandSpec = {
  name: '',
  summary: 'Operates the replication of S3 buckets into other AWS accounts.',
  subcommands: {
    'backfill start': 'Replicate the objects that were in the source bucket before.',
    'backfill status': 'Show how far a run is and what it waits for, or wait until it ends.',
    'backfill list': 'List the runs of backfill and verify, newest first.',
    'backfill pause': 'Pause a run.',
    'backfill resume': 'Resume a run.',
    'backfill cancel': 'Cancel a run.',
    'backfill set': 'Change how fast a run works, and at which hours, without a deployment.',
    'brake release': 'Pass on, or forget, what a closed brake holds, and open it.',
    'brake status': 'Show whether deletes are paused, and how many keys are held.',
    completion: 'Print the script by which a shell completes commands and options.',
    build: 'Write a plain CloudFormation template and the code, for other carriers.',
    'config check': 'Check replication.yml and show the resolved rules.',
    'config destination': 'Print the command that deploys the roles of each destination.',
    'config key': 'Print the public key with which the deployed stack signs its replicas.',
    'config policy': 'Print the policies of people, or the grants that let S3 copy by itself.',
    'config schema': 'Print the JSON schema of replication.yml, for editors.',
    copy: 'Copy one bucket into another from this machine, without a deployment.',
    console: 'Serve a page on this machine that shows and operates the deployment.',
    'dlq check': 'Find out which dead letters would fail again if they were sent back now.',
    'dlq discard': 'Delete dead letters permanently, after they were written to a file.',
    'dlq list': 'Show what is in the dead-letter queue, since when, and what to do about it.',
    'dlq redrive': 'Send dead letters back to the queues that they came from.',
    doctor: 'Find out what is wrong with a deployment, or will be, and how to fix it.',
    explain: 'Say what happened to one object, and what the next hint about it would do.',
    init: 'Write replication.yml, serverless.yml and package.json for a new deployment.',
    status: 'Show the whole deployment on one screen: lag, pending work, runs, alarms.',
    logs: 'Show what the functions logged about a rule or a key.',
    'transfers list': 'Show the transfers under way, their progress, and those that need a person.',
    'waiting list': 'Show how many messages wait for each destination, and why it is avoided.',
    'waiting retry': 'Send all waiting messages back to their queues at once.',
    'verify start': 'Find out whether source and destination agree.',
  },
  options: { version: { description: 'Show the version.' } },
  exitCodes: [
    [EXIT.ok, 'Done.'],
    [EXIT.failure, 'The command failed, or its check found a problem.'],
    [EXIT.usage, 'The command line is wrong. Nothing was done.'],
    [EXIT.partial, 'Done in part. Running the command again is safe.'],
    [EXIT.interrupted, 'Interrupted by Ctrl-C.'],
  ],
  examples: [
    ['npx s3-replicator config check', 'Before a deployment'],
    ['npx s3-replicator dlq list --stage test', 'What failed in stage "test"?'],
    ['npx s3-replicator backfill start --rule invoices --wait', 'Replicate the existing objects'],
    ['npx s3-replicator dlq redrive --help', 'Everything about one command'],
  ],
};

/**
 * Runs one command line and resolves to the exit code. `argv` does not include `node` and the script. Never throws. Tests pass `commands`
 * to replace commands of the same name.
 */
export const runCli = async (
  argv: readonly string[],
  io: CliIo,
  commands: Readonly<Record<string, Command>> = {},
): Promise<number> => {
  const fitted = fittedIo(io, argv);
  try {
    await useProfile(argv, io);
    return await runProgram(argv, fitted, { ...COMMANDS, ...commands });
  } catch (error) {
    if (error instanceof CliError) {
      const failure = await withSignIn(error, { argv, env: io.env });
      fitted.stderr.write(failure.format(styleFor(io.stderr, io.env)));
      return failure.exitCode;
    }
    // An unexpected error is a bug in this program. The stack trace is printed because a bug report needs it.
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
    // Some people type `help` instead of `--help`.
    help: (rest, same) => runProgram([...rest, '--help'], same, known),
  };
  const answer = (options: ParsedOptions): number | null => {
    if (!options.has('version')) return null;
    io.stdout.write(`${productVersion()}\n`);
    return EXIT.ok;
  };
  return runGroup({ spec: PROGRAM, commands, answer }, argv, io);
};
