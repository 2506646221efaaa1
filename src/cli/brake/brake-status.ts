import { DESTINATION_OPTIONS } from '../chosen-destinations.ts';
import { countText } from '../../lib/text/amounts.ts';
import { duration } from '../../lib/text/duration.ts';
import { printable } from '../../lib/text/printable.ts';
import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { type Column, tableLines } from '../terminal/table.ts';
import { type BrakePorts, findBrakes, publicBrake } from './brakes.ts';

export const BRAKE_STATUS: CommandSpec = {
  name: 'brake status',
  summary: 'Show whether deletes are paused, and how many keys are held.',
  description: [
    'Shows for each destination with a brake what was counted within the window. If the brake is closed, shows why, and how many keys are held.',
  ],
  options: {
    json: { description: 'Print one JSON array on standard output (fields: docs/cli.md).' },
    ...DESTINATION_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'The brakes are shown.'],
    [EXIT.failure, 'The table of runs could not be read.'],
    [EXIT.usage, 'The command line is wrong.'],
  ],
  examples: [['npx s3-replicator brake status --rule invoices', 'Are deletes of this rule paused?']],
};

/** Runs `s3-replicator brake status …`. Resolves to the exit code. Throws CliError. */
export const runBrakeStatus = async (
  argv: readonly string[],
  io: CliIo,
  ports: BrakePorts,
): Promise<number> => {
  const options = parseOptions(BRAKE_STATUS, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(BRAKE_STATUS, io.columns));
    return EXIT.ok;
  }
  const { found } = await findBrakes(options, io, ports);
  const shown = found.map(publicBrake);
  io.stdout.write(options.has('json') ? jsonText(shown) : `${lines(shown, io).join('\n')}\n`);
  return EXIT.ok;
};

const HEADER: Column[] = [
  { title: 'BRAKE' },
  { title: 'HELD', align: 'right' },
  { title: 'RULE → DESTINATION', least: 18 },
  { title: 'DELETES', align: 'right' },
  { title: 'EXPIRATIONS', align: 'right', isOptional: true },
  { title: 'OVERWRITES', align: 'right', isOptional: true },
  { title: 'CLOSED FOR' },
];

const lines = (shown: ReturnType<typeof publicBrake>[], { now, columns }: CliIo): string[] => {
  const [header = '', ...rows] = tableLines(
    HEADER,
    shown.map(({ brake, held, rule, destination, deletes, expirations, overwrites, closedSince }) => [
      brake,
      countText(held),
      `${rule} → ${destination}`,
      countText(deletes),
      countText(expirations),
      countText(overwrites),
      closedSince === null ? '-' : duration((now() - Date.parse(closedSince)) / 1_000),
    ]),
    columns,
  );
  return [
    header,
    ...rows.flatMap((row, index) => {
      const why = shown[index]?.why ?? null;
      return why === null ? [row] : [row, `    ${printable(why)}`];
    }),
  ];
};
