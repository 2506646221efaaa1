/**
 * `npm run conformance`: compares an S3 server with AWS's documents. If the server also has SQS, STS or
 * DynamoDB, these are compared too.
 */
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { parseArgs } from 'node:util';
import { startLocalAws } from '../src/start/local-aws.ts';
import { confirm, unconfirmedTable } from './confirmations.ts';
import { answersText, ask, chooseQuestions, GROUP, questions } from './doubtful/run.ts';
import type { Question } from './doubtful/question.ts';
import { connect, missingNeeds, type Endpoint } from './endpoint.ts';
import { reportText, summarise } from './report.ts';
import { createResources, removeLeftovers } from './resources.ts';
import { createContext, runBehaviours, type Result } from './run.ts';
import { choose, type NamedBehaviour } from './suite.ts';

const USAGE = `Usage: npm run conformance -- [options]

Runs the conformance suite and prints what differs from AWS's documents. The endpoint is $CONFORMANCE_ENDPOINT, with
credentials and region from the environment as the AWS SDK finds them; \`aws\` means AWS itself. Without it, the local AWS of this
project is started and used.

  --aws              the same as CONFORMANCE_ENDPOINT=aws
  --only <name>      a behaviour or a group (repeatable); \`doubtful\` asks what AWS's documents leave open, and prints what was seen
  --list             print the behaviours and their documents, and do nothing
  --json             results as JSON on standard output
  --confirm <server> note in packages/local-aws/conformance/confirmations.json which behaviours this endpoint shows too
  --unconfirmed      print the table of behaviours that no noted server shows, as in packages/local-aws/docs/behaviour.md, and do nothing
  --concurrency <n>  behaviours at a time (default 4)
  --clean            remove buckets, queues and tables that interrupted runs left behind, and do nothing else
  --help

Buckets, queues and tables are named s3r-conformance-<random>-<n> and removed at the end, also after Ctrl-C. A whole run makes
about 85 buckets, 35 queues and a table, sends some 1,900 requests and uploads about 40 MB, 5 MiB at most in one request:
a few cents on AWS. The doubtful questions are not among them: they make one stack with a function, its role, four queues and a rule, and
take about ten minutes and a few cents more. Locks are put under governance, which is bypassed in the end, and once under compliance for 20 seconds.

Exit status: 0 as documented, 1 something differs, 2 wrong usage or no endpoint, 130 interrupted.
`;

const main = async (argv: string[]): Promise<number> => {
  const values = parse(argv);
  if (values.help) return print(USAGE);
  const doubtful = chooseQuestions(values.only);
  const words = values.only.filter((word) => word !== GROUP && !doubtful.some(({ name }) => name === word));
  const behaviours = doubtful.length > 0 && words.length === 0 ? [] : choose(words);
  if (values.list) {
    const listed = doubtful.length === 0 ? questions : doubtful;
    return print(
      values.json
        ? `${JSON.stringify([...behaviours, ...listed], null, 2)}\n`
        : listText(behaviours) + questionsText(listed),
    );
  }
  if (values.unconfirmed) return print(unconfirmedTable(behaviours));
  await using target = await open(values.aws ? 'aws' : (process.env['CONFORMANCE_ENDPOINT'] ?? ''));
  if (values.clean) {
    const { removed, left } = await removeLeftovers(target.endpoint);
    for (const line of left) process.stderr.write(`not removed: ${line}\n`);
    print(removed.map((line) => `removed ${line}\n`).join('') || 'Nothing was removed.\n');
    return left.length > 0 ? 1 : 0;
  }
  const asked = doubtful.length === 0 ? 0 : await askQuestions(target.endpoint, doubtful, values);
  if (behaviours.length === 0) return asked;
  return (await run(target.endpoint, behaviours, values)) || asked;
};

