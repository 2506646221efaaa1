import { resolve } from 'node:path';
import { type Discarded, discardMatching } from '../../lib/dead-letters/discard.ts';
import type { OperatorQueue } from '../../lib/dead-letters/queue.ts';
import { createSummer, type LetterSummary } from '../../lib/dead-letters/summary.ts';
import { countText } from '../../lib/text/amounts.ts';
import { asCliError } from '../aws-errors.ts';
import { asAnotherCommand, DEPLOYMENT_OPTIONS } from '../deployment.ts';
import { type CommandSpec, helpText, parseOptions, type ParsedOptions } from '../terminal/command.ts';
import { confirmByTyping } from '../terminal/confirm.ts';
import { CliError } from '../terminal/errors.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { createProgress } from '../terminal/progress.ts';
import {
  assertNamesExist,
  FILTER_OPTIONS,
  MAX_LIMIT,
  messageFilter,
  withQueue,
} from './dead-letter-options.ts';
import { groupLines, letterCount } from './dead-letter-text.ts';
import { createExport } from './export-file.ts';
import { surveyLetters } from './redrive-question.ts';

export const DISCARD: CommandSpec = {
  name: 'dlq discard',
  summary: 'Delete dead letters permanently, after they were written to a file.',
  description: [
    'Reads the messages that match, writes them to a file (one JSON object a line), and asks you to type their number. Then it deletes exactly those: a message that arrives meanwhile stays. Whatever ends the command, a message that is no longer in the queue is in the file.',
    'The objects are not touched. They stay unreplicated, and the next backfill or verify finds them again.',
  ],
  options: {
    ...FILTER_OPTIONS,
    limit: {
      value: 'N',
      range: { minimum: 1, maximum: MAX_LIMIT },
      description: `Delete at most N messages, 1 to ${MAX_LIMIT}. Default: ${MAX_LIMIT}.`,
    },
    export: {
      value: 'FILE',
      description:
        'The file for the messages. It must not exist. Default: dead-letters-<time>.ndjson in the current directory.',
    },
    expect: {
      value: 'N',
      range: { minimum: 0, maximum: MAX_LIMIT },
      description: 'For scripts: do not ask, but delete only if exactly N messages match.',
    },
    'dry-run': { description: 'Show what would be deleted. Write and delete nothing.' },
    json: { description: 'Print one JSON object on standard output (fields: docs/cli.md).' },
    ...DEPLOYMENT_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'All messages that match were deleted, or there were none.'],
    [EXIT.failure, 'Nothing was deleted.'],
    [EXIT.usage, 'The command line is wrong, or there was no terminal to ask on. Nothing was deleted.'],
    [EXIT.partial, 'Some messages were deleted and some were not. Running the command again is safe.'],
    [EXIT.interrupted, 'Interrupted. What was deleted until then is in the file.'],
  ],
  examples: [
    ['npx s3-replicator dlq discard --reason malformed-message --dry-run', 'What would be deleted?'],
    ['npx s3-replicator dlq discard --reason malformed-message', 'Delete it, after typing the number'],
    ['npx s3-replicator dlq discard --rule old --expect 140 --export old.ndjson', 'In a script'],
  ],
};

/** The result of a discard. `dlq discard --json` prints it, so its names are stable. */
export interface DiscardResult {
  queue: string;
  status: 'done' | 'failed' | 'interrupted' | 'dry-run';
  matching: number;
  deleted: number;
  /** The file with the messages; null: nothing was written. */
  export: string | null;
  groups: LetterSummary['groups'];
  problem: string | null;
}

/** Runs `s3-replicator dlq discard …`. Resolves to the exit code. Throws CliError. */
export const runDlqDiscard = async (argv: readonly string[], io: CliIo): Promise<number> => {
  const options = parseOptions(DISCARD, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(DISCARD, io.columns));
    return EXIT.ok;
  }
  const expected = options.number('expect');
  if (expected === null && io.ask === null && !options.has('dry-run')) {
    throw new CliError(
      'nobody-to-ask',
      'standard input or standard error is not a terminal. In a script, give --expect with the number of messages.',
    );
  }
  return withQueue(options, io, async (queue) => {
    const result = await discardLetters(queue, options, io);
    const command = (words: string): string => asAnotherCommand(options, words);
    const place = { nowMs: io.now(), columns: io.columns, command };
    io.stdout.write(options.has('json') ? jsonText(result) : `${resultLines(result).join('\n')}\n`);
    if (options.has('dry-run') && !options.has('json') && result.matching > 0)
      io.stdout.write(`${groupLines(result.groups, place).join('\n')}\n`);
    return exitCode(result);
  });
};

