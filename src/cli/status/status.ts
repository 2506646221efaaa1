import { createStateSources } from '../../lib/aws/state-sources.ts';
import { type ResourceNames, resourceNames } from '../../lib/configuration/resource-names.ts';
import { ruleDestinations } from '../../lib/model/rule.ts';
import type { DeploymentState } from '../../lib/state/deployment-state.ts';
import type { StateSources } from '../../lib/state/ports.ts';
import { createStateReader, type StateReader } from '../../lib/state/read-state.ts';
import { withCliErrors } from '../aws-errors.ts';
import { chosenDestinations, DESTINATION_OPTIONS } from '../chosen-destinations.ts';
import { type CommandSpec, helpText, type ParsedOptions, parseOptions } from '../terminal/command.ts';
import type { Command } from '../terminal/command-group.ts';
import { CliError } from '../terminal/errors.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonLine, jsonText } from '../terminal/json.ts';
import { createRedraw } from '../terminal/redraw.ts';
import { styleFor } from '../terminal/style.ts';
import { waitDrained } from './drained.ts';
import { statusLines } from './status-text.ts';

export interface StatusPorts {
  open(names: ResourceNames, region: string): StateSources;
}

export const DEPLOYMENT_STATUS: CommandSpec = {
  name: 'status',
  summary: 'Show the whole deployment on one screen: lag, pending work, runs, alarms.',
  description: [
    'Pending work is approximate. What you may not read is shown as "not readable", with the permission that is missing.',
  ],
  options: {
    watch: {
      description: 'Show it again every five seconds, until Ctrl-C. CloudWatch is asked once a minute.',
    },
    'wait-drained': {
      description:
        'Wait until queues, transfers, runs and paused deletes have been empty for five minutes. What a migration needs before it switches over.',
    },
    json: { description: 'Print the state as JSON (fields: docs/cli.md), with --watch one line each time.' },
    ...DESTINATION_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'The state is shown, or everything is drained.'],
    [EXIT.failure, 'The deployment could not be read.'],
    [EXIT.usage, 'The command line is wrong.'],
    [EXIT.interrupted, 'Interrupted by Ctrl-C.'],
  ],
  examples: [
    ['npx s3-replicator status', 'Does every rule keep up?'],
    ['npx s3-replicator status --rule media --watch', 'Watch one rule catch up'],
    [
      'npx s3-replicator status --wait-drained && npx s3-replicator verify start --rule media --wait',
      'Before a switch-over',
    ],
  ],
};

/** How often the queues are asked. */
const POLL_MS = 5_000;

/** Runs `s3-replicator status …`. Resolves to the exit code. Throws CliError. */
export const statusWith =
  (ports: StatusPorts): Command =>
  async (argv, io) => {
    const options = parseOptions(DEPLOYMENT_STATUS, argv);
    if (options.has('help')) {
      io.stdout.write(helpText(DEPLOYMENT_STATUS, io.columns));
      return EXIT.ok;
    }
    const isDrain = options.has('wait-drained');
    if (isDrain && ['watch', 'rule', 'destination'].some((name) => options.has(name)))
      throw new CliError(
        'bad-value',
        '--wait-drained takes no --watch, --rule or --destination, because all rules share the queues.',
      );
    const reader = stateReaderOf(options, io, ports);
    if (isDrain) return await waitDrained(reader, io, options.has('json'));
    if (options.has('watch')) return await watch(reader, options, io);
    const state = await withCliErrors(reader.read);
    io.stdout.write(options.has('json') ? jsonText(state) : `${textOf(state, io).join('\n')}\n`);
    return EXIT.ok;
  };

export const STATUS_PORTS: StatusPorts = { open: createStateSources };

export const runStatus: Command = statusWith(STATUS_PORTS);

/**
 * Reads the state of all destinations, because the messages of the queues are divided among all of them. Then keeps the chosen
 * destinations.
 */
export const stateReaderOf = (options: ParsedOptions, io: CliIo, ports: StatusPorts): StateReader => {
  const { deployment, replication, chosen } = chosenDestinations(options, io);
  const names = resourceNames(deployment);
  const { region } = deployment;
  const reader = createStateReader(ports.open(names, region), {
    stack: names.stack,
    region,
    pairs: ruleDestinations(replication),
    now: () => io.now(),
  });
  const isChosen = ({ rule, destination }: { rule: string; destination: string }): boolean =>
    chosen.some((where) => where.rule.id === rule && where.destination.id === destination);
  return {
    async read() {
      const state = await reader.read();
      const { runs, transfers } = state;
      return {
        ...state,
        rules: state.rules.filter(isChosen),
        runs: Array.isArray(runs) ? runs.filter(isChosen) : runs,
        transfers: Array.isArray(transfers) ? transfers.filter(isChosen) : transfers,
      };
    },
  };
};

const textOf = (state: DeploymentState, io: CliIo): string[] =>
  statusLines(state, { columns: io.columns, style: styleFor(io.stdout, io.env) });

const watch = async (reader: StateReader, options: ParsedOptions, io: CliIo): Promise<number> => {
  const isJson = options.has('json');
  const redraw = io.stdout.isTTY === true && !isJson ? createRedraw(io.stdout) : null;
  while (!io.interrupted.aborted) {
    const state = await withCliErrors(reader.read);
    if (isJson) io.stdout.write(jsonLine(state));
    else if (redraw !== null) redraw.draw(textOf(state, io));
    else io.stdout.write(`${textOf(state, io).join('\n')}\n\n`);
    await io.sleep(POLL_MS);
  }
  redraw?.keep();
  return EXIT.interrupted;
};
