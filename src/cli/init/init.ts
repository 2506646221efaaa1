import { randomBytes } from 'node:crypto';
import type { BucketLook } from '../../lib/aws/s3/probe/look-at-bucket.ts';
import { parseConfiguration } from '../../lib/configuration/configuration.ts';
import { ConfigurationError } from '../../lib/configuration/problem.ts';
import { type CommandSpec, helpText, type OptionSpec, parseOptions } from '../terminal/command.ts';
import { CliError } from '../terminal/errors.ts';
import { writeData } from '../terminal/fitted.ts';
import { InterruptedError } from '../terminal/interrupted.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import type { Questions } from '../terminal/questions.ts';
import { collectAnswers } from './collect-answers.ts';
import { packageFile, serverlessFile } from './project-files.ts';
import { type Answers, QUESTIONS } from './questions.ts';
import { replicationFile } from './replication-file.ts';
import { changedFiles, contentOf, type NewFile, refuseExisting, writeFiles } from './new-files.ts';
import { type NextCommand, nextCommands } from './next-commands.ts';

/** The access that the command needs besides the terminal. */
export interface InitPorts {
  /** Returns the way to ask questions at a terminal. Not called without a terminal. */
  questions(signal: AbortSignal): Promise<Questions>;
  look(region: string): Promise<BucketLook>;
  random(): string;
}

export const INIT: CommandSpec = {
  name: 'init',
  summary: 'Write replication.yml, serverless.yml and package.json for a new deployment.',
  description: [
    'Asks what is replicated, and writes the files into the current folder. If your AWS credentials allow it, it lists your buckets and looks at their settings. An option answers its question beforehand. Without a terminal nothing is asked. No file is ever overwritten, and nothing is written before the last answer.',
  ],
  options: {
    ...Object.fromEntries(
      QUESTIONS.map(({ flag, value, message, choices, check }): [string, OptionSpec] => [
        flag,
        {
          value,
          check,
          description: [message, ...(choices?.map(({ label }) => label) ?? [])].join(choices ? '; ' : ''),
        },
      ]),
    ),
    yes: { description: 'Take the recommended answer to each question that no option answers.' },
    'dry-run': { description: 'Print the files instead of writing them.' },
    json: { description: 'Print the answers, the files and the next commands as JSON.' },
  },
  exitCodes: [
    [EXIT.ok, 'The files are written.'],
    [EXIT.failure, 'A file is there already, or cannot be written. Nothing was written.'],
    [EXIT.usage, 'The command line is wrong, or an answer is missing. Nothing was written.'],
    [EXIT.interrupted, 'Interrupted by Ctrl-C. Nothing was written.'],
  ],
  examples: [
    ['npx s3-replicator init', 'Answer the questions'],
    [
      'npx s3-replicator init --yes --source acme-media --destination-account 222222222222',
      'Answer only what has no recommendation',
    ],
  ],
};

/** Runs `s3-replicator init …`. Resolves to the exit code. Throws CliError. */
export const runInitWith =
  (ports: InitPorts) =>
  async (argv: readonly string[], io: CliIo): Promise<number> => {
    const options = parseOptions(INIT, argv);
    if (options.has('help')) {
      io.stdout.write(helpText(INIT, io.columns));
      return EXIT.ok;
    }
    const dryRun = options.has('dry-run');
    if (!dryRun) await refuseExisting(io.cwd, ['replication.yml', 'serverless.yml']);
    const manifest = await contentOf(io.cwd, 'package.json');
    const answers = await answersOf(options, io, ports);
    if (answers === null) return EXIT.interrupted;
    const files = changedFiles(filesFor(answers, manifest));
    if (!dryRun) await writeFiles(io.cwd, files);
    const next = nextCommands(answers, io);
    if (options.has('json')) io.stdout.write(jsonText({ dryRun, answers, files: textsOf(files), next }));
    else if (dryRun) writeData(io.stdout, filesText(files));
    else io.stdout.write(resultText(files, next));
    return EXIT.ok;
  };

const textsOf = (files: readonly NewFile[]): Record<string, string> =>
  Object.fromEntries(files.map(({ name, text }) => [name, text]));

/** Resolves to null if the person ends the questions. */
const answersOf = async (
  options: ReturnType<typeof parseOptions>,
  io: CliIo,
  ports: InitPorts,
): Promise<Answers | null> => {
  const look = await ports.look(options.value('region') ?? io.env['AWS_REGION'] ?? 'us-east-1');
  const account = await look.account();
  if (account === null)
    io.stderr.write('AWS is not asked: no valid credentials. Names and settings are not checked.\n');
  try {
    return await collectAnswers(options, {
      questions: io.ask === null ? null : await ports.questions(io.interrupted),
      takesProposed: options.has('yes'),
      bucketNames: account === null ? null : await look.names(),
      look: async (bucket) => (account === null ? null : await look.facts(bucket)),
      account,
      random: ports.random(),
      onSeen: ({ flag }, answer) => io.stderr.write(`${flag}: ${answer}\n`),
    });
  } catch (error) {
    if (error instanceof InterruptedError) return null;
    throw error;
  }
};

const filesFor = (answers: Answers, manifest: string | null): NewFile[] => {
  const text = replicationFile(answers);
  try {
    parseConfiguration(text);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const problems = error.problems.map(({ path, found, fix }) => `${path}: ${found}: ${fix}`);
    throw new CliError('bad-request', problems.join('\n  '), { cause: error });
  }
  return [
    { name: 'replication.yml', text, before: null },
    { name: 'serverless.yml', text: serverlessFile(), before: null },
    { name: 'package.json', text: manifestWithFramework(manifest), before: manifest },
  ];
};

const manifestWithFramework = (manifest: string | null): string => {
  try {
    return packageFile(manifest);
  } catch (error) {
    throw new CliError('not-written', 'package.json is not valid JSON.', { cause: error });
  }
};

const resultText = (files: readonly NewFile[], next: readonly NextCommand[]): string =>
  [
    `Written: ${files.map(({ name, before }) => (before === null ? name : `${name} (serverless added)`)).join(', ')}.`,
    '',
    'Next:',
    ...next.map(({ command, meaning }, index) =>
      `${index + 1}. ${meaning}:\n${command}`.replaceAll('\n', '\n   '),
    ),
    '',
  ].join('\n');

const filesText = (files: readonly NewFile[]): string =>
  files.map(({ name, text }) => `# ---- ${name}\n${text}`).join('\n');

/** Runs `s3-replicator init …`. The SDK and the prompts are imported only here. */
export const runInit = runInitWith({
  questions: async (signal) => (await import('../terminal/questions.ts')).terminalQuestions(signal),
  look: async (region) => (await import('../../lib/aws/s3/probe/look-at-bucket.ts')).createBucketLook(region),
  random: () => `s3-replicator-${randomBytes(9).toString('base64url')}`,
});