/** Deletes the letters that match the options, after their number was typed or expected. Throws {@link CliError}. */
export const discardLetters = async (
  queue: OperatorQueue,
  options: ParsedOptions,
  io: CliIo,
): Promise<DiscardResult> =>
  options.has('dry-run') ? await dryRun(queue, options, io) : await discard(queue, options, io);

const requestOf = (options: ParsedOptions, io: CliIo) => ({
  filter: messageFilter(options, io),
  limit: options.number('limit') ?? MAX_LIMIT,
});

const dryRun = async (queue: OperatorQueue, options: ParsedOptions, io: CliIo): Promise<DiscardResult> => {
  const request = requestOf(options, io);
  const { read, summary } = await surveyLetters(queue, request, io);
  assertNamesExist(request.filter, read, options, io);
  const { groups } = summary;
  const status = read.interrupted ? 'interrupted' : 'dry-run';
  return {
    queue: queue.name,
    status,
    matching: read.matching,
    deleted: 0,
    export: null,
    groups,
    problem: null,
  };
};

const discard = async (queue: OperatorQueue, options: ParsedOptions, io: CliIo): Promise<DiscardResult> => {
  const request = requestOf(options, io);
  const path = resolve(io.cwd, options.value('export') ?? `dead-letters-${timeInName(io.now())}.ndjson`);
  const summer = createSummer(io.now());
  const progress = createProgress(io);
  const discarded = await discardMatching(queue, {
    ...request,
    reader: io,
    openExport: () => createExport(path),
    confirm: async ({ matching }) => {
      progress.end();
      await confirmCount(matching, { summary: summer.sum(), path, options }, io);
    },
    onRead: (count) => progress.update(`${letterCount(count)} read`),
    onMessage: (seen, message) => summer.add(seen, message),
    onDeleted: (count) => progress.update(`${letterCount(count)} deleted`),
  }).finally(() => progress.end());
  assertNamesExist(request.filter, discarded.read, options, io);
  const { matching } = discarded.read;
  if (matching === 0 && !discarded.interrupted) refuseOther(options.number('expect'), 0);
  return resultOf(queue, discarded, summer.sum(), path);
};

/** Returns a time like `20261122T120000Z`. It has no colons, because some systems do not allow colons in file names. */
const timeInName = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');

/** Throws CliError unless the operator, or the script, has given the number of messages. */
const confirmCount = async (
  matching: number,
  { summary, path, options }: { summary: LetterSummary; path: string; options: ParsedOptions },
  io: CliIo,
): Promise<void> => {
  const command = (words: string): string => asAnotherCommand(options, words);
  const place = { nowMs: io.now(), columns: io.columns, command };
  const expected = options.number('expect');
  refuseOther(expected, matching);
  if (expected !== null) return;
  const warning = [
    ...groupLines(summary.groups, place),
    `To be deleted permanently: ${letterCount(matching)}. Export: ${path}`,
  ].join('\n');
  await confirmByTyping({ warning, word: String(matching) }, io);
};

const refuseOther = (expected: number | null, matching: number): void => {
  if (expected === null || expected === matching) return;
  throw new CliError('not-confirmed', `${letterCount(matching)} match, and --expect says ${expected}.`);
};

const resultOf = (
  { name }: OperatorQueue,
  { read, deleted, left, failure, interrupted }: Discarded,
  { groups }: LetterSummary,
  path: string,
): DiscardResult => {
  const thrown = failure === null ? null : asCliError(failure);
  const problem =
    thrown !== null
      ? thrown instanceof Error
        ? thrown.message
        : String(thrown)
      : left > 0
        ? `${letterCount(left)} could not be deleted`
        : null;
  return {
    queue: name,
    status: interrupted ? 'interrupted' : problem === null ? 'done' : 'failed',
    matching: read.matching,
    deleted,
    export: deleted > 0 ? path : null,
    groups,
    problem,
  };
};

/** Returns the result as lines for the terminal. */
export const resultLines = ({
  queue,
  status,
  matching,
  deleted,
  export: path,
  problem,
}: DiscardResult): string[] => {
  if (matching === 0) return [`Nothing to discard in ${queue}.`];
  if (status === 'dry-run') return [`Dry run: ${letterCount(matching)} would be deleted from ${queue}.`];
  return [
    deleted === 0
      ? `Nothing was deleted from ${queue}.`
      : `${countText(deleted)} of ${letterCount(matching)} deleted from ${queue}. Export: ${path}`,
    ...(problem === null ? [] : [problem]),
  ];
};

const exitCode = ({ status, deleted }: DiscardResult): number => {
  if (status === 'done' || status === 'dry-run') return EXIT.ok;
  if (status === 'interrupted') return EXIT.interrupted;
  return deleted > 0 ? EXIT.partial : EXIT.failure;
};
