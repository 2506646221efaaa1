/** Converts the options of `copy` to the runs that copy, and to the access to both sides. */
import { NO_LIMITS, type RunLimits } from '../../lib/model/run-limits.ts';
import { resolve } from 'node:path';
import type { BucketsAccess, NamedBucket } from '../../lib/aws/operator.ts';
import type { Deployment } from '../../lib/configuration/resource-names.ts';
import type { Destination, ReplicationConfiguration, ReplicationRule } from '../../lib/model/rule.ts';
import { prefixesOverlap, scopeOf } from '../../lib/runs/compare/scope.ts';
import type { Reading } from '../../lib/runs/compare/basis.ts';
import type { RunSpec } from '../../lib/runs/run.ts';
import { parseByteSize } from '../../lib/text/byte-size.ts';
import { configurationOf } from '../configuration.ts';
import type { ParsedOptions } from '../terminal/command.ts';
import { CliError } from '../terminal/errors.ts';
import type { CliIo } from '../terminal/io.ts';
import { specsOf } from '../runs/run-request.ts';

/** Limits of the whole copy. */
type CopyLimits = Omit<RunLimits, 'hours'>;

export interface CopyRequest {
  configuration: ReplicationConfiguration;
  /** One copy for each destination. */
  specs: RunSpec[];
  /** The deployment whose receipts prove replicas; null if no rule is named. */
  deployment: Deployment | null;
  region: string;
  concurrency: number;
  limits: CopyLimits;
  reading: Reading;
  /** Whether another S3 service has to check the conditions of writes. If a rule is named, its destination has this setting instead. */
  conditionalWrites: 'none' | 'required';
  isDryRun: boolean;
  /** The folder of the report; null if no report is written. */
  reportFolder: string | null;
  json: boolean;
}

const DEFAULT_CONCURRENCY = 32;

/** Throws {@link CliError}. */
export const copyRequest = (options: ParsedOptions, io: Pick<CliIo, 'cwd' | 'env'>): CopyRequest => {
  const [source, destination] = options.operands();
  const report = options.value('report');
  const limits = limitsIn(options.values('max-rate'));
  if ((source === undefined) === !options.has('rule'))
    throw new CliError('bad-request', 'name either SOURCE and DESTINATION, or --rule.');
  const what =
    source === undefined || destination === undefined
      ? ofRule(options, io)
      : ofBuckets(options, bucketIn(source), bucketIn(destination), io);
  return {
    ...what,
    concurrency: options.number('concurrency') ?? DEFAULT_CONCURRENCY,
    limits,
    reading: options.has('bytes') ? (options.value('bytes') === 'all' ? 'all' : 'weak') : 'none',
    conditionalWrites: options.value('conditional-writes') === 'none' ? 'none' : 'required',
    isDryRun: options.has('dry-run'),
    reportFolder: report === null ? null : resolve(io.cwd, report),
    json: options.has('json'),
  };
};

type What = Pick<CopyRequest, 'configuration' | 'specs' | 'deployment' | 'region'>;

const ofRule = (options: ParsedOptions, io: Pick<CliIo, 'cwd'>): What => {
  for (const name of ['no-stamp', 'no-tags', 'object-lock', 'conditional-writes'])
    if (options.has(name)) throw new CliError('bad-value', `--${name} cannot change what the rule says.`);
  const { replication, deployment } = configurationOf(options, io);
  // A copy deletes nothing without a confirmation, so no brake is needed.
  const rules = replication.rules.map((rule) => ({ ...rule, brake: null }));
  const configuration = { ...replication, rules };
  return {
    configuration,
    specs: copySpecs(options, configuration),
    deployment,
    region: deployment.region,
  };
};

interface Bucket {
  bucket: string;
  /** '' or a text that ends with a slash. */
  prefix: string;
}

