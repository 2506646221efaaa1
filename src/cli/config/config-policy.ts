import { resolve } from 'node:path';
import { ACCOUNT } from '../../lib/configuration/aws-syntax.ts';
import { type Configuration, loadConfiguration } from '../../lib/configuration/configuration.ts';
import { ConfigurationError } from '../../lib/configuration/problem.ts';
import { type ReplicationRule, ruleDestinations } from '../../lib/model/rule.ts';
import { needsOf, type Person } from '../../stack/command-rows.ts';
import type { TemplateResources } from '../../stack/deployer-needs.ts';
import { deployerPolicy, destinationDeployerPolicy } from '../../stack/deployer-policy.ts';
import { destinationStacks } from '../../stack/destination-stacks.ts';
import { type IdentityPolicy, policyOfNeeds } from '../../stack/people-policy.ts';
import { currentArtefacts } from '../artefacts.ts';
import { configurationOf } from '../configuration.ts';
import { type CallerAccount, SOURCE_ACCOUNT_OPTION, sourceAccountOf } from '../source-account.ts';
import { type CommandSpec, helpText, parseOptions, type ParsedOptions } from '../terminal/command.ts';
import { matching } from '../terminal/option-value.ts';
import { STACK_OPTIONS } from '../deployment.ts';
import { CliError } from '../terminal/errors.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { type SourcePolicies, sourcePolicies } from '../../stack/source-policy.ts';

export const POLICY: CommandSpec = {
  name: 'config policy',
  summary: 'Print the policies of people, or the grants that let S3 copy by itself.',
  description: [
    'With `copy: auto` or `copy: server-side`, S3 copies objects by itself if the role that writes at the destination may read the source; then no byte passes through the function. This command prints the statements for the policies of the source buckets and of their KMS keys, ready to paste, and the parameters of destination/template.yml. Makes no calls to AWS.',
    'With --operator or --read-only, it prints the least IAM policy of a person instead, for this stack alone: --read-only allows the commands that only look, --operator also those that change what is under way. Without --source-account, AWS is asked for your account.',
    'With --deployer, it prints the least policy of people and pipelines that run `serverless deploy` and `serverless remove`. It follows from the compiled template in the folder .serverless; if that is missing or outdated, `serverless package` is run first. With --destination, the policy is for the stacks of destination/template.yml in that account.',
  ],
  options: {
    ...STACK_OPTIONS,
    operator: { description: 'Print the policy of people who operate the stack.' },
    'read-only': { description: 'Print the policy of people who only look.' },
    deployer: { description: 'Print the policy of people and pipelines that deploy the stack.' },
    destination: {
      value: 'ACCOUNT',
      check: matching(ACCOUNT, '12 digits'),
      description: 'With --deployer: for the destination stacks in this account.',
    },
    'create-bucket': { description: 'With --destination: these stacks also create the buckets.' },
    ...SOURCE_ACCOUNT_OPTION,
    rule: { value: 'ID', multiple: true, description: 'Only for this rule. Default: all rules.' },
    json: { description: 'Print one JSON object.' },
  },
  exitCodes: [
    [EXIT.ok, 'The grants or the policy were printed.'],
    [
      EXIT.failure,
      'The configuration has problems, the stack could not be packaged, or your account is not known.',
    ],
    [EXIT.usage, 'The command line is wrong, or there is no such rule.'],
  ],
  examples: [
    ['npx s3-replicator config policy', 'For all rules'],
    ['npx s3-replicator config policy --rule invoices --json', 'For one rule, as JSON'],
    ['npx s3-replicator config policy --operator', 'For the people on call'],
    ['npx s3-replicator config policy --deployer', 'For the pipeline of the source account'],
    ['npx s3-replicator config policy --deployer --destination 222222222222', 'For a destination account'],
  ],
};

/** Prints the policy statements. Throws CliError. */
export const runConfigPolicy = async (
  argv: readonly string[],
  io: CliIo,
  callerAccount: CallerAccount,
): Promise<number> => {
  const options = parseOptions(POLICY, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(POLICY, io.columns));
    return EXIT.ok;
  }
  const person = personIn(options);
  if (person !== null) {
    io.stdout.write(jsonText(await policyFor(person, options, io, callerAccount)));
    return EXIT.ok;
  }
  const file = resolve(io.cwd, options.value('config') ?? 'replication.yml');
  try {
    const configuration = loadConfiguration(file, {
      stage: options.value('stage') ?? undefined,
      region: options.value('region') ?? undefined,
    });
    const rules = chosen(configuration.replication.rules, options.values('rule'));
    const policies = sourcePolicies(configuration, rules);
    io.stdout.write(options.has('json') ? jsonText(policies) : policyText(policies));
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    io.stderr.write(`${error.message}\n`);
    return EXIT.failure;
  }
};

