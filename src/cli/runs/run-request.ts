/** Converts the options of `backfill start` and `verify start` to runs. */
import type { Configuration } from '../../lib/configuration/configuration.ts';
import { parseRunRequest } from '../../lib/runs/request.ts';
import type { Reading } from '../../lib/runs/compare/basis.ts';
import type { RunLimits } from '../../lib/model/run-limits.ts';
import type { RunSpec } from '../../lib/runs/run.ts';
import { type OptionSpec, type ParsedOptions } from '../terminal/command.ts';
import { configurationOf } from '../configuration.ts';
import { DEPLOYMENT_OPTIONS } from '../deployment.ts';
import { CliError } from '../terminal/errors.ts';
import type { CliIo } from '../terminal/io.ts';
import { LIMIT_NAMES, LIMIT_OPTIONS, limitsIn } from './limit-options.ts';
import type { RunPorts } from './run-ports.ts';

export const START_OPTIONS = {
  rule: { value: 'ID', description: 'The rule of replication.yml. Required.' },
  destination: {
    value: 'ID',
    description: 'One of its destinations. Default: one run for each.',
  },
  prefix: { value: 'PREFIX', description: "Only keys that begin with this. Default: the rule's own prefix." },
  since: {
    value: 'TIME',
    description: 'Only keys with a version written at this time or later, like 2026-11-01T00:00:00Z.',
  },
  versions: {
    value: 'all|latest',
    description: "Compare all versions, or only the current objects. Default: the rule's own setting.",
  },
  attributes: {
    value: 'listed|all',
    description:
      'all: for keys that are the same in both listings, also compare headers, metadata, tags, object lock, ACL and storage class. Default: listed, which compares only what listings show.',
  },
  'accept-left-out': {
    description:
      'Call it agreement although the destination lacks keys that the rule leaves out, because another deployment has signed them as its replicas. They are counted and listed all the same.',
  },
  wait: {
    description: 'Wait until the run ends, and show the result. Ctrl-C ends only the waiting.',
  },
  estimate: {
    value: 'sample|full|none',
    description:
      'How the source is counted before the start: from a sample of about 400 pages, completely, or not at all. Default: sample.',
  },
  ...LIMIT_OPTIONS,
  yes: { description: 'Start without asking.' },
  ...DEPLOYMENT_OPTIONS,
} as const satisfies Record<string, OptionSpec>;

/** The options of a comparison in this process. */
export const LOCAL_OPTIONS = {
  local: {
    description: 'List both buckets from this machine, signed in as you are, instead of in AWS Lambda.',
  },
  concurrency: {
    value: 'N',
    range: { minimum: 1, maximum: 256 },
    description: 'With --local: how many listing requests are made at once, 1 to 256. Default: 16.',
  },
  'destination-profile': {
    value: 'PROFILE',
    description:
      'With --local: the AWS profile that may read the destination bucket. Default: the replication role, if it trusts you.',
  },
  bytes: {
    value: 'weak|all',
    description:
      'With --local: read both objects and compare their bytes. weak: only where nothing but a CRC or a stamp says that they are the same. all: every object. Shows the cost and asks first.',
  },
} as const satisfies Record<string, OptionSpec>;

export interface StartRequest {
  configuration: Configuration;
  /** One run for each destination. */
  specs: RunSpec[];
  isLocal: boolean;
  workers: number;
  reading: Reading;
  destinationProfile: string | null;
  estimate: 'sample' | 'full' | 'none';
  wait: boolean;
  yes: boolean;
  /** Limits in place of those of replication.yml. */
  limits: Partial<RunLimits>;
  json: boolean;
}

/** A start command while it runs: its request, terminal and access to AWS. */
export interface StartCommand {
  request: StartRequest;
  io: CliIo;
  ports: RunPorts;
}

/** Reads the request from the options. Throws one {@link CliError} that lists all problems of the request. */
export const startRequest = (
  kind: RunSpec['kind'],
  options: ParsedOptions,
  io: Pick<CliIo, 'cwd'>,
): StartRequest => {
  const workers = options.number('concurrency');
  const isLocal = options.has('local');
  for (const name of ['concurrency', 'destination-profile']) {
    if (options.has(name) && !isLocal)
      throw new CliError('bad-value', `--${name} needs --local: in AWS, replication.yml sets it.`);
  }
  for (const name of LIMIT_NAMES) {
    if (options.has(name) && isLocal)
      throw new CliError('bad-value', `--${name} cannot be combined with --local: it limits runs in AWS.`);
  }
  const reading = readingIn(options, isLocal);
  const configuration = configurationOf(options, io);
  return {
    configuration,
    specs: specsOf(kind, options, configuration),
    isLocal,
    workers: workers ?? 16,
    reading,
    destinationProfile: options.value('destination-profile'),
    estimate: ESTIMATES.find((each) => each === options.value('estimate')) ?? 'sample',
    wait: options.has('wait'),
    yes: options.has('yes'),
    limits: limitsIn(options),
    json: options.has('json'),
  };
};

const readingIn = (options: ParsedOptions, isLocal: boolean): Reading => {
  if (!options.has('bytes')) return 'none';
  if (!isLocal) {
    throw new CliError(
      'bad-value',
      '--bytes needs --local: a function has not enough time for large objects. Run it on a machine in the region of the buckets, where reading costs no traffic.',
    );
  }
  return options.value('bytes') === 'all' ? 'all' : 'weak';
};

const ESTIMATES = ['sample', 'full', 'none'] as const;

export const specsOf = (
  kind: RunSpec['kind'],
  options: ParsedOptions,
  { replication }: Pick<Configuration, 'replication'>,
): RunSpec[] => {
  const given = (name: string): object => (options.has(name) ? { [name]: options.value(name) } : {});
  const parsed = parseRunRequest(
    {
      kind,
      ...given('rule'),
      ...given('destination'),
      ...given('prefix'),
      ...given('since'),
      ...given('versions'),
      ...given('attributes'),
      repair: options.has('repair'),
      deleteExtra: options.has('delete-extra'),
      acceptLeftOut: options.has('accept-left-out'),
    },
    replication,
  );
  if ('specs' in parsed) return parsed.specs;
  const problems = 'problems' in parsed ? parsed.problems : [];
  throw new CliError('bad-request', problems.map(inOptions).join('; '));
};

/** Rewrites the text of a problem. The text names fields of a JSON request, and these are replaced by the names of options. */
const inOptions = (problem: string): string =>
  problem
    .replace(/^"(rule|destination|prefix|since|versions|attributes|repair)"/, '--$1')
    .replace(/^"deleteExtra"/, '--delete-extra')
    .replace('without "destination"', 'without --destination')
    .replace('"repair": true', '--repair');
