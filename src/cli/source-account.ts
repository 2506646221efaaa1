/** The account of the stack, which the configuration does not name. */
import { ACCOUNT } from '../lib/configuration/aws-syntax.ts';
import { withCliErrors } from './aws-errors.ts';
import type { OptionSpec, ParsedOptions } from './terminal/command.ts';
import { matching } from './terminal/option-value.ts';

/** Resolves to the account of the operator's credentials. Throws ReplicationError. */
export type CallerAccount = (region: string) => Promise<string>;

export const SOURCE_ACCOUNT_OPTION = {
  'source-account': {
    value: 'ACCOUNT',
    check: matching(ACCOUNT, '12 digits'),
    description: 'The account of the stack and its source buckets. Default: the one you are signed in to.',
  },
} as const satisfies Record<string, OptionSpec>;

/** Resolves to the account that the option names, or else to the account of the credentials. Throws CliError. */
export const sourceAccountOf = async (
  options: ParsedOptions,
  region: string,
  callerAccount: CallerAccount,
): Promise<string> => options.value('source-account') ?? (await withCliErrors(() => callerAccount(region)));
