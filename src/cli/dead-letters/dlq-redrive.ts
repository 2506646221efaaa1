import type { OperatorQueue } from '../../lib/dead-letters/queue.ts';
import { type CommandSpec, helpText, parseOptions, type ParsedOptions } from '../terminal/command.ts';
import {
  assertNamesExist,
  FILTER_OPTIONS,
  messageFilter,
  MAX_LIMIT,
  withQueue,
} from './dead-letter-options.ts';
import { asAnotherCommand, DEPLOYMENT_OPTIONS } from '../deployment.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { ASKED_ABOVE, mayRedrive, surveyLetters } from './redrive-question.ts';
import { redriveSelection } from './redrive-selection.ts';
import {
  countByReason,
  type RedriveRequest,
  type RedriveResult,
  resultText,
  unmoved,
} from './redrive-result.ts';

export const REDRIVE: CommandSpec = {
  name: 'dlq redrive',
  summary: 'Send dead letters back to the queues that they came from.',
  description: [
    'Makes the replicate function send the messages, and deletes what SQS has accepted, batch by batch. Nobody else may send to the queues of the stack. Replaying a message that was replicated meanwhile does nothing.',
    `Above ${ASKED_ABOVE} messages it asks first, and says how many of them are likely to come back.`,
  ],
  options: {
    ...FILTER_OPTIONS,
    limit: {
      value: 'N',
      range: { minimum: 1, maximum: MAX_LIMIT },
      description: `Send at most N messages, 1 to ${MAX_LIMIT}. Default: all that match.`,
    },
    'dry-run': { description: 'Show what would be sent. Send nothing.' },
    yes: { description: `Send more than ${ASKED_ABOVE} messages without asking.` },
    'max-rate': {
      value: 'N',
      range: { minimum: 1, maximum: 500 },
      description: 'Send at most N messages a second, 1 to 500. Default: as fast as possible.',
    },
    json: { description: 'Print one JSON object on standard output (fields: docs/cli.md).' },
    ...DEPLOYMENT_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'All messages were sent, or there was nothing to send.'],
    [EXIT.failure, 'Nothing was sent.'],
    [EXIT.usage, 'The command line is wrong, or there was no terminal to ask on. Nothing was sent.'],
    [EXIT.partial, 'Some messages were sent and some were not. Running the command again is safe.'],
    [EXIT.interrupted, 'Interrupted. The messages sent so far are shown.'],
  ],
  examples: [
    ['npx s3-replicator dlq redrive --dry-run', 'What would be sent?'],
    ['npx s3-replicator dlq redrive', 'Send all messages'],
    [
      'npx s3-replicator dlq redrive --reason access-denied --limit 10',
      'Try ten messages after fixing a policy',
    ],
  ],
};

/** Runs `s3-replicator dlq redrive …`. Resolves to the exit code. Throws CliError. */
export const runDlqRedrive = async (argv: readonly string[], io: CliIo): Promise<number> => {
  const options = parseOptions(REDRIVE, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(REDRIVE, io.columns));
    return EXIT.ok;
  }
  return withQueue(options, io, async (queue) => {
    const result = await redriveLetters(queue, options, io);
    if (result === null) {
      io.stderr.write('Nothing was sent.\n');
      return io.interrupted.aborted ? EXIT.interrupted : EXIT.failure;
    }
    const command = (words: string): string => asAnotherCommand(options, words);
    const place = { nowMs: io.now(), columns: io.columns, command };
    io.stdout.write(options.has('json') ? jsonText(result) : resultText(result, place));
    return redriveExitCode(result);
  });
};

/** Sends the letters that match the options, after a question if they are many. Resolves to null if the answer was no. Throws {@link CliError}. */
export const redriveLetters = async (
  queue: OperatorQueue,
  options: ParsedOptions,
  io: CliIo,
): Promise<RedriveResult | null> => {
  const request: RedriveRequest = {
    filter: messageFilter(options, io),
    limit: options.number('limit'),
    maxPerSecond: options.number('max-rate'),
  };
  if (options.has('dry-run')) return await dryRun(queue, request, options, io);
  if (!options.has('yes') && !(await mayRedrive(queue, request, io))) return null;
  return await redriveSelection(queue, request, options, io);
};

const dryRun = async (
  queue: OperatorQueue,
  request: RedriveRequest,
  options: ParsedOptions,
  io: CliIo,
): Promise<RedriveResult> => {
  const { read, summary } = await surveyLetters(queue, request, io);
  assertNamesExist(request.filter, read, options, io);
  return {
    ...unmoved(queue, 'dry-run'),
    status: read.interrupted ? 'interrupted' : 'done',
    byReason: countByReason(summary.groups),
    // With --limit, a redrive would send only the messages that were read, so their counts are complete.
    byReasonComplete: !read.interrupted && !(read.more && request.limit === null),
    groups: summary.groups,
  };
};

const redriveExitCode = ({ status, moved }: RedriveResult): number => {
  if (status === 'done') return EXIT.ok;
  if (status === 'interrupted') return EXIT.interrupted;
  return moved > 0 ? EXIT.partial : EXIT.failure;
};
