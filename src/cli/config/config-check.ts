import { basename, resolve } from 'node:path';
import {
  type Configuration,
  loadConfiguration,
  type StackSettings,
} from '../../lib/configuration/configuration.ts';
import { DEFAULT_MAX_RETENTION_DAYS } from '../../lib/configuration/destination-schema.ts';
import { ConfigurationError, describeWarnings } from '../../lib/configuration/problem.ts';
import { resourceNames } from '../../lib/configuration/resource-names.ts';
import {
  compareRoleArn,
  type Destination,
  type Exclusion,
  type Filter,
  type ReplicationRule,
  type S3Service,
  type Source,
} from '../../lib/model/rule.ts';
import { stackOf } from '../../stack/stack.ts';
import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { STACK_OPTIONS } from '../deployment.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';

export const CHECK: CommandSpec = {
  name: 'config check',
  summary: 'Check replication.yml and show the resolved rules.',
  description: [
    'Reports all problems at once, each with its line, the value found and a fix. Without problems it shows the resolved configuration with all defaults, and warns of what can be deployed but is most likely not meant: alarms that nobody receives, no bucket for reports, prefixes that take more or less than they seem to, and deletes without a brake. Makes no calls to AWS: it does not check whether buckets and roles exist, nor the maximum with which the stack of a destination was deployed: `doctor` does. If a rule allows longer locks than that stack does by default, the text names the parameter.',
  ],
  options: {
    ...STACK_OPTIONS,
    strict: { description: 'Exit with 3 if there are warnings and no problems.' },
    json: { description: 'Print the resolved configuration and the warnings, or the problems, as JSON.' },
  },
  exitCodes: [
    [EXIT.ok, 'The configuration can be deployed.'],
    [EXIT.failure, 'The configuration has problems.'],
    [EXIT.warnings, 'There are warnings and no problems, and --strict was given.'],
  ],
  examples: [
    ['npx s3-replicator config check', 'Before a deployment'],
    ['npx s3-replicator config check --stage test --json', 'For scripts'],
  ],
};

/** Checks the configuration file and prints the resolved configuration. Throws CliError. */
export const runConfigCheck = async (argv: readonly string[], io: CliIo): Promise<number> => {
  const options = parseOptions(CHECK, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(CHECK, io.columns));
    return EXIT.ok;
  }
  const json = options.has('json');
  const file = resolve(io.cwd, options.value('config') ?? 'replication.yml');
  try {
    const configuration = loadConfiguration(file, {
      stage: options.value('stage') ?? undefined,
      region: options.value('region') ?? undefined,
    });
    // This call only checks. It throws if the rules do not fit into one stack.
    stackOf(configuration);
    const { warnings } = configuration;
    io.stdout.write(
      json
        ? jsonText({ ok: true, ...resolved(configuration) })
        : configurationText(configuration) + warningText(basename(file), warnings),
    );
    return warnings.length > 0 && options.has('strict') ? EXIT.warnings : EXIT.ok;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    if (json) io.stdout.write(jsonText({ ok: false, file: error.file, problems: error.problems }));
    else io.stderr.write(`${error.message}\n`);
    return EXIT.failure;
  }
};

const warningText = (file: string, warnings: Configuration['warnings']): string =>
  warnings.length === 0 ? '' : `\n${describeWarnings(file, warnings)}`;

const resolved = (configuration: Configuration): object => ({
  ...configuration,
  resources: resourceNames(configuration.deployment),
});

const configurationText = ({ replication, stack, transfers, deployment }: Configuration): string => {
  const names = resourceNames(deployment);
  return [
    `stack ${names.stack} in ${deployment.region}`,
    `  role to trust        ${stack.rolePath.slice(1)}${names.replicateRole}`,
    `  at the same time     ${stack.maximumConcurrency} invocations of up to ${stack.batchSize} events${stack.batchWindowSeconds === 0 ? '' : `, which wait up to ${stack.batchWindowSeconds} s for others`}`,
    `  large objects        ${transfers.maximumConcurrency} invocations at the same time`,
    `  logs                 ${stack.logRetentionDays} days, from level ${stack.logLevel}, keys ${stack.loggedKeys}`,
    `  alarms               to ${stack.alarms.topicArn ?? stack.alarms.email ?? `nobody yet: subscribe to the topic ${names.alarmTopic}`}`,
    ...platformLines(stack),
    ...replication.rules.flatMap((rule) => ['', ...describeRule(rule)]),
    '',
  ].join('\n');
};