const PEOPLE = ['operator', 'read-only', 'deployer'] as const;

const policyFor = async (
  person: Person,
  options: ParsedOptions,
  io: CliIo,
  callerAccount: CallerAccount,
): Promise<IdentityPolicy> => {
  const configuration = configurationOf(options, io);
  const destination = options.value('destination');
  if (destination !== null) return policyOfDestination(destination, options, configuration);
  const account = await sourceAccountOf(options, configuration.deployment.region, callerAccount);
  if (person !== 'deployer') return policyOfNeeds(needsOf(person), configuration, account);
  const { template } = await currentArtefacts(configuration, io);
  const { Resources }: { Resources: TemplateResources } = JSON.parse(template);
  return deployerPolicy(Resources, configuration, account);
};

const policyOfDestination = (
  account: string,
  options: ParsedOptions,
  configuration: Configuration,
): IdentityPolicy => {
  const createBucket = options.has('create-bucket');
  // The account of the source is a parameter of the stacks, and no part of the policy.
  const choices = { sourceAccount: '', createBucket, enableObjectLock: false, retention: null };
  const { stacks } = destinationStacks(configuration, ruleDestinations(configuration.replication), choices);
  const there = stacks.filter((stack) => stack.account === account);
  if (there.length > 0) return destinationDeployerPolicy(there, createBucket);
  const accounts = [...new Set(stacks.map((stack) => stack.account))].join(', ');
  throw new CliError(
    'bad-value',
    `--destination: no stack is in ${account}; there are stacks in ${accounts}.`,
  );
};

const personIn = (options: ParsedOptions): Person | null => {
  if (options.has('destination') && !options.has('deployer'))
    throw new CliError('bad-value', '--destination needs --deployer.');
  if (options.has('create-bucket') && !options.has('destination'))
    throw new CliError('bad-value', '--create-bucket needs --destination.');
  const [person, ...others] = PEOPLE.filter((name) => options.has(name));
  if (person === undefined) return null;
  if (others.length > 0)
    throw new CliError('bad-value', `--${person} and --${others[0]} exclude each other.`);
  if (options.has('rule')) throw new CliError('bad-value', `--rule has no meaning with --${person}.`);
  return person;
};

const chosen = (rules: ReplicationRule[], ids: string[]): ReplicationRule[] => {
  const unknown = ids.find((id) => !rules.some((rule) => rule.id === id));
  if (unknown !== undefined) {
    throw new CliError('bad-value', `--rule: there is no rule ${JSON.stringify(unknown)}.`);
  }
  return ids.length === 0 ? rules : rules.filter(({ id }) => ids.includes(id));
};

const policyText = ({ buckets, keys, destinations, streamed }: SourcePolicies): string =>
  [
    ...buckets.map(({ bucket, statements }) =>
      block(
        `Source account, bucket ${bucket}: add to the statements of the bucket's policy (S3 console: Permissions, Bucket policy)`,
        statements.map(json).join(',\n'),
      ),
    ),
    ...keys.map(({ keyArn, statement }) =>
      block(
        `Source account, key ${keyArn}: add to the statements of the key's policy (KMS console: Key policy)`,
        json(statement),
      ),
    ),
    ...destinations.map(({ roleArn, buckets: written, parameters }) =>
      block(
        `Destination account, stack of ${roleArn} for ${written.join(' and ')}: set these parameters of destination/template.yml`,
        Object.entries(parameters)
          .filter(([, value]) => value !== '')
          .map(([name, value]) => `${name}=${value}`)
          .join(' '),
      ),
    ),
    ...(streamed.length === 0
      ? []
      : [`Nothing is needed for ${streamed.join(', ')}: the function moves the bytes.\n`]),
    ...(buckets.length === 0 ? [] : [NOTES]),
  ].join('\n');

const block = (where: string, what: string): string => `# ${where}\n${what}\n`;

const json = (value: object): string => JSON.stringify(value, null, 2);

const NOTES = `Deploy the destination's stack first: S3 and KMS refuse a role that does not exist. If the role is created again, add it to the \
policies again. Write each policy back as a whole: put-bucket-policy and put-key-policy replace the existing policy.

S3 cannot copy these by itself, so \`copy: auto\` streams them:
- objects under the AWS managed key aws/s3, which no other account can use;
- objects that another account owns (a bucket with ACLs): the bucket's policy does not grant them;
- objects of a bucket with Requester Pays;
- objects to which another statement denies access, such as one for a VPC endpoint or an organization.
`;
