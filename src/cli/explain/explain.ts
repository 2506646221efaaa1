import { createInvoker, type Invoke } from '../../lib/aws/forwarder.ts';
import { openDeadLetterQueue } from '../../lib/aws/sqs/dead-letter-queue.ts';
import { type Deployment, resourceNames } from '../../lib/configuration/resource-names.ts';
import type { OperatorQueue } from '../../lib/dead-letters/queue.ts';
import { type Explanation, parseExplanation, parseProblems } from '../../lib/inspect/explain.ts';
import { createRunStore } from '../../lib/aws/dynamodb/run-store.ts';
import { readable } from '../../lib/aws/readable.ts';
import type { Run } from '../../lib/runs/run.ts';
import type { Readable } from '../../lib/state/deployment-state.ts';
import { withCliErrors } from '../aws-errors.ts';
import { asAnotherCommand, DEPLOYMENT_OPTIONS, deploymentOf } from '../deployment.ts';
import { type CommandSpec, helpText, parseOptions, type ParsedOptions } from '../terminal/command.ts';
import { CliError } from '../terminal/errors.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { createProgress } from '../terminal/progress.ts';
import { storyText } from './explain-text.ts';
import type { LogReader } from '../../lib/inspect/log-lines.ts';
import { logsOf } from './logs.ts';
import { type LastLines, lastLines } from './last-lines.ts';
import { type LastRun, lastRuns } from './last-run.ts';
import { findLetter, type FoundLetter } from './find-letter.ts';
import { type Story, storyOf, unwantedStory } from './story.ts';

/** The access to AWS that the command needs. */
export interface ExplainPorts {
  inspect(deployment: Deployment): Invoke;
  deadLetters(deployment: Deployment): Promise<OperatorQueue>;
  logs(deployment: Deployment): LogReader;
  runs(deployment: Deployment): Promise<Readable<Run[]>>;
}

export const EXPLAIN: CommandSpec = {
  name: 'explain',
  summary: 'Say what happened to one object, and what the next hint about it would do.',
  description: [
    'The inspect function of the stack looks at both buckets with the role that replicates, and tries what the next hint would do without doing it. Changes nothing.',
    'If the function has noted a dead letter about the key, the command looks for it in the dead-letter queue, with your credentials. Otherwise it leaves the queue alone. Runs and logs are read with your credentials too.',
  ],
  argument: {
    name: 'S3-URI',
    description: 'The source object as s3://bucket/key. The replica is accepted too.',
  },
  options: {
    version: { value: 'ID', description: 'Also look for this version of the source object and its replica.' },
    rule: { value: 'ID', description: 'Only this rule of the deployed configuration.' },
    destination: { value: 'ID', description: 'Only this destination of the rules.' },
    json: { description: 'Print one JSON object on standard output (fields: docs/cli.md).' },
    ...DEPLOYMENT_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'The object is explained, whatever its state is.'],
    [EXIT.failure, 'The function or the queue could not be asked.'],
    [EXIT.usage, 'The command line is wrong.'],
  ],
  examples: [
    ['npx s3-replicator explain s3://acme-documents/invoices/7.pdf', 'Why has it not arrived?'],
    [
      `npx s3-replicator explain s3://acme-documents/invoices/7.pdf --json | jq '.stories[].headline'`,
      'One sentence for each destination',
    ],
  ],
};

const PORTS: ExplainPorts = {
  inspect: (deployment) => createInvoker(resourceNames(deployment).inspectFunction, deployment.region),
  deadLetters: (deployment) =>
    openDeadLetterQueue({ ...resourceNames(deployment), region: deployment.region }),
  logs: logsOf,
  runs: (deployment) => {
    const { list } = createRunStore(resourceNames(deployment).runsTable, deployment.region);
    return withCliErrors(() => readable('dynamodb:Query', () => list(RUNS)));
  },
};

/** How many of the newest runs are searched. */
const RUNS = 50;

/** Runs `s3-replicator explain …`. Resolves to the exit code. Throws CliError. */
export const runExplain = async (
  argv: readonly string[],
  io: CliIo,
  ports: ExplainPorts = PORTS,
): Promise<number> => {
  const options = parseOptions(EXPLAIN, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(EXPLAIN, io.columns));
    return EXIT.ok;
  }
  const explained = await explainObject(options, io, ports);
  if (options.has('json')) io.stdout.write(jsonText(explained));
  else io.stdout.write(explained.stories.map(storyText).join('\n'));
  return EXIT.ok;
};

/** What `explain --json` prints. */
export interface Explained extends Explanation {
  letters: (FoundLetter | null)[];
  runs: (LastRun | null)[];
  log: LastLines;
  stories: Story[];
}

/** Explains the object that the options name. Throws CliError. */
export const explainObject = async (
  options: ParsedOptions,
  io: CliIo,
  ports: ExplainPorts = PORTS,
): Promise<Explained> => {
  const deployment = deploymentOf(options, io);
  const explanation = await withCliErrors(() => asked(options, ports.inspect(deployment)));
  const letters = await withCliErrors(() => lettersOf(explanation, deployment, ports, io));
  const log = await lastLines(explanation, ports.logs(deployment), io.now());
  const runs = explanation.places.length === 0 ? [] : lastRuns(explanation, await ports.runs(deployment));
  const command = (words: string): string => asAnotherCommand(options, words);
  const stories: Story[] =
    explanation.places.length === 0
      ? [unwantedStory(explanation)]
      : explanation.places.map((place, index) =>
          storyOf(
            { explanation, place, letter: letters[index] ?? null, run: runs[index] ?? null, log },
            { nowMs: io.now(), command },
          ),
        );
  return { ...explanation, letters, runs, log, stories };
};

const asked = async (options: ParsedOptions, invoke: Invoke): Promise<Explanation> => {
  const request = { inspect: 'explain', ...objectIn(options.argument()), ...chosen(options) };
  const answer = await invoke(request, (found) => parseExplanation(found) ?? parseProblems(found));
  if (!Array.isArray(answer)) return answer;
  throw new CliError('bad-request', `${answer.join('; ')}.`);
};

const chosen = (options: ParsedOptions): Record<string, string> =>
  Object.fromEntries(
    ['version', 'rule', 'destination'].flatMap((name) => {
      const value = options.value(name);
      return value === null ? [] : [[name, value]];
    }),
  );

/** Everything after the bucket is the key, as S3 stores it. */
const objectIn = (uri: string): { bucket: string; key: string } => {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/su.exec(uri) ?? [];
  if (bucket !== undefined && key !== undefined) return { bucket, key };
  throw new CliError('bad-value', `${JSON.stringify(uri)} is not of the form s3://bucket/key.`);
};

/** Reads the dead-letter queue, but only if a record says that it holds a letter of the key. */
const lettersOf = async (
  { key, places }: Explanation,
  deployment: Deployment,
  { deadLetters }: ExplainPorts,
  io: CliIo,
): Promise<(FoundLetter | null)[]> => {
  if (!places.some(({ hasLetter }) => hasLetter)) return places.map(() => null);
  const queue = await deadLetters(deployment);
  const progress = createProgress(io);
  try {
    return await findLetter(
      queue,
      { key, places },
      { io, onRead: (count) => progress.update(`${count} dead letters read`) },
    );
  } finally {
    progress.end();
  }
};
