import { openDeadLetterQueue } from '../../lib/aws/sqs/dead-letter-queue.ts';
import type { OperatorQueue } from '../../lib/dead-letters/queue.ts';
import type { DeadMessageFilter } from '../../lib/dead-letters/filter.ts';
import type { LettersRead } from '../../lib/dead-letters/read.ts';
import { DEAD_LETTER_REASONS } from '../../lib/dead-letters/reasons.ts';
import { nearestWord } from '../../lib/text/nearest-word.ts';
import { resourceNames } from '../../lib/configuration/resource-names.ts';
import type { OptionSpec, ParsedOptions } from '../terminal/command.ts';
import { withCliErrors } from '../aws-errors.ts';
import { configurationOf } from '../configuration.ts';
import { deploymentOf } from '../deployment.ts';
import { CliError } from '../terminal/errors.ts';
import type { CliIo } from '../terminal/io.ts';
import { TIME_VALUE, timeOption } from '../terminal/since.ts';

const DEAD_REASONS: readonly string[] = [...DEAD_LETTER_REASONS.keys()];

export const FILTER_OPTIONS = {
  reason: {
    value: 'REASON',
    choices: DEAD_REASONS,
    multiple: true,
    description: `Only messages with this reason: ${DEAD_REASONS.join(', ')}.`,
  },
  prefix: { value: 'PREFIX', multiple: true, description: 'Only messages whose key begins with this.' },
  rule: { value: 'ID', multiple: true, description: 'Only messages of this rule of the configuration.' },
  destination: { value: 'ID', multiple: true, description: 'Only messages for this destination of a rule.' },
  since: {
    ...TIME_VALUE,
    description:
      'Only messages that came into the queue at this time or later: an age like 30m, 2h or 3d, or a time like 2026-11-01T00:00:00Z.',
  },
} as const satisfies Record<string, OptionSpec>;

/**
 * Maximum messages of one command. All messages that a command has read remain in flight until it ends, and SQS allows 120,000 messages in
 * flight.
 */
export const MAX_LIMIT = 100_000;

/** Makes the filter that the options describe. Throws {@link CliError} if a time is not valid. */
export const messageFilter = (options: ParsedOptions, { now }: Pick<CliIo, 'now'>): DeadMessageFilter => {
  return {
    reasons: options.values('reason'),
    prefixes: options.values('prefix'),
    rules: options.values('rule'),
    destinations: options.values('destination'),
    sinceMs: timeOption(options, 'since', now()),
  };
};

/**
 * Throws {@link CliError} if nothing matched because the filter names a rule or a destination that does not exist. A message may name a
 * rule that replication.yml no longer has. Therefore the names are checked after reading, against the configuration and the messages.
 */
export const assertNamesExist = (
  { rules, destinations }: DeadMessageFilter,
  read: Pick<LettersRead, 'matching' | 'interrupted' | 'rules' | 'destinations'>,
  options: ParsedOptions,
  io: CliIo,
): void => {
  if (read.matching > 0 || read.interrupted) return;
  const configured = configuredNames(options, io);
  assertKnown('rule', rules, [...configured.rules, ...read.rules]);
  assertKnown('destination', destinations, [...configured.destinations, ...read.destinations]);
};

const assertKnown = (option: 'rule' | 'destination', given: readonly string[], known: string[]): void => {
  const names = [...new Set(known)].toSorted();
  for (const name of given) {
    if (names.includes(name)) continue;
    const nearest = nearestWord(name, names);
    const hint = nearest === null ? '' : ` Did you mean ${nearest}?`;
    const all = names.length === 0 ? 'none is known' : `there are ${names.join(', ')}`;
    throw new CliError(
      'bad-value',
      `--${option} ${JSON.stringify(name)}: neither replication.yml nor a message has this ${option}; ${all}.${hint}`,
    );
  }
};

/**
 * Returns the names in replication.yml. Returns no names if that file has a mistake, so that an operator can still reach the dead
 * letters.
 */
const configuredNames = (options: ParsedOptions, io: CliIo): { rules: string[]; destinations: string[] } => {
  try {
    const { rules } = configurationOf(options, io).replication;
    return {
      rules: rules.map(({ id }) => id),
      destinations: rules.flatMap((rule) => rule.destinations.map(({ id }) => id)),
    };
  } catch (error) {
    if (error instanceof CliError) return { rules: [], destinations: [] };
    throw error;
  }
};

/**
 * Opens the dead-letter queue of the deployment that the options name, and calls `work` with that queue. Throws {@link CliError} for a
 * failure of AWS.
 */
export const withQueue = async <Result>(
  options: ParsedOptions,
  io: CliIo,
  work: (queue: OperatorQueue) => Promise<Result>,
): Promise<Result> => {
  const deployment = deploymentOf(options, io);
  const names = { ...resourceNames(deployment), region: deployment.region };
  return await withCliErrors(async () => await work(await openDeadLetterQueue(names)));
};
