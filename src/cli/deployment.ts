import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { REGION, STACK_NAME_PART } from '../lib/configuration/aws-syntax.ts';
import { DEFAULT_STAGE } from '../lib/configuration/configuration.ts';
import { readConfigurationFile } from '../lib/configuration/file.ts';
import { fileSchema } from '../lib/configuration/schema.ts';
import type { Deployment } from '../lib/configuration/resource-names.ts';
import { PROFILE_OPTION } from './profile.ts';
import type { OptionSpec, ParsedOptions } from './terminal/command.ts';
import { CliError } from './terminal/errors.ts';
import { matching } from './terminal/option-value.ts';
import type { CliIo } from './terminal/io.ts';

/** The options by which a command that does not talk to AWS selects a stack. */
export const STACK_OPTIONS = {
  config: {
    value: 'FILE',
    description:
      'Configuration file that names the stack. Default: replication.yml in the current directory.',
  },
  stage: {
    value: 'STAGE',
    check: matching(STACK_NAME_PART, 'letters, digits and hyphens'),
    description: `Stage of the stack. Default: ${DEFAULT_STAGE}.`,
  },
  region: {
    value: 'REGION',
    check: matching(REGION, 'a region like us-east-1'),
    description:
      'Region of the stack. Default: `region` in the configuration file, as in `serverless deploy`.',
  },
} as const satisfies Record<string, OptionSpec>;

/** The options by which a command selects a deployed stack and the credentials for it. */
export const DEPLOYMENT_OPTIONS = { ...STACK_OPTIONS, ...PROFILE_OPTION } as const;

/**
 * Returns the deployment that the options name. Reads only `name` and `region` from the configuration file, so that an operator can reach
 * the dead letters even if there is a mistake elsewhere in the file. Throws {@link CliError}.
 */
export const deploymentOf = (options: ParsedOptions, io: Pick<CliIo, 'cwd'>): Deployment => {
  const stage = options.value('stage') ?? DEFAULT_STAGE;
  const region = options.value('region');
  const file = resolve(io.cwd, options.value('config') ?? 'replication.yml');
  const { content, problems } = readConfigurationFile(read(file));
  const [problem] = problems;
  if (problem) throw new CliError('no-configuration', `${file}:${problem.line ?? 1}: ${problem.found}`);
  return {
    name: setting('name', content, file),
    stage,
    region: region ?? setting('region', content, file),
  };
};

/** Returns a command line for the same deployment, for a text that tells the operator what to type. */
export const asAnotherCommand = (options: ParsedOptions, words: string): string =>
  [
    `npx s3-replicator ${words}`,
    ...deploymentValues(options).map(
      ([name, value]) => `--${name} ${/^[\w./-]+$/.test(value) ? value : JSON.stringify(value)}`,
    ),
  ].join(' ');

/** Returns the options of {@link DEPLOYMENT_OPTIONS} that were given, with their values. */
export const deploymentValues = (options: ParsedOptions): [name: string, value: string][] =>
  Object.keys(DEPLOYMENT_OPTIONS).flatMap((name) => {
    const value = options.value(name);
    return value === null ? [] : [[name, value]];
  });

const setting = (name: 'name' | 'region', content: unknown, file: string): string => {
  const written: unknown =
    typeof content === 'object' && content !== null ? Reflect.get(content, name) : undefined;
  const result = fileSchema.shape[name].safeParse(written);
  if (result.success) return result.data;
  throw new CliError('no-configuration', `${file}: ${name} is ${JSON.stringify(written)}`);
};

const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError('no-configuration', error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
};
