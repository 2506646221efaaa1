/** The requests of an operator. They reach the backfill function as plain invocations: see `events/backfill.json`. */
import { MAX_KEY_BYTES, type ReplicationConfiguration, type ReplicationRule } from '../model/rule.ts';
import { cancelRun, pauseRun, resumeRun, RunRefusedError, startRuns } from './control.ts';
import { withoutEarlierFailures } from './failures.ts';
import type { RunDeps } from './ports.ts';
import { prefixesOverlap } from './compare/scope.ts';
import type { CopyCounters, Run, RunSpec } from './run.ts';
import { unfitRuns } from './unfit-service.ts';

export type RunRequest =
  /** Starts one run for each spec. There is one spec for each destination. */
  | { action: 'start'; specs: RunSpec[] }
  | { action: 'pause' | 'resume' | 'cancel' | 'status'; run: string }
  | { action: 'list' };

/** The response to a request. `problems` lists everything that is wrong with the request, each with advice. */
export type RunAnswer =
  | { runs: (Run & { copied?: CopyCounters })[] }
  | { refused: string; run: string | null }
  | { problems: string[] };

type RequestDeps = Pick<RunDeps, 'circuits' | 'clock' | 'configuration' | 'queues' | 'random' | 'store'>;

export const answerRunRequest = async (payload: unknown, deps: RequestDeps): Promise<RunAnswer> => {
  const request = parseRunRequest(payload, deps.configuration);
  if ('problems' in request) return request;
  const problems = request.action === 'start' ? await unfitRuns(request.specs, deps) : [];
  if (problems.length > 0) return { problems };
  try {
    return { runs: await carryOutRequest(request, deps) };
  } catch (error) {
    if (error instanceof RunRefusedError) return { refused: error.message, run: error.run };
    throw error;
  }
};

const carryOutRequest = async (
  request: RunRequest,
  deps: RequestDeps,
): Promise<(Run & { copied?: CopyCounters })[]> => {
  switch (request.action) {
    case 'start':
      return await startRuns(
        request.specs.map((spec) => ({ spec, estimate: null })),
        deps,
      );
    case 'pause':
      return [await pauseRun(request.run, deps)];
    case 'resume':
      return [await resumeRun(request.run, deps)];
    case 'cancel':
      return [await cancelRun(request.run, deps)];
    case 'status': {
      const run = await deps.store.progress(request.run);
      if (run === null) throw new RunRefusedError(`there is no run ${request.run}`, request.run);
      return [{ ...run, copied: withoutEarlierFailures(await deps.store.copied(run.id), run) }];
    }
    case 'list':
      return await deps.store.list(MAX_LISTED);
  }
};

/** Maximum number of runs that are listed. */
const MAX_LISTED = 100;

const ACTIONS = ['start', 'pause', 'resume', 'cancel', 'status', 'list'] as const;
const FIELDS = [
  'action',
  'run',
  'kind',
  'rule',
  'destination',
  'prefix',
  'since',
  'versions',
  'attributes',
  'repair',
  'deleteExtra',
  'acceptLeftOut',
];

/** Parses a request. If there are problems, returns all of them together. */
export const parseRunRequest = (
  payload: unknown,
  configuration: ReplicationConfiguration,
): RunRequest | { problems: string[] } => {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    return { problems: ['the payload must be a JSON object like {"kind": "backfill", "rule": "invoices"}'] };
  const asked: Asked = { fields: { ...payload }, problems: [] };
  const { fields, problems } = asked;
  for (const name of Object.keys(fields).filter((each) => !FIELDS.includes(each)))
    problems.push(`"${name}" is not a field of a request: the fields are ${FIELDS.join(', ')}`);
  const action = choiceField(asked, 'action', ACTIONS, 'start');
  if (action === 'start') return parseStart(asked, configuration);
  if (action === 'list') return problems.length > 0 ? { problems } : { action };
  const { run } = fields;
  if (typeof run !== 'string' || run === '')
    problems.push(`"run" must be the id of a run, like "20261122-174334-k3f9xz", for "action": "${action}"`);
  return problems.length > 0 || typeof run !== 'string' ? { problems } : { action, run };
};

/** The payload that is being parsed, and the problems found in it so far. */
interface Asked {
  readonly fields: Record<string, unknown>;
  readonly problems: string[];
}

const parseStart = (
  asked: Asked,
  configuration: ReplicationConfiguration,
): RunRequest | { problems: string[] } => {
  const { problems } = asked;
  const kind = choiceField(asked, 'kind', ['backfill', 'verify'], 'backfill');
  const rule = ruleField(asked, configuration);
  const destinations = destinationsField(asked, rule);
  const prefix = prefixField(asked);
  const since = sinceField(asked);
  const versions = choiceField(asked, 'versions', ['all', 'latest'], rule?.versions ?? 'all');
  const attributes = choiceField(asked, 'attributes', ['listed', 'all'], 'listed');
  const repair = flagField(asked, 'repair');
  const deleteExtra = flagField(asked, 'deleteExtra');
  const acceptLeftOut = flagField(asked, 'acceptLeftOut');
  if (kind === 'backfill' && repair)
    problems.push('"repair" belongs to "kind": "verify": a backfill always repairs');
  if (kind === 'backfill' && deleteExtra)
    problems.push('"deleteExtra" belongs to "kind": "verify" with "repair": true');
  if (deleteExtra && since !== null)
    problems.push('"deleteExtra" looks at all keys: a key that is gone has no time, so leave out "since"');
  const options = { kind, prefix, since, versions, attributes, repair, deleteExtra, acceptLeftOut };
  if (rule !== null) problems.push(...problemsWith(rule, options));
  if (problems.length > 0 || rule === null) return { problems };
  const specs = destinations.map((destination) => ({ rule: rule.id, destination, ...options }));
  return { action: 'start', specs };
};

