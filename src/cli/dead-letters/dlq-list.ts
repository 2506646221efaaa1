import type { OperatorQueue } from '../../lib/dead-letters/queue.ts';
import type { DeadMessage } from '../../lib/dead-letters/dead-message.ts';
import { type Peeked, peek } from '../../lib/dead-letters/list.ts';
import { type CommandSpec, helpText, parseOptions, numberOption } from '../terminal/command.ts';
import { FILTER_OPTIONS, messageFilter, MAX_LIMIT, withQueue } from './dead-letter-options.ts';
import { messageCount, messageLines, reasonLines } from './dead-letter-text.ts';
import { DEPLOYMENT_OPTIONS } from '../deployment.ts';
import { duration } from '../../lib/text/duration.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { createProgress } from '../terminal/progress.ts';

const DEFAULT_MESSAGES = 1_000;

export const LIST: CommandSpec = {
  name: 'dlq list',
  summary: 'Show the messages in the dead-letter queue and their reasons.',
  description: [
    'Changes nothing: every message is held while the queue is read and then released (after at most one minute if this process is killed).',
  ],
  options: {
    ...FILTER_OPTIONS,
    limit: {
      value: 'N',
      description: `Show at most N messages, 1 to ${MAX_LIMIT}. Default: ${DEFAULT_MESSAGES}.`,
    },
    json: { description: 'Print one JSON array on standard output (fields: docs/cli.md).' },
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
    ['npx s3-replicator dlq list', 'All messages in stage prod'],
    [
      'npx s3-replicator dlq list --stage test --reason access-denied --prefix reports/',
      'Some messages in stage test',
    ],
    [`npx s3-replicator dlq list --json | jq -r '.[].key'`, 'Only the keys'],
  ],
};

/** Runs `s3-replicator dlq list …`. Resolves to the exit code. Throws CliError. */
export const runDlqList = async (argv: readonly string[], io: CliIo): Promise<number> => {
  const options = parseOptions(LIST, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(LIST, io.columns));
    return EXIT.ok;
  }
  const filter = messageFilter(options);
  const limit = numberOption(options, 'limit', { minimum: 1, maximum: MAX_LIMIT }) ?? DEFAULT_MESSAGES;
  return withQueue(options, io, async (queue) => {
    const progress = createProgress(io);
    const onRead = (count: number): void => progress.update(`${messageCount(count)} read`);
    const peeked = await peek(queue, { filter, limit, reader: io, onRead }).finally(() => progress.end());
    io.stdout.write(
      options.has('json') ? jsonText(peeked.messages) : listText(queue, peeked.messages, io.now()),
    );
    for (const note of listNotes(peeked, limit)) io.stderr.write(`note: ${note}\n`);
    return peeked.interrupted ? EXIT.interrupted : EXIT.ok;
  });
};

const listText = (queue: OperatorQueue, messages: DeadMessage[], nowMs: number): string => {
  if (messages.length === 0) return `No message to show in ${queue.name} (${queue.region}).\n`;
  const firstExpiryMs = Math.min(...messages.map(({ expires }) => Date.parse(expires)));
  const summary = `${messageCount(messages.length)} in ${queue.name} (${queue.region}); SQS deletes the first of them in ${duration((firstExpiryMs - nowMs) / 1000)}.`;
  return [...messageLines(messages), '', summary, '', ...reasonLines(messages), ''].join('\n');
};

const listNotes = ({ more, hidden, interrupted }: Peeked, limit: number): string[] => [
  ...(more ? [`there are more than these ${limit} messages: raise --limit or add a filter.`] : []),
  ...(hidden > 0
    ? [
        `about ${messageCount(hidden)} not shown, because another command or a redrive holds them: try again in a minute.`,
      ]
    : []),
  ...(interrupted ? ['interrupted: the queue was not read to its end.'] : []),
];
