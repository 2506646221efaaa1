import { openDeadLetterQueue } from '../../lib/aws/sqs/dead-letter-queue.ts';
import type { OperatorQueue } from '../../lib/dead-letters/queue.ts';
import type { DeadMessageFilter } from '../../lib/dead-letters/dead-message.ts';
import { DEAD_LETTER_REASONS } from '../../lib/dead-letters/reasons.ts';
import { nearestWord } from '../../lib/text/nearest-word.ts';
import { resourceNames } from '../../lib/configuration/resource-names.ts';
import type { OptionSpec, ParsedOptions } from '../terminal/command.ts';
import { withCliErrors } from '../aws-errors.ts';
import { deploymentOf } from '../deployment.ts';
import { CliError } from '../terminal/errors.ts';
import type { CliIo } from '../terminal/io.ts';

const DEAD_REASONS: readonly string[] = [...DEAD_LETTER_REASONS.keys()];

export const FILTER_OPTIONS = {
  reason: {
    value: 'REASON',
    multiple: true,
    description: `Only messages with this reason: ${DEAD_REASONS.join(', ')}.`,
  },
  prefix: { value: 'PREFIX', multiple: true, description: 'Only messages whose key begins with this.' },
  rule: { value: 'ID', multiple: true, description: 'Only messages of this rule of the configuration.' },
} as const satisfies Record<string, OptionSpec>;

/**
 * Maximum messages of one command. All messages that a command has read remain in flight until it ends, and SQS allows 120,000 messages in
 * flight.
 */
export const MAX_LIMIT = 100_000;

/** Makes the filter that the options describe. Throws {@link CliError} for an unknown reason. */
export const messageFilter = (options: ParsedOptions): DeadMessageFilter => {
  const reasons = options.values('reason');
  for (const reason of reasons) {
    if (DEAD_REASONS.includes(reason)) continue;
    const nearest = nearestWord(reason, DEAD_REASONS);
    const hint =
      nearest === null ? `The reasons are ${DEAD_REASONS.join(', ')}.` : `Did you mean ${nearest}?`;
    throw new CliError('bad-value', `--reason ${JSON.stringify(reason)} is not a reason. ${hint}`);
  }
  return { reasons, prefixes: options.values('prefix'), rules: options.values('rule') };
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
