/** The destinations of rules that a command is about. */
import type { Configuration } from '../lib/configuration/configuration.ts';
import { type RuleDestination, ruleDestinations } from '../lib/model/rule.ts';
import { configurationOf } from './configuration.ts';
import { DEPLOYMENT_OPTIONS } from './deployment.ts';
import type { OptionSpec, ParsedOptions } from './terminal/command.ts';
import { CliError } from './terminal/errors.ts';
import type { CliIo } from './terminal/io.ts';

export const DESTINATION_OPTIONS = {
  rule: { value: 'RULE', description: 'Only destinations of this rule.' },
  destination: { value: 'ID', description: 'Only the destination with this id.' },
  ...DEPLOYMENT_OPTIONS,
} as const satisfies Record<string, OptionSpec>;

/** Returns the configuration, and the destinations that the options name. Throws {@link CliError} if there is none. */
export const chosenDestinations = (
  options: ParsedOptions,
  io: Pick<CliIo, 'cwd'>,
): Configuration & { chosen: RuleDestination[] } => {
  const configuration = configurationOf(options, io);
  const chosen = ruleDestinations(configuration.replication).filter(
    ({ rule, destination }) =>
      (options.value('rule') ?? rule.id) === rule.id &&
      (options.value('destination') ?? destination.id) === destination.id,
  );
  if (chosen.length === 0)
    throw new CliError('bad-request', 'No rule of the configuration has such a destination.');
  return { ...configuration, chosen };
};