/** Parses `s3://bucket/prefix`. As for `aws s3 sync`, the prefix is a folder. */
const bucketIn = (text: string): Bucket => {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(text) ?? [];
  if (bucket === undefined)
    throw new CliError('bad-value', `${JSON.stringify(text)} is not like s3://bucket/prefix.`);
  return { bucket, prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` };
};

/** The id of the rule and of the destination of a copy without `--rule`. */
const ID = 'copy';

const ofBuckets = (
  options: ParsedOptions,
  source: Bucket,
  destination: Bucket,
  { env }: Pick<CliIo, 'env'>,
): What => {
  for (const name of ['config', 'stage', 'destination'])
    if (options.has(name)) throw new CliError('bad-value', `--${name} belongs to --rule.`);
  const isSameEndpoint = options.value('source-endpoint') === options.value('destination-endpoint');
  const isSame = source.bucket === destination.bucket && isSameEndpoint;
  if (isSame && prefixesOverlap(source.prefix, destination.prefix))
    throw new CliError('bad-request', 'the destination lies within the source, or the source within it.');
  const rule = ruleFor(options, source, destination);
  const configuration = { name: ID, rules: [rule] };
  return {
    configuration,
    specs: copySpecs(options, configuration),
    deployment: null,
    region: env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? 'us-east-1',
  };
};

/** Returns the runs of a copy. They repair what differs, like a verify with `--repair`. Only such a verify may delete. */
const copySpecs = (options: ParsedOptions, replication: ReplicationConfiguration): RunSpec[] => {
  const asked: ParsedOptions = {
    ...options,
    has: (name) => name === 'rule' || name === 'repair' || options.has(name),
    value: (name) => options.value(name) ?? (name === 'rule' ? ID : null),
  };
  return specsOf('verify', asked, { replication });
};

/** Returns the rule by which two buckets are copied without a configuration. */
const ruleFor = (options: ParsedOptions, source: Bucket, destination: Bucket): ReplicationRule => {
  const versions = options.value('versions') === 'all' ? 'all' : 'latest';
  return {
    id: ID,
    source: {
      ...source,
      suffix: '',
      events: 's3',
      region: null,
      service: null,
      roleArn: null,
      externalId: null,
      replicators: [],
      account: null,
    },
    filter: { tags: {}, minimumBytes: null, maximumBytes: null },
    exclude: [],
    destinations: [destinationFor(options, destination)],
    versions,
    // If the delete markers were not copied, a history would show objects that are deleted at the source.
    deletes: versions === 'all' || options.has('delete-extra') ? 'replicate' : 'ignore',
    copy: 'auto',
    stamp: !options.has('no-stamp'),
    replicas: 'replicate',
    tags: options.has('no-tags') ? 'ignore' : 'replicate',
    acl: 'ignore',
    announce: 'none',
    restore: null,
    verify: null,
    limits: NO_LIMITS,
    brake: null,
  };
};

const destinationFor = (options: ParsedOptions, { bucket, prefix }: Bucket): Destination => {
  const lock = options.value('object-lock');
  return {
    id: ID,
    bucket,
    prefix,
    region: options.value('destination-region') ?? '',
    roleArn: '',
    externalId: '',
    account: '',
    service: null,
    storageClass: null,
    minimumStorageClass: null,
    encryption: null,
    kmsKeyArn: null,
    objectLock: lock === 'governance' || lock === 'ignore' ? lock : 'replicate',
    maxRetentionDays: 36_500,
    overMaxRetention: 'cap',
  };
};

/** Returns how both buckets of a copy are reached. */
export const accessOf = (
  { configuration, deployment, region }: CopyRequest,
  spec: RunSpec,
  options: ParsedOptions,
): Pick<BucketsAccess, 'region' | 'source' | 'destination'> => {
  const { rule, destination } = scopeOf(configuration, spec);
  const isNamed = deployment === null;
  return {
    region,
    source: accessIn(options, 'source', { bucket: rule.source.bucket, owner: rule.source.account, isNamed }),
    destination: accessIn(options, 'destination', {
      bucket: destination.bucket,
      owner: isNamed ? null : destination.account,
      isNamed,
      ...(isNamed ? {} : { region: destination.region }),
    }),
  };
};

/**
 * Returns how one side is reached. Returns null if the copy names a rule and no option is about this side. In that case the rule says how
 * to reach it.
 */
const accessIn = (
  options: ParsedOptions,
  side: 'source' | 'destination',
  place: { bucket: string; owner: string | null; isNamed: boolean; region?: string },
): NamedBucket | null => {
  const of = (name: string): string | null => options.value(`${side}-${name}`);
  const access = { profile: of('profile'), roleArn: of('role'), endpoint: of('endpoint') };
  const { bucket, owner, isNamed, region = null } = place;
  if (!isNamed && Object.values(access).every((each) => each === null)) return null;
  return {
    ...access,
    region: of('region') ?? region,
    externalId: options.value('external-id'),
    bucket,
    owner,
  };
};

/** Parses limits like `50MiB` and `200req`. */
const limitsIn = (values: readonly string[]): CopyLimits => {
  const limits: CopyLimits = { ...NO_LIMITS };
  for (const text of values) {
    const requests = /^(\d+) ?req(?:uests)?$/.exec(text)?.[1];
    const rate = requests === undefined ? parseByteSize(text) : Number(requests);
    if (typeof rate === 'string')
      throw new CliError('bad-value', `--max-rate: ${rate}, or requests like 200req.`);
    if (rate === 0) throw new CliError('bad-value', '--max-rate must be more than 0.');
    if (requests === undefined) limits.bytesPerSecond = rate;
    else limits.requestsPerSecond = rate;
  }
  return limits;
};