const platformLines = ({
  kmsKeyArn,
  permissionsBoundary,
  vpc,
  deploymentBucket,
}: StackSettings): string[] => [
  ...(kmsKeyArn === null ? [] : [`  encrypted with       ${kmsKeyArn}`]),
  ...(permissionsBoundary === null ? [] : [`  roles bounded by     ${permissionsBoundary}`]),
  ...(vpc === null
    ? []
    : [`  functions in         ${[...vpc.subnetIds, ...vpc.securityGroupIds].join(', ')}`]),
  ...(deploymentBucket === null ? [] : [`  code in              ${deploymentBucket}`]),
];

const describeRule = (rule: ReplicationRule): string[] => [
  `rule ${rule.id}`,
  `  from  ${describeSource(rule.source)}`,
  ...describeConditions('only', conditionsOf(rule.filter)),
  ...rule.exclude.flatMap((line) => describeConditions('not ', exclusionOf(line))),
  ...rule.destinations.map((destination) => `  to    ${describeDestination(rule, destination)}`),
  `  versions ${rule.versions}, deletes ${rule.deletes}, copy ${rule.copy}, stamp ${rule.stamp ? 'on' : 'off'}`,
  `  replicas ${rule.replicas}, tags ${rule.tags}, acl ${rule.acl}, archived objects ${describeRestore(rule)}`,
  ...(rule.announce === 'none' ? [] : ['  each proven replica is announced to EventBridge']),
];

const conditionsOf = ({ tags, minimumBytes, maximumBytes }: Filter): string[] => [
  ...Object.entries(tags).map(([key, value]) => `tag ${key}=${value}`),
  ...(minimumBytes === null ? [] : [`at least ${minimumBytes} bytes`]),
  ...(maximumBytes === null ? [] : [`at most ${maximumBytes} bytes`]),
];

const exclusionOf = ({ prefix, suffix, ...conditions }: Exclusion): string[] => [
  ...(prefix + suffix === '' ? [] : [`${prefix}*${suffix}`]),
  ...conditionsOf(conditions),
];

const describeConditions = (word: string, conditions: string[]): string[] =>
  conditions.length === 0 ? [] : [`  ${word}  ${conditions.join(', ')}`];

const describeRestore = ({ restore }: ReplicationRule): string =>
  restore === null ? 'quarantined' : `restored for ${restore.days} days at tier ${restore.tier}`;

const EVENTS_TEXTS: Record<Source['events'], string> = {
  s3: 'notified by S3',
  eventbridge: 'notified by EventBridge',
  none: 'read by runs only',
};

const describeService = ({ endpoint, addressing, secretArn }: S3Service): string =>
  `at ${endpoint ?? 'S3 of the region'} (${addressing}) with the key in ${secretArn}`;

const describeSource = ({ bucket, prefix, suffix, events, roleArn, account, service }: Source): string =>
  [
    `s3://${bucket}/${prefix}*${suffix}`,
    EVENTS_TEXTS[events],
    ...(account === null ? [] : [`owned by ${account}`]),
    ...(roleArn === null ? [] : [`read by ${roleArn}`]),
    ...(service === null ? [] : [describeService(service)]),
  ].join(', ');

const describeLock = ({ objectLock, maxRetentionDays, overMaxRetention }: Destination): string =>
  objectLock === 'ignore'
    ? 'object lock ignore'
    : `object lock ${objectLock}, for ${maxRetentionDays} days at most (longer: ${overMaxRetention})${
        maxRetentionDays > DEFAULT_MAX_RETENTION_DAYS
          ? `: its stack needs MaxRetentionDays=${maxRetentionDays}`
          : ''
      }`;

const describeDestination = (rule: ReplicationRule, destination: Destination): string =>
  [
    `s3://${destination.bucket}/${destination.prefix ?? rule.source.prefix}*${rule.source.suffix}`,
    destination.region,
    ...(destination.account === null ? [] : [`owned by ${destination.account}`]),
    ...(destination.service === null
      ? [
          `written by ${destination.roleArn}`,
          `compared by ${compareRoleArn(destination.roleArn).split('/').at(-1)}`,
        ]
      : [describeService(destination.service), `conditional writes ${destination.conditionalWrites}`]),
    ...(destination.id === destination.bucket ? [] : [`called ${destination.id}`]),
    ...(destination.storageClass === null ? [] : [`as ${destination.storageClass}`]),
    ...(destination.minimumStorageClass === null
      ? []
      : [`as ${destination.minimumStorageClass} where the object has a less durable class`]),
    ...(destination.encryption === null ? [] : [`encryption ${destination.encryption}`]),
    ...(destination.kmsKeyArn === null ? [] : [`encrypted with ${destination.kmsKeyArn}`]),
    describeLock(destination),
  ].join(', ');
