/** What an operator asks of the backfill function with a plain invocation: see `events/backfill.json`. */
import type { ReplicationConfiguration, ReplicationRule } from '../model/rule.ts';
import { cancelRun, pauseRun, resumeRun, RunRefusedError, startRun } from './control.ts';
import type { RunDeps } from './ports.ts';
import type { RunRecord } from './run-store.ts';
import { prefixesOverlap } from './compare/scope.ts';
import type { CopyCounters, Run, RunSpec, RunEstimate } from './run.ts';

export type RunRequest =
  /** One run for each destination. */
  | { action: 'start'; specs: RunSpec[]; estimate: RunEstimate | null }
  | { action: 'pause' | 'resume' | 'cancel' | 'status'; run: string }
  | { action: 'list' };

/** `problems`: what is wrong with the request, all of it, each with what to do. */
export type RunAnswer =
  | { runs: (Run & { copied?: CopyCounters })[] }
  | { refused: string; run: string | null }
  | { problems: string[] };

export const answerRunRequest = async (
  payload: unknown,
  deps: Pick<RunDeps, 'configuration' | 'store' | 'queues' | 'clock' | 'random'>,
): Promise<RunAnswer> => {
  const request = parseRunRequest(payload, deps.configuration);
  if ('problems' in request) return request;
  try {
    return { runs: await carryOut(request, deps) };
  } catch (error) {
    if (error instanceof RunRefusedError) return { refused: error.message, run: error.run };
    throw error;
  }
};

const carryOut = async (
  request: RunRequest,
  deps: Pick<RunDeps, 'store' | 'queues' | 'clock' | 'random'>,
): Promise<(Run & { copied?: CopyCounters })[]> => {
  switch (request.action) {
    case 'start': {
      const runs: RunRecord[] = [];
      for (const spec of request.specs) runs.push(await startRun(spec, request.estimate, deps));
      return runs;
    }
    case 'pause':
      return [await pauseRun(request.run, deps)];
    case 'resume':
      return [await resumeRun(request.run, deps)];
    case 'cancel':
      return [await cancelRun(request.run, deps)];
    case 'status': {
      const run = await deps.store.progress(request.run);
      if (run === null) throw new RunRefusedError(`there is no run ${request.run}`, request.run);
      return [{ ...run, copied: await deps.store.copied(run.id) }];
    }
    case 'list':
      return await deps.store.list(LISTED);
  }
};

const LISTED = 100;

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
  'estimate',
];

/** All problems at once. */
export const parseRunRequest = (
  payload: unknown,
  configuration: ReplicationConfiguration,
): RunRequest | { problems: string[] } => {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    return { problems: ['the payload must be a JSON object like {"kind": "backfill", "rule": "invoices"}'] };
  const fields: Record<string, unknown> = { ...payload };
  const unknown = Object.keys(fields).filter((name) => !FIELDS.includes(name));
  const problems = unknown.map(
    (name) => `"${name}" is no field of a request: those are ${FIELDS.join(', ')}`,
  );
  const action = choice(fields, 'action', ACTIONS, 'start', problems);
  if (action === 'list') return problems.length > 0 ? { problems } : { action };
  if (action !== 'start') {
    const { run } = fields;
    if (typeof run !== 'string' || run === '')
      problems.push(
        `"run" must be the id of a run, like "20261122-174334-k3f9xz", for "action": "${action}"`,
      );
    return problems.length > 0 || typeof run !== 'string' ? { problems } : { action, run };
  }
  return parseStart(fields, configuration, problems);
};

const parseStart = (
  fields: Record<string, unknown>,
  configuration: ReplicationConfiguration,
  problems: string[],
): RunRequest | { problems: string[] } => {
  const kind = choice(fields, 'kind', ['backfill', 'verify'], 'backfill', problems);
  const rule = ruleOf(fields, configuration, problems);
  const destinations = destinationsOf(fields, rule, problems);
  const prefix = textOf(fields, 'prefix', 'the beginning of keys', problems) ?? '';
  const since = sinceOf(fields, problems);
  const versions = choice(fields, 'versions', ['all', 'latest'], rule?.versions ?? 'all', problems);
  const attributes = choice(fields, 'attributes', ['listed', 'all'], 'listed', problems);
  const repair = flag(fields, 'repair', problems);
  const deleteExtra = flag(fields, 'deleteExtra', problems);
  if (kind === 'backfill' && repair)
    problems.push('"repair" goes with "kind": "verify": a backfill repairs anyway');
  if (rule !== null) problems.push(...problemsWith(rule, { kind, prefix, versions, repair, deleteExtra }));
  if (problems.length > 0 || rule === null) return { problems };
  const specs = destinations.map((destination) => ({
    kind,
    rule: rule.id,
    destination,
    prefix,
    since,
    versions,
    attributes,
    repair,
    deleteExtra,
  }));
  return { action: 'start', specs, estimate: estimateOf(fields) };
};

