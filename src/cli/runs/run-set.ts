/** The command that changes when and how fast runs work. */
import type { BackfillConcurrency } from '../../lib/aws/backfill-concurrency.ts';
import { limitRun, RunRefusedError } from '../../lib/runs/control.ts';
import { NO_LIMITS, type RunLimits } from '../../lib/model/run-limits.ts';
import type { RunRecord } from '../../lib/runs/run-store.ts';
import { isOver } from '../../lib/runs/run.ts';
import { withCliErrors } from '../aws-errors.ts';
import { DEPLOYMENT_OPTIONS, deploymentOf } from '../deployment.ts';
import { type CommandSpec, helpText, parseOptions, type ParsedOptions } from '../terminal/command.ts';
import type { Command } from '../terminal/command-group.ts';
import { CliError } from '../terminal/errors.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { LIMIT_NAMES, LIMIT_OPTIONS, limitsIn, limitsText } from './limit-options.ts';
import type { RunPorts } from './run-ports.ts';

/** The limits that Lambda sets for the concurrency of a queue. */
const LEAST = 2;
const MOST = 1_000;

export const SET: CommandSpec = {
  name: 'backfill set',
  summary: 'Change how fast a run works, and at which hours, without a deployment.',
  description: [
    'The limits hold for this run, from its next step on. What is under way is finished.',
    'All runs of the stack share one queue, so the number of --concurrency holds for all of them. It takes effect within about a minute, and stays until it is changed again, or until a deployment with another `backfill.maximumConcurrency` in replication.yml.',
  ],
  argument: { name: 'RUN', description: 'The id of a run, as `backfill list` shows it.' },
  options: {
    concurrency: {
      value: 'N',
      range: { minimum: LEAST, maximum: MOST },
      description: `How many invocations may copy at once, ${LEAST} to ${MOST}.`,
    },
    ...LIMIT_OPTIONS,
    'dry-run': { description: 'Show the present values. Change nothing.' },
    json: { description: 'Print one JSON object on standard output (fields: docs/cli.md).' },
    ...DEPLOYMENT_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'Done.'],
    [EXIT.failure, 'There is no such run, or a call to AWS failed. Nothing was changed.'],
    [EXIT.usage, 'The command line is wrong.'],
  ],
  examples: [
    ['npx s3-replicator backfill set 20261122-174334-k3f9bx --concurrency 5', 'Leave room for others'],
    [
      'npx s3-replicator backfill set 20261122-174334-k3f9bx --hours 22:00-06:00 --time-zone Europe/Berlin',
      'Work at night only',
    ],
    [
      'npx s3-replicator backfill set 20261122-174334-k3f9bx --max-bytes-per-second none',
      'No limit of bytes any more',
    ],
  ],
};

export const setCommand =
  (ports: RunPorts): Command =>
  async (argv, io) => {
    const options = parseOptions(SET, argv);
    if (options.has('help')) {
      io.stdout.write(helpText(SET, io.columns));
      return EXIT.ok;
    }
    return await withCliErrors(() => setRun(options, io, ports));
  };

const setRun = async (options: ParsedOptions, io: CliIo, ports: RunPorts): Promise<number> => {
  const id = options.argument();
  const wanted = options.number('concurrency');
  const isDry = options.has('dry-run');
  const limits = limitsIn(options);
  const setsLimits = Object.keys(limits).length > 0;
  if (wanted === null && !setsLimits && !isDry)
    throw new CliError(
      'bad-value',
      `Give what to change: --concurrency, ${LIMIT_NAMES.map((name) => `--${name}`).join(', ')}.`,
    );
  const deployment = deploymentOf(options, io);
  const deps = { ...ports.runs(deployment), clock: io, random: ports.random };
  const run = await deps.store.load(id);
  if (run === null) throw new RunRefusedError(`there is no run ${id}`, id);
  const limited = isDry || !setsLimits ? run : await limitRun(id, limits, deps);
  if (isOver(run))
    io.stderr.write(`note: run ${id} is ${run.phase}. The number holds for other runs of the stack.\n`);
  const number =
    wanted === null && !isDry
      ? null
      : await setConcurrency(isDry ? null : wanted, ports.concurrency(deployment));
  if (options.has('json')) {
    io.stdout.write(
      jsonText({ run: id, before: number?.before, concurrency: number?.now, limits: limitsOf(limited) }),
    );
    return EXIT.ok;
  }
  if (number !== null)
    io.stdout.write(`${atOnce(number.now)}${isDry ? '' : ` (before: ${number.before ?? 'no limit'})`}.\n`);
  if (setsLimits || isDry) io.stdout.write(`Run ${id}: ${limitsText(limitsOf(limited)) ?? 'no limits'}.\n`);
  return EXIT.ok;
};

/** Sets the concurrency and returns the values before and after. If `wanted` is null, only reads the concurrency. */
const setConcurrency = async (
  wanted: number | null,
  concurrency: BackfillConcurrency,
): Promise<{ before: number | null; now: number | null }> => {
  const before = await concurrency.read();
  if (wanted !== null) await concurrency.set(wanted);
  return { before, now: wanted ?? before };
};

const limitsOf = ({ limits }: RunRecord): RunLimits => ({ ...NO_LIMITS, ...limits });

const atOnce = (maximum: number | null): string =>
  `At most ${maximum ?? 'any number of'} invocations copy for the runs of this stack at once`;
