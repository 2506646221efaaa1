import { createInvoker, type Invoke } from '../../lib/aws/forwarder.ts';
import { resourceNames } from '../../lib/configuration/resource-names.ts';
import { type DeadMessage, returnsTo } from '../../lib/dead-letters/dead-message.ts';
import type { OperatorQueue, ReceivedMessage } from '../../lib/dead-letters/queue.ts';
import { readLetters } from '../../lib/dead-letters/read.ts';
import { type CheckedMessage, MAX_CHECKED, type MessageCheck, parseChecks } from '../../lib/inspect/check.ts';
import { asAnotherCommand, DEPLOYMENT_OPTIONS, deploymentOf } from '../deployment.ts';
import { type CommandSpec, helpText, parseOptions, type ParsedOptions } from '../terminal/command.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { createProgress } from '../terminal/progress.ts';
import { checkLines, type CheckedLetter, countsOf } from './check-text.ts';
import { assertNamesExist, FILTER_OPTIONS, messageFilter, withQueue } from './dead-letter-options.ts';
import { letterCount } from './dead-letter-text.ts';

/** Maximum and default of `--limit`. Each letter takes some requests to S3, so a check of a whole queue would take long. */
const MOST = 10_000;
const USUALLY = 1_000;

export const CHECK_LETTERS: CommandSpec = {
  name: 'dlq check',
  summary: 'Find out which dead letters would fail again if they were sent back now.',
  description: [
    'The inspect function of the stack tries what each message would do, without doing it. Before a write it asks S3 whether an upload with the same headers may begin, and aborts that upload. No message is sent, deleted or counted as tried.',
  ],
  options: {
    ...FILTER_OPTIONS,
    limit: {
      value: 'N',
      range: { minimum: 1, maximum: MOST },
      description: `Check at most N messages, 1 to ${MOST}. Default: ${USUALLY}.`,
    },
    json: { description: 'Print one JSON object on standard output (fields: docs/cli.md).' },
    ...DEPLOYMENT_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'None of the messages would fail, or there are none.'],
    [EXIT.failure, 'Some would fail, or the check itself failed.'],
    [EXIT.usage, 'The command line is wrong.'],
    [EXIT.interrupted, 'Interrupted. The messages read so far were checked.'],
  ],
  examples: [
    ['npx s3-replicator dlq check --reason access-denied', 'Was the policy fixed?'],
    [
      'npx s3-replicator dlq check --rule invoices && npx s3-replicator dlq redrive --rule invoices',
      'Send them back if none would fail',
    ],
  ],
};

/** Runs `s3-replicator dlq check …`. Resolves to the exit code. Throws CliError. */
export const runDlqCheck = async (argv: readonly string[], io: CliIo): Promise<number> => {
  const options = parseOptions(CHECK_LETTERS, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(CHECK_LETTERS, io.columns));
    return EXIT.ok;
  }
  return withQueue(options, io, async (queue) => {
    const { found, interrupted } = await checkLetters(queue, options, io);
    if (options.has('json')) io.stdout.write(jsonText(found));
    else {
      const command = (words: string): string => asAnotherCommand(options, words);
      io.stdout.write(`${checkLines(found.letters, { queue, command, columns: io.columns }).join('\n')}\n`);
    }
    if (!found.complete)
      io.stderr.write(
        `note: there are more than these ${letterCount(found.checked)}: raise --limit or add a filter.\n`,
      );
    if (interrupted) return EXIT.interrupted;
    return found.fails > 0 ? EXIT.failure : EXIT.ok;
  });
};

/** The result of a check. `dlq check --json` prints this shape, so the names must not change. */
export interface LettersChecked extends ReturnType<typeof countsOf> {
  queue: string;
  region: string;
  /** False if there are more letters than the limit allowed. */
  complete: boolean;
  letters: CheckedLetter[];
}

/** Checks the letters that match the options. Throws {@link CliError}. */
export const checkLetters = async (
  queue: OperatorQueue,
  options: ParsedOptions,
  io: CliIo,
): Promise<{ found: LettersChecked; interrupted: boolean }> => {
  const filter = messageFilter(options, io);
  const deployment = deploymentOf(options, io);
  const invoke = createInvoker(resourceNames(deployment).inspectFunction, deployment.region);
  const { letters, read } = await readAll(queue, { filter, limit: options.number('limit') ?? USUALLY }, io);
  assertNamesExist(filter, read, options, io);
  const checked = await checkAll(letters, invoke, io);
  const { name, region } = queue;
  return {
    found: { queue: name, region, ...countsOf(checked), complete: !read.more, letters: checked },
    interrupted: read.interrupted,
  };
};

interface Letter {
  seen: DeadMessage;
  message: CheckedMessage;
}

/** All letters are released before the first is checked. Otherwise a long check would hide them from other readers. */
const readAll = async (
  queue: OperatorQueue,
  request: Pick<Parameters<typeof readLetters>[1], 'filter' | 'limit'>,
  io: CliIo,
) => {
  const letters: Letter[] = [];
  const progress = createProgress(io);
  const read = await readLetters(queue, {
    ...request,
    reader: io,
    onRead: (count) => progress.update(`${letterCount(count)} read`),
    onMessage: (seen, message: ReceivedMessage) =>
      void letters.push({ seen, message: { queue: returnsTo(message), body: message.body } }),
  }).finally(() => progress.end());
  return { letters, read };
};

/** Maximum characters of all bodies in one request. The limit keeps a payload far below the 6 MB that Lambda accepts. */
const MAX_CHARACTERS = 1_000_000;

const checkAll = async (letters: readonly Letter[], invoke: Invoke, io: CliIo): Promise<CheckedLetter[]> => {
  const checked: CheckedLetter[] = [];
  const progress = createProgress(io);
  try {
    for (const part of partsOf(letters)) {
      const messages = part.map(({ message }) => message);
      const checks = await invoke({ inspect: 'check', messages }, (answer) =>
        sameNumber(parseChecks(answer), part),
      );
      checked.push(...part.flatMap(({ seen }, index) => joined(seen, checks[index])));
      progress.update(`${checked.length} of ${letterCount(letters.length)} checked`);
      if (io.interrupted.aborted) break;
    }
  } finally {
    progress.end();
  }
  return checked;
};

const sameNumber = (checks: MessageCheck[] | null, part: readonly Letter[]): MessageCheck[] | null =>
  checks?.length === part.length ? checks : null;

const joined = (
  { id, reason, rule, destination, bucket, key, version }: DeadMessage,
  found: MessageCheck | undefined,
): CheckedLetter[] =>
  found === undefined ? [] : [{ id, reason, rule, destination, bucket, key, version, ...found }];

const partsOf = (letters: readonly Letter[]): Letter[][] => {
  const parts: Letter[][] = [];
  let characters = Infinity;
  for (const letter of letters) {
    const { length } = letter.message.body;
    characters += length;
    const last = parts.at(-1);
    if (last === undefined || last.length === MAX_CHECKED || characters > MAX_CHARACTERS) {
      parts.push([letter]);
      characters = length;
    } else last.push(letter);
  }
  return parts;
};