type Asked = Pick<RunSpec, 'kind' | 'prefix' | 'versions' | 'repair' | 'deleteExtra'>;

/** What the rule does not allow. */
const problemsWith = (
  rule: ReplicationRule,
  { kind, prefix, versions, repair, deleteExtra }: Asked,
): string[] => {
  const problems: string[] = [];
  if (!prefixesOverlap(rule.source.prefix, prefix)) {
    problems.push(
      `"prefix" is ${JSON.stringify(prefix)}, while rule "${rule.id}" has only keys that begin with ${JSON.stringify(rule.source.prefix)}`,
    );
  }
  if (versions === 'all' && rule.versions === 'latest')
    problems.push(`"versions" is "all", while rule "${rule.id}" replicates the latest only`);
  if (!deleteExtra) return problems;
  if (kind === 'verify' && !repair)
    problems.push('"deleteExtra" changes the destination: it goes with "repair": true');
  if (rule.deletes !== 'replicate')
    problems.push(`"deleteExtra" needs \`deletes: replicate\` in rule "${rule.id}": replicas stay otherwise`);
  if (!rule.stamp)
    problems.push(
      `"deleteExtra" needs stamps to tell replicas from other objects, and rule "${rule.id}" has none`,
    );
  return problems;
};

const ruleOf = (
  { rule: id }: Record<string, unknown>,
  { rules }: ReplicationConfiguration,
  problems: string[],
): ReplicationRule | null => {
  const found = rules.find((rule) => rule.id === id) ?? null;
  const known = rules.map((rule) => rule.id).join(', ');
  if (found === null) {
    const wrong = id === undefined ? '"rule" is missing' : `there is no rule ${JSON.stringify(id)}`;
    problems.push(`${wrong}: give the id of one of the rules that are deployed (${known})`);
  }
  return found;
};

const destinationsOf = (
  { destination: id = null }: Record<string, unknown>,
  rule: ReplicationRule | null,
  problems: string[],
): string[] => {
  const known = rule?.destinations.map((destination) => destination.id) ?? [];
  if (id === null || rule === null) return known;
  const found = known.filter((each) => each === id);
  if (found.length === 0)
    problems.push(
      `rule "${rule.id}" has no destination ${JSON.stringify(id)}: it has ${known.join(', ')}; without "destination" there is a run for each`,
    );
  return found;
};

const choice = <const T extends string>(
  fields: Record<string, unknown>,
  name: string,
  values: readonly T[],
  otherwise: T,
  problems: string[],
): T => {
  const { [name]: value = otherwise } = fields;
  const found = values.find((each) => each === value);
  if (found === undefined)
    problems.push(`"${name}" is ${JSON.stringify(value)}: it must be one of ${values.join(', ')}`);
  return found ?? otherwise;
};

const flag = (fields: Record<string, unknown>, name: string, problems: string[]): boolean => {
  const { [name]: value = false } = fields;
  if (typeof value !== 'boolean')
    problems.push(`"${name}" is ${JSON.stringify(value)}: it must be true or false`);
  return value === true;
};

const textOf = (
  fields: Record<string, unknown>,
  name: string,
  what: string,
  problems: string[],
): string | null => {
  const { [name]: value = null } = fields;
  if (value === null || typeof value === 'string') return value;
  problems.push(`"${name}" is ${JSON.stringify(value)}: it must be ${what}`);
  return null;
};

const sinceOf = (fields: Record<string, unknown>, problems: string[]): string | null => {
  const since = textOf(fields, 'since', 'a time like "2026-11-01T00:00:00Z"', problems);
  if (since === null) return null;
  const ms = Date.parse(since);
  if (Number.isNaN(ms))
    problems.push(`"since" is ${JSON.stringify(since)}: give a time like "2026-11-01T00:00:00Z"`);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
};

/** What the command line reckoned before; it is shown beside what was used, and nothing depends on it. */
const estimateOf = ({ estimate }: Record<string, unknown>): RunEstimate | null => {
  if (typeof estimate !== 'object' || estimate === null) return null;
  const parsed: RunEstimate = JSON.parse(JSON.stringify(estimate));
  return parsed;
};
