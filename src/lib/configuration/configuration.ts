/**
 * Turns `replication.yml` into the configuration of the functions (`ReplicationConfiguration`) and the settings of the stack
 * (`StackSettings`). This code runs in the command line and when the functions are packaged, but never in a function.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { toExclusion, toFilter } from './filter-schema.ts';
import { sourceKeys } from './source-keys.ts';
import { toLimits } from './limits-schema.ts';
import { toVerify } from './verify-schema.ts';
import { checkRules, destinationId } from './checks.ts';
import type { DestinationShape } from './destination-schema.ts';
import { accessOf, serviceOfSource } from './service.ts';
import type { PlacedRule } from './placed.ts';
import { readConfigurationFile } from './file.ts';
import { findingsOf } from './findings.ts';
import { type Batches, batchesOf, checkBatches } from './batches.ts';
import { checkPlatform } from './platform-checks.ts';
import { ConfigurationError } from './problem.ts';
import type { ConfigurationProblem, Finding, Path } from './problem.ts';
import { DEFAULT_BRAKE, type RuleShape, ruleSchema } from './rule-schema.ts';
import { type FileShape, fileSchema } from './schema.ts';
import { withoutOwnOptions } from './own-options.ts';
import { warningsOf } from './warnings.ts';
import { excessOfNames } from './resource-names.ts';
import type { Deployment } from './resource-names.ts';
import { STACK_NAME_PART, REGION } from './aws-syntax.ts';
import type { BrakeSettings, Destination, ReplicationConfiguration, ReplicationRule } from '../model/rule.ts';

export interface Configuration {
  replication: ReplicationConfiguration;
  stack: StackSettings;
  backfill: BackfillSettings;
  transfers: TransferSettings;
  deployment: Deployment;
  /** Settings that can be deployed but are most likely mistakes, in the order of the file. */
  warnings: ConfigurationProblem[];
}

/** Settings of the stack that do not affect how a key is replicated. */
export interface StackSettings extends Batches {
  /** Maximum number of concurrent invocations of the replicate function, 2–1,000. */
  maximumConcurrency: number;
  logRetentionDays: number;
  logLevel: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
  /** Whether a deployment ends with the findings of doctor. */
  doctor: boolean;
  loggedKeys: 'hashed' | 'plain';
  /** `standard`: six CloudWatch metrics for each destination of each rule. `detailed`: further metrics as well. */
  metrics: 'detailed' | 'standard';
  /** Whether the stack has a CloudWatch dashboard. */
  dashboard: boolean;
  /** Whether the schedule subscribes a bucket again that has lost its subscription, or only reports it. */
  lostSubscriptions: 'alarm' | 'repair';
  alarms: AlarmSettings;
  tags: Record<string, string>;
  /** KMS keys of source objects that the replicate function decrypts with its own role. */
  sourceKmsKeyArns: string[];
  /** The managed policy that bounds all roles of the stack; null: none. */
  permissionsBoundary: string | null;
  /** The path of all roles of the stack. */
  rolePath: string;
  /** The KMS key that encrypts the data of the stack; null: keys of AWS. */
  kmsKeyArn: string | null;
  /** The VPC of the functions; null: Lambda's own network. */
  vpc: VpcSettings | null;
  /** The bucket to which the code of the functions is uploaded; null: the stack creates one. */
  deploymentBucket: string | null;
}

export interface VpcSettings {
  subnetIds: string[];
  securityGroupIds: string[];
}

/** Settings of runs (backfill and verify). */
export interface BackfillSettings {
  /** Maximum number of concurrent invocations of the replicate function for hints of runs, 2–1,000. */
  maximumConcurrency: number;
  /** Maximum number of concurrent invocations of the backfill function, 2–1,000. Each invocation lists one range. */
  listingConcurrency: number;
  /** The bucket and key prefix of reports; null: no reports are written. */
  report: Report | null;
}

interface Report {
  bucket: string;
  prefix: string;
  /** The account that owns the bucket; null: the account of the stack. */
  account: string | null;
}

/** Settings of transfers, which move objects that need more than one invocation. */
export interface TransferSettings {
  /** Maximum number of concurrent invocations of the transfer function, 2–1,000. */
  maximumConcurrency: number;
}

