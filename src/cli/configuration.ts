import { resolve } from 'node:path';
import { type Configuration, loadConfiguration } from '../lib/configuration/configuration.ts';
import { ConfigurationError } from '../lib/configuration/problem.ts';
import type { ParsedOptions } from './terminal/command.ts';
import { CliError } from './terminal/errors.ts';
import type { CliIo } from './terminal/io.ts';

/**
 * Loads the configuration file that the options name. Unlike for dead letters, the whole file must be valid, because these commands
 * depend on its rules. Throws {@link CliError}.
 */
export const configurationOf = (options: ParsedOptions, { cwd }: Pick<CliIo, 'cwd'>): Configuration => {
  try {
    return loadConfiguration(resolve(cwd, options.value('config') ?? 'replication.yml'), {
      stage: options.value('stage') ?? undefined,
      region: options.value('region') ?? undefined,
    });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new CliError('no-configuration', error.message, { cause: error });
  }
};
