import type { DeadMessage } from '../../lib/dead-letters/dead-message.ts';
import type { OperatorQueue } from '../../lib/dead-letters/queue.ts';
import { type LettersRead, readLetters } from '../../lib/dead-letters/read.ts';
import { createSummer, type LetterSummary } from '../../lib/dead-letters/summary.ts';
import { filterIsEmpty } from '../../lib/dead-letters/filter.ts';
import { countText } from '../../lib/text/amounts.ts';
import { duration } from '../../lib/text/duration.ts';
import { type CommandSpec, helpText, parseOptions, type ParsedOptions } from '../terminal/command.ts';
import { asAnotherCommand } from '../deployment.ts';
import {
  assertNamesExist,
  FILTER_OPTIONS,
  messageFilter,
  MAX_LIMIT,
  withQueue,
} from './dead-letter-options.ts';
import { answerLine, groupLines, letterCount, letterLines } from './dead-letter-text.ts';
import { DEPLOYMENT_OPTIONS } from '../deployment.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonLine, jsonText } from '../terminal/json.ts';
import { createProgress } from '../terminal/progress.ts';

export const LIST: CommandSpec = {
  name: 'dlq list',
  summary: 'Show what is in the dead-letter queue, since when, and what to do about it.',
  description: [
    'Changes nothing: every message is held while the queue is read and then released (after at most five minutes if this process is killed).',
  ],
  options: {
    ...FILTER_OPTIONS,
    each: { description: 'Show every message, in no order, and not the groups.' },
    limit: {
      value: 'N',
      range: { minimum: 1, maximum: MAX_LIMIT },
      description: `Read at most N messages that match, 1 to ${MAX_LIMIT}. Default: ${MAX_LIMIT}.`,
    },
    json: {
      description:
        'Print one JSON object on standard output; with --each one object a line for each message (fields: docs/cli.md).',
    },
    ...DEPLOYMENT_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'The queue was read, even if it is empty.'],
    [EXIT.failure, 'The queue could not be read.'],
    [EXIT.usage, 'The command line is wrong.'],
    [
      EXIT.interrupted,
      'Interrupted. All held messages were released, and the messages read so far are shown.',
    ],
  ],
  examples: [
    ['npx s3-replicator dlq list', 'What is wrong in stage prod?'],
    [
      'npx s3-replicator dlq list --reason access-denied --prefix reports/ --each',
      'Every message of one kind',
    ],
    [`npx s3-replicator dlq list --each --json | jq -r .key`, 'Only the keys'],
  ],
};

/** Runs `s3-replicator dlq list …`. Resolves to the exit code. Throws CliError. */
export const runDlqList = async (argv: readonly string[], io: CliIo): Promise<number> => {
  const options = parseOptions(LIST, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(LIST, io.columns));
    return EXIT.ok;
  }
  return withQueue(options, io, async (queue) => {
    const isJson = options.has('json');
    const onLetter = (seen: DeadMessage): void => {
      if (options.has('each')) io.stdout.write(isJson ? jsonLine(seen) : `${letterLines(seen).join('\n')}\n`);
    };
    const { summary, read } = await listLetters(queue, options, { io, onLetter });
    if (!isJson) io.stdout.write(listText(queue, { summary, read, options }, io));
    else if (!options.has('each')) io.stdout.write(jsonText(listJson(queue, summary, read)));
    for (const note of listNotes(read, options.number('limit') ?? MAX_LIMIT))
      io.stderr.write(`note: ${note}\n`);
    return read.interrupted ? EXIT.interrupted : EXIT.ok;
  });
};

/** Reads the letters that match the options, calls `onLetter` with each, and counts them in groups. Throws {@link CliError}. */
export const listLetters = async (
  queue: OperatorQueue,
  options: ParsedOptions,
  { io, onLetter }: { io: CliIo; onLetter: (seen: DeadMessage) => void },
): Promise<{ summary: LetterSummary; read: LettersRead }> => {
  const filter = messageFilter(options, io);
  const summer = createSummer(io.now());
  const progress = createProgress(io);
  const read = await readLetters(queue, {
    filter,
    limit: options.number('limit') ?? MAX_LIMIT,
    reader: io,
    onRead: (count) => progress.update(`${letterCount(count)} read`),
    onMessage: (seen, message) => {
      summer.add(seen, message);
      if (options.has('each')) progress.end();
      onLetter(seen);
    },
  }).finally(() => progress.end());
  assertNamesExist(filter, read, options, io);
  return { summary: summer.sum(), read };
};

/** The letters in groups, in the shape that `dlq list --json` prints. */
export const listJson = (
  { name, region }: OperatorQueue,
  summary: LetterSummary,
  { more, hidden, interrupted }: LettersRead,
) => ({ queue: name, region, ...summary, complete: !more && !interrupted && hidden === 0 });

const listText = (
  queue: OperatorQueue,
  { summary, read, options }: { summary: LetterSummary; read: LettersRead; options: ParsedOptions },
  io: CliIo,
): string => {
  const nowMs = io.now();
  if (summary.letters === 0) {
    return read.read === 0
      ? `No dead letters in ${queue.name} (${queue.region}).\n`
      : `None of the ${letterCount(read.read)} in ${queue.name} (${queue.region}) matches.\n`;
  }
  const command = (words: string): string => asAnotherCommand(options, words);
  const answer = answerLine(summary, queue, nowMs);
  if (options.has('each')) return `${answer}\n`;
  return [
    answer,
    ...groupLines(summary.groups, { nowMs, columns: io.columns, command }),
    ...expiryLines(summary, nowMs),
    ...(filterIsEmpty(messageFilter(options, io)) ? nextLines(summary) : ['Every message: --each']),
    '',
  ].join('\n');
};

/** How long before the end of a letter its end is announced, as by the alarm `dead-letters-expire`. */
const SOON_MS = 4 * 24 * 3_600_000;

const expiryLines = ({ groups }: LetterSummary, nowMs: number): string[] => {
  const firstMs = Math.min(...groups.map(({ expires }) => Date.parse(expires)));
  return firstMs - nowMs > SOON_MS
    ? []
    : [`SQS deletes the first of them in ${duration((firstMs - nowMs) / 1_000)}.`];
};

const nextLines = ({ groups }: LetterSummary): string[] => {
  const [first] = groups;
  const useless = groups.find(({ endedBy }) => endedBy === 'discard');
  return [
    [
      'Every message: --each',
      ...(first === undefined ? [] : [`one reason: --reason ${first.reason}`]),
      ...(useless === undefined ? [] : [`throw away: dlq discard --reason ${useless.reason}`]),
    ].join(' · '),
  ];
};

const listNotes = ({ more, hidden, interrupted }: LettersRead, limit: number): string[] => [
  ...(more
    ? [
        `there are more than these ${countText(limit)} messages: raise --limit, or redrive or discard some first.`,
      ]
    : []),
  ...(hidden > 0
    ? [
        `about ${letterCount(hidden)} not shown, because another command or a redrive holds them: try again in a minute.`,
      ]
    : []),
  ...(interrupted ? ['interrupted: the queue was not read to its end.'] : []),
];