export interface AlarmSettings {
  /** The email address subscribed to the alarm topic; null: none. */
  email: string | null;
  /** The existing topic to which alarms are published; null: the stack creates one. */
  topicArn: string | null;
  oldestMessageMinutes: number;
  /** The number of failed invocations in five minutes at which the alarm fires. */
  errors: number;
  /** The number of throttled invocations in five minutes at which the alarm fires. */
  throttles: number;
}

/** Options of the command line, which override the file. */
export interface DeploymentOptions {
  stage?: string | undefined;
  region?: string | undefined;
}

export const DEFAULT_STAGE = 'prod';

/**
 * Reads and checks a configuration file.
 *
 * @throws ConfigurationError naming every problem of the file
 */
export function loadConfiguration(path: string, options: DeploymentOptions = {}): Configuration {
  const file = basename(path);
  let text;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    const fix = 'create the file (see replication.yml in the repository) or name another one';
    throw new ConfigurationError(file, [{ path: '', line: null, column: null, found, fix }]);
  }
  return parseConfiguration(text, options, file);
}

/**
 * Reads and checks the text of a configuration file, like {@link loadConfiguration}. `file` is the name of the file in error
 * messages.
 */
export function parseConfiguration(
  text: string,
  options: DeploymentOptions = {},
  file = 'replication.yml',
): Configuration {
  const { content: written, problems, placeOf } = readConfigurationFile(text);
  if (problems.length > 0) throw new ConfigurationError(file, problems, text);
  const content = withoutOwnOptions(written);

  const shape = fileSchema.safeParse(content);
  const region = options.region ?? (shape.success ? shape.data.region : writtenRegion(content));
  const { rules, findings } = parseRules(content);
  findings.push(...checkRules(rules, region));
  if (!shape.success) findings.unshift(...findingsOf(shape.error, content, []));
  findings.push(...checkOptions(options));
  if (shape.success)
    findings.push(
      ...checkName(toDeployment(shape.data, options)),
      ...checkPlatform(shape.data.stack, region),
      ...checkBatches(shape.data.stack),
    );
  const located = (all: Finding[]): ConfigurationProblem[] =>
    all
      .map((each) => ({ ...each, path: spell(each.path), ...(placeOf(each.path) ?? NO_PLACE) }))
      .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
  if (!shape.success || findings.length > 0) throw new ConfigurationError(file, located(findings), text);
  return {
    ...toConfiguration(shape.data, rules, options),
    warnings: located(warningsOf(shape.data, rules, region)).map((each) =>
      // If the file does not contain the section of the option, `placeOf` gives the place of the whole file, which is of no use.
      field(content, each.path.split(/[.[]/)[0] ?? '') === undefined ? { ...each, ...NO_PLACE } : each,
    ),
  };
}

const NO_PLACE = { line: null, column: null };

/** Checks the rules one by one, so that a mistake in one rule does not hide conflicts between the others. */
function parseRules(content: unknown): { rules: PlacedRule[]; findings: Finding[] } {
  const written = field(content, 'rules');
  const rules: PlacedRule[] = [];
  const findings: Finding[] = [];
  for (const [index, value] of Array.isArray(written) ? written.entries() : []) {
    const result = ruleSchema.safeParse(value);
    if (result.success) rules.push({ index, rule: result.data });
    else findings.push(...findingsOf(result.error, value, ['rules', index]));
  }
  return { rules, findings };
}

/**
 * Returns the region that the file gives for the stack, even if other settings of the file are wrong, because the checks of rules
 * need the region. If the given region is not valid, returns the default region.
 */
function writtenRegion(content: unknown): string {
  const written = fileSchema.shape.region.safeParse(field(content, 'region'));
  return written.success ? written.data : fileSchema.shape.region.parse(undefined);
}

const field = (content: unknown, name: string): unknown =>
  typeof content === 'object' && content !== null ? Reflect.get(content, name) : undefined;

function checkOptions({ stage, region }: DeploymentOptions): Finding[] {
  const findings: Finding[] = [];
  if (stage !== undefined && !STACK_NAME_PART.test(stage)) {
    const fix = 'give --stage letters, digits and hyphens, beginning with a letter';
    findings.push({ path: ['--stage'], found: JSON.stringify(stage), fix });
  }
  if (region !== undefined && !REGION.test(region)) {
    findings.push({ path: ['--region'], found: JSON.stringify(region), fix: 'give a region like us-east-1' });
  }
  return findings;
}

function checkName(deployment: Deployment): Finding[] {
  const excess = excessOfNames(deployment);
  if (excess === 0) return [];
  const { name, stage, region } = deployment;
  return [
    {
      path: ['name'],
      found: `"${name}", from which with stage "${stage}" and region "${region}" role names over 64 characters would follow`,
      fix: `shorten the name or the stage by ${excess} character${excess === 1 ? '' : 's'} or more`,
    },
  ];
}

const spell = (path: Path): string =>
  path
    .map((step, position) => (typeof step === 'number' ? `[${step}]` : position === 0 ? step : `.${step}`))
    .join('');

const toDeployment = (shape: FileShape, options: DeploymentOptions): Deployment => ({
  name: shape.name,
  stage: options.stage ?? DEFAULT_STAGE,
  region: options.region ?? shape.region,
});

function toConfiguration(
  shape: FileShape,
  rules: PlacedRule[],
  options: DeploymentOptions,
): Omit<Configuration, 'warnings'> {
  const keys = rules.flatMap(({ rule }) => sourceKeys(rule.source).map(({ arn }) => arn));
  return {
    replication: { name: shape.name, rules: rules.map(({ rule }) => toRule(rule, shape.backfill)) },
    stack: toStack(shape.stack, [...new Set(keys)].toSorted()),
    backfill: toBackfill(shape.backfill),
    transfers: shape.transfers,
    deployment: toDeployment(shape, options),
  };
}

const toStack = (stack: FileShape['stack'], sourceKmsKeyArns: string[]): StackSettings => ({
  ...stack,
  ...batchesOf(stack),
  alarms: {
    ...stack.alarms,
    email: stack.alarms.email ?? null,
    topicArn: stack.alarms.topicArn ?? null,
  },
  sourceKmsKeyArns,
  permissionsBoundary: stack.permissionsBoundary ?? null,
  rolePath: stack.rolePath ?? '/',
  kmsKeyArn: stack.kmsKeyArn ?? null,
  vpc: stack.vpc ?? null,
  deploymentBucket: stack.deploymentBucket ?? null,
});

const toBackfill = ({ report, ...others }: FileShape['backfill']): BackfillSettings => {
  const { maximumConcurrency, listingConcurrency } = others;
  return { maximumConcurrency, listingConcurrency, report: toReport(report) };
};

const toRule = (
  { source, filter, exclude, destinations, restore, brake, verify, limits, ...others }: RuleShape,
  ofAll: FileShape['backfill'],
): ReplicationRule => ({
  ...others,
  source: {
    bucket: source.bucket,
    prefix: source.prefix,
    suffix: source.suffix,
    events: source.events,
    ...serviceOfSource(source),
    roleArn: source.roleArn ?? null,
    externalId: source.externalId ?? null,
    replicators: source.replicators,
    account: source.account ?? null,
  },
  filter: toFilter(filter),
  exclude: exclude.map(toExclusion),
  destinations: destinations.map(toDestination),
  restore: restore ?? null,
  brake: toBrake(brake, others.deletes),
  verify: toVerify(verify),
  limits: toLimits(ofAll, limits),
});

const toBrake = (brake: RuleShape['brake'], deletes: RuleShape['deletes']): BrakeSettings | null => {
  if (brake === 'off') return null;
  return brake ?? (deletes === 'replicate' ? DEFAULT_BRAKE : null);
};

const toReport = (report: FileShape['backfill']['report']): Report | null =>
  report === undefined ? null : { ...report, account: report.account ?? null };

const toDestination = (shape: DestinationShape): Destination => ({
  id: destinationId(shape),
  bucket: shape.bucket,
  region: shape.region,
  ...accessOf(shape),
  prefix: shape.prefix ?? null,
  storageClass: shape.storageClass ?? null,
  minimumStorageClass: shape.minimumStorageClass ?? null,
  encryption: shape.encryption ?? null,
  kmsKeyArn: shape.kmsKeyArn ?? null,
  objectLock: shape.objectLock,
  maxRetentionDays: shape.maxRetentionDays,
  overMaxRetention: shape.overMaxRetention,
});
