/** The command that changes how fast runs copy. */
import { RunRefusedError } from '../../lib/runs/control.ts';
import { isOver } from '../../lib/runs/run.ts';
import { withCliErrors } from '../aws-errors.ts';
import { DEPLOYMENT_OPTIONS, deploymentOf } from '../deployment.ts';
import { type CommandSpec, helpText, parseOptions, type ParsedOptions } from '../terminal/command.ts';
import type { Command } from '../terminal/command-group.ts';
import { CliError } from '../terminal/errors.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import type { RunPorts } from './run-ports.ts';

/** The limits that Lambda sets for the concurrency of a queue. */
const LEAST = 2;
const MOST = 1_000;

export const SET: CommandSpec = {
  name: 'backfill set',
  summary: 'Change how many invocations copy for runs at once, without a deployment.',
  description: [
    'All runs of the stack share one queue, so the number holds for all of them. It takes effect within about a minute, and stays until it is changed again, or until a deployment with another `backfill.maximumConcurrency` in replication.yml.',
  ],
  argument: { name: 'RUN', description: 'The id of a run, as `backfill list` shows it.' },
  options: {
    concurrency: {
      value: 'N',
      range: { minimum: LEAST, maximum: MOST },
      description: `How many invocations may copy at once, ${LEAST} to ${MOST}. Required.`,
    },
    'dry-run': { description: 'Show the present number. Change nothing.' },
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
    return await withCliErrors(() => setConcurrency(options, io, ports));
  };

const setConcurrency = async (options: ParsedOptions, io: CliIo, ports: RunPorts): Promise<number> => {
  const id = options.argument();
  const wanted = options.number('concurrency');
  const isDry = options.has('dry-run');
  if (wanted === null && !isDry)
    throw new CliError('bad-value', '--concurrency is missing: give how many invocations may copy at once.');
  const deployment = deploymentOf(options, io);
  const run = await ports.runs(deployment).store.load(id);
  if (run === null) throw new RunRefusedError(`there is no run ${id}`, id);
  if (isOver(run))
    io.stderr.write(`note: run ${id} is ${run.phase}. The number holds for other runs of the stack.\n`);
  const concurrency = ports.concurrency(deployment);
  const before = await concurrency.read();
  if (!isDry && wanted !== null) await concurrency.set(wanted);
  if (options.has('json'))
    io.stdout.write(jsonText({ run: id, before, concurrency: isDry ? before : wanted }));
  else
    io.stdout.write(
      isDry ? `${atOnce(before)}.\n` : `${atOnce(wanted)} (before: ${before ?? 'no limit'}).\n`,
    );
  return EXIT.ok;
};

const atOnce = (maximum: number | null): string =>
  `At most ${maximum ?? 'any number of'} invocations copy for the runs of this stack at once`;