const parse = (argv: string[]) => {
  const { values } = parseArgs({
    args: argv,
    options: {
      aws: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      list: { type: 'boolean', default: false },
      confirm: { type: 'string' },
      unconfirmed: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      concurrency: { type: 'string', default: '4' },
      clean: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const concurrency = Number(values.concurrency);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 32)
    throw new TypeError(`--concurrency ${values.concurrency}: a number from 1 to 32 is needed`);
  if (values.confirm !== undefined && values.only.length > 0)
    throw new TypeError('--confirm is for runs of the whole suite, not with --only');
  return { ...values, concurrency };
};

const print = (text: string): number => {
  process.stdout.write(text);
  return 0;
};

const listText = (behaviours: readonly NamedBehaviour[]): string =>
  behaviours
    .map(({ group, name, title, document }) => `${group} / ${name}\n  ${title}\n  ${document}\n`)
    .join('');

const questionsText = (listed: readonly Question[]): string =>
  listed.map(({ name, question }) => `${GROUP} / ${name}\n  ${question}\n`).join('');

/**
 * Asks the open questions and prints the answers. No answer is wrong. Resolves to the exit code, which is 1
 * only if some resources could not be removed.
 */
const askQuestions = async (
  endpoint: Endpoint,
  chosen: readonly Question[],
  { json }: { json: boolean },
): Promise<number> => {
  const resources = createResources(endpoint);
  let left: string[] = [];
  try {
    const answers = await ask(chosen, { endpoint, resources, context: createContext(endpoint, resources) });
    print(json ? `${JSON.stringify(answers, null, 2)}\n` : answersText(endpoint.name, answers));
  } finally {
    left = await resources.remove();
  }
  for (const line of left) process.stderr.write(`not removed: ${line}\n`);
  return left.length > 0 ? 1 : 0;
};

interface Target extends AsyncDisposable {
  endpoint: Endpoint;
}

/** Connects to an endpoint. `text` is a URL, `aws`, or empty. If it is empty, a local AWS is started. */
const open = async (text: string): Promise<Target> => {
  const region = process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? 'us-east-1';
  if (text !== '') {
    if (text !== 'aws' && !URL.canParse(text)) throw new TypeError(`CONFORMANCE_ENDPOINT=${text}: no URL`);
    const endpoint = connect({ url: text === 'aws' ? null : text, region });
    return { endpoint, [Symbol.asyncDispose]: async () => endpoint.close() };
  }
  const aws = await startLocalAws({ region });
  setDefaultCACertificates([...getCACertificates(), aws.caPem]);
  const endpoint = connect({
    url: aws.endpoint,
    region,
    credentials: aws.root('111111111111'),
    advance: (milliseconds) => aws.clock.advance(milliseconds),
  });
  return {
    endpoint,
    [Symbol.asyncDispose]: async () => {
      endpoint.close();
      await aws.stop();
    },
  };
};

const run = async (
  endpoint: Endpoint,
  behaviours: readonly NamedBehaviour[],
  {
    concurrency,
    json,
    confirm: server,
  }: { concurrency: number; json: boolean; confirm?: string | undefined },
): Promise<number> => {
  const startMs = Date.now();
  const missing = await missingNeeds(endpoint);
  const noS3 = missing.get('s3');
  if (noS3 !== undefined) throw new TypeError(`${endpoint.name} does not answer as an S3: ${noS3}`);
  const interruption = interrupted();
  const resources = createResources(endpoint);
  let results: Result[] = [];
  let left: string[] = [];
  try {
    const { signal } = interruption;
    results = await runBehaviours(behaviours, {
      endpoint,
      resources,
      missing,
      concurrency,
      signal,
      onResult,
    });
  } finally {
    process.stderr.write('\n');
    left = await resources.remove();
    interruption.stop();
  }
  if (server !== undefined) confirm(server, results);
  const summary = summarise(endpoint.name, results, Date.now() - startMs);
  process.stdout.write(
    json ? `${JSON.stringify({ summary, results, left }, null, 2)}\n` : reportText(summary, results),
  );
  for (const line of left) process.stderr.write(`not removed: ${line}\n`);
  if (interruption.signal.aborted) return 130;
  return summary.differ + summary.failed > 0 ? 1 : 0;
};

const MARKS = { same: '.', differs: 'D', failed: 'F', skipped: 's' } as const;

const onResult = ({ verdict }: Result): void => {
  process.stderr.write(MARKS[verdict]);
};

/**
 * After Ctrl-C, behaviours that are running may finish, so that everything they create is recorded and can be
 * removed.
 */
const interrupted = (): { signal: AbortSignal; stop(): void } => {
  const controller = new AbortController();
  const abort = (): void => {
    process.stderr.write('\nEnding, and removing what was made …');
    controller.abort();
  };
  process.once('SIGINT', abort).once('SIGTERM', abort);
  const stop = (): void => {
    process.off('SIGINT', abort).off('SIGTERM', abort);
  };
  return { signal: controller.signal, stop };
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(
    `${error instanceof TypeError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = 2;
}