/** Returns a problem for each option that the rule does not allow. */
const problemsWith = (
  rule: ReplicationRule,
  {
    kind,
    prefix,
    versions,
    repair,
    deleteExtra,
  }: Pick<RunSpec, 'kind' | 'prefix' | 'versions' | 'repair' | 'deleteExtra'>,
): string[] => {
  const problems: string[] = [];
  if (!prefixesOverlap(rule.source.prefix, prefix)) {
    problems.push(
      `"prefix" is ${JSON.stringify(prefix)}, but all keys of rule "${rule.id}" begin with ${JSON.stringify(rule.source.prefix)}`,
    );
  }
  if (versions === 'all' && rule.versions === 'latest')
    problems.push(`"versions" is "all", but rule "${rule.id}" replicates only the latest version`);
  if (!deleteExtra) return problems;
  if (kind === 'verify' && !repair)
    problems.push('"deleteExtra" changes the destination: a verify also needs "repair": true');
  if (rule.deletes !== 'replicate')
    problems.push(`"deleteExtra" needs \`deletes: replicate\` in rule "${rule.id}": otherwise replicas stay`);
  if (!rule.stamp)
    problems.push(
      `"deleteExtra" needs stamps to tell replicas from other objects, and rule "${rule.id}" has none`,
    );
  return problems;
};

const ruleField = (
  { fields, problems }: Asked,
  { rules }: ReplicationConfiguration,
): ReplicationRule | null => {
  const { rule: id } = fields;
  const found = rules.find((rule) => rule.id === id) ?? null;
  const known = rules.map((rule) => rule.id).join(', ');
  if (found === null) {
    const wrong = id === undefined ? '"rule" is missing' : `there is no rule ${JSON.stringify(id)}`;
    problems.push(`${wrong}: give the id of one of the deployed rules (${known})`);
  }
  return found;
};

const destinationsField = ({ fields, problems }: Asked, rule: ReplicationRule | null): string[] => {
  const { destination: id = null } = fields;
  const known = rule?.destinations.map((destination) => destination.id) ?? [];
  if (id === null || rule === null) return known;
  const found = known.filter((each) => each === id);
  if (found.length === 0)
    problems.push(
      `rule "${rule.id}" has no destination ${JSON.stringify(id)}: it has ${known.join(', ')}; without "destination" one run for each is started`,
    );
  return found;
};

const choiceField = <const T extends string>(
  { fields, problems }: Asked,
  name: string,
  values: readonly T[],
  otherwise: T,
): T => {
  const { [name]: value = otherwise } = fields;
  const found = values.find((each) => each === value);
  if (found === undefined)
    problems.push(`"${name}" is ${JSON.stringify(value)}: it must be one of ${values.join(', ')}`);
  return found ?? otherwise;
};

const flagField = ({ fields, problems }: Asked, name: string): boolean => {
  const { [name]: value = false } = fields;
  if (typeof value !== 'boolean')
    problems.push(`"${name}" is ${JSON.stringify(value)}: it must be true or false`);
  return value === true;
};

const textField = ({ fields, problems }: Asked, name: string, description: string): string | null => {
  const { [name]: value = null } = fields;
  if (value === null || typeof value === 'string') return value;
  problems.push(`"${name}" is ${JSON.stringify(value)}: it must be ${description}`);
  return null;
};

/**
 * Parses a prefix. A prefix that no key can begin with is refused, because S3 would answer each request for it with the same
 * error.
 */
const prefixField = (asked: Asked): string => {
  const prefix = textField(asked, 'prefix', 'the beginning of keys') ?? '';
  if (!prefix.isWellFormed()) asked.problems.push('"prefix" is not valid Unicode, so no key begins with it');
  if (Buffer.byteLength(prefix) > MAX_KEY_BYTES)
    asked.problems.push(`"prefix" is longer than any key: keys have at most ${MAX_KEY_BYTES} bytes`);
  return prefix;
};

/** A date, or a date with a time and a zone. `Date.parse` alone would take `5` for a month. */
const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

const sinceField = (asked: Asked): string | null => {
  const since = textField(asked, 'since', 'a time like "2026-11-01T00:00:00Z"');
  if (since === null) return null;
  const day = new Date(since.slice(0, 10));
  // JavaScript takes February 30 for March 2.
  const isDay = !Number.isNaN(day.getTime()) && day.toISOString().startsWith(since.slice(0, 10));
  const ms = TIME.test(since) && isDay ? Date.parse(since) : Number.NaN;
  if (Number.isNaN(ms)) {
    asked.problems.push(`"since" is ${JSON.stringify(since)}: give a time like "2026-11-01T00:00:00Z"`);
    return null;
  }
  // S3 gives times in whole seconds, rounded down. Without rounding, versions of the same second would be left out.
  return new Date(Math.floor(ms / 1_000) * 1_000).toISOString();
};
