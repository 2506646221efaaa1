import { relative } from 'node:path';
import { destinationCommand } from '../../stack/destination-command.ts';
import {
  type DestinationStack,
  destinationStacks,
  type StackChoices,
} from '../../stack/destination-stacks.ts';
import { type CallerAccount, SOURCE_ACCOUNT_OPTION, sourceAccountOf } from '../source-account.ts';
import { chosenDestinations, DESTINATION_OPTIONS } from '../chosen-destinations.ts';
import { productFile } from '../../lib/configuration/package-files.ts';
import { type CommandSpec, helpText, parseOptions, type ParsedOptions } from '../terminal/command.ts';
import { CliError } from '../terminal/errors.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';

const RETENTION_MODES = ['GOVERNANCE', 'COMPLIANCE'] as const;

export const DESTINATION: CommandSpec = {
  name: 'config destination',
  summary: 'Print the command that deploys the roles of each destination.',
  description: [
    'Prints one `aws cloudformation deploy` for each destination bucket and role. All parameters of destination/template.yml follow from the rules. Run each command in the account that its first line names, before or after the source stack. Run it again when the rules have changed.',
    'The stack trusts the role of the source account. Without --source-account, AWS is asked for the account you are signed in to.',
  ],
  options: {
    ...DESTINATION_OPTIONS,
    ...SOURCE_ACCOUNT_OPTION,
    'destination-profile': {
      value: 'PROFILE',
      description: 'The AWS profile of the destination account, for the printed commands.',
    },
    'create-bucket': { description: 'The stack also creates the bucket: versioned, encrypted, private.' },
    'object-lock': { description: 'With --create-bucket: the bucket has Object Lock.' },
    'retention-mode': {
      value: 'MODE',
      choices: RETENTION_MODES,
      description: 'GOVERNANCE or COMPLIANCE: the bucket locks every version by default (a vault).',
    },
    'retention-days': {
      value: 'DAYS',
      range: { minimum: 1, maximum: 36_500 },
      description: 'With --retention-mode: how long, in days.',
    },
    json: { description: 'Print the stacks, their parameters and their commands as JSON.' },
  },
  exitCodes: [
    [EXIT.ok, 'The commands are printed.'],
    [EXIT.failure, 'The template cannot create one of the roles, or your account is not known.'],
    [EXIT.usage, 'The command line is wrong, or there is no such destination.'],
  ],
  examples: [
    ['npx s3-replicator config destination', 'For all destinations'],
    ['npx s3-replicator config destination --rule invoices --create-bucket', 'With new buckets'],
  ],
};

/** Prints the commands. Throws CliError. */
export const runConfigDestination = async (
  argv: readonly string[],
  io: CliIo,
  callerAccount: CallerAccount,
): Promise<number> => {
  const options = parseOptions(DESTINATION, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(DESTINATION, io.columns));
    return EXIT.ok;
  }
  const known = choicesOf(options);
  const configuration = chosenDestinations(options, io);
  const { region } = configuration.deployment;
  const sourceAccount = await sourceAccountOf(options, region, callerAccount);
  const found = destinationStacks(configuration, configuration.chosen, { ...known, sourceAccount });
  const template = relative(io.cwd, productFile('destination/template.yml'));
  const profile = options.value('destination-profile');
  const stacks = found.stacks.map((stack) => ({
    ...stack,
    command: destinationCommand(stack, { template, profile }),
  }));
  if (options.has('json')) io.stdout.write(jsonText({ stacks, problems: found.problems }));
  else {
    if (stacks.length > 0) io.stdout.write(`${stacks.map(block).join('\n')}${notes(found.stacks)}`);
    if (found.stacks.length + found.problems.length === 0)
      io.stderr.write('s3-replicator: These destinations are reached with an access key and need no role.\n');
    for (const problem of found.problems)
      io.stderr.write(`s3-replicator: The template cannot create the role ${problem}.\n`);
  }
  return found.problems.length === 0 ? EXIT.ok : EXIT.failure;
};

const choicesOf = (options: ParsedOptions): Omit<StackChoices, 'sourceAccount'> => {
  const createBucket = options.has('create-bucket');
  const enableObjectLock = options.has('object-lock');
  if (enableObjectLock && !createBucket)
    throw new CliError(
      'bad-value',
      '--object-lock needs --create-bucket: a bucket that exists gets it with `aws s3api put-object-lock-configuration`.',
    );
  return { createBucket, enableObjectLock, retention: retentionOf(options) };
};

const retentionOf = (options: ParsedOptions): StackChoices['retention'] => {
  const mode = RETENTION_MODES.find((each) => each === options.value('retention-mode')) ?? null;
  const days = options.number('retention-days');
  if (mode === null && days === null) return null;
  if (mode === null || days === null)
    throw new CliError('bad-value', '--retention-mode and --retention-days need each other.');
  return { mode, days };
};

const block = ({
  account,
  bucket,
  rules,
  command,
}: Pick<DestinationStack, 'account' | 'bucket' | 'rules'> & { command: string }): string =>
  `# Account ${account}: ${bucket}, for rule${rules.length === 1 ? '' : 's'} ${rules.join(', ')}\n${command}\n`;

/** Returns notes about matters that the rules do not decide and a person must know. */
const notes = (stacks: readonly DestinationStack[]): string =>
  stacks.every(({ parameters }) => parameters['KmsKeyArn'] !== undefined)
    ? ''
    : '\n# If a KMS key is the default encryption of a bucket: add KmsKeyArn=<its ARN>\n';
