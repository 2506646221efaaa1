import { DESTINATION_OPTIONS } from '../chosen-destinations.ts';
import { countText } from '../../lib/text/amounts.ts';
import { duration } from '../../lib/text/duration.ts';
import { printable } from '../../lib/text/printable.ts';
import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { tableLines } from '../terminal/table.ts';
import { openChosen, type WaitingFor, type WaitingPorts } from './waiting-queues.ts';

export const WAITING_LIST: CommandSpec = {
  name: 'waiting list',
  summary: 'Show how many messages wait for each destination, and why it is avoided.',
  options: {
    json: { description: 'Print one JSON array on standard output (fields: docs/cli.md).' },
    ...DESTINATION_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'The destinations are shown.'],
    [EXIT.failure, 'A queue or the record of the circuits could not be read.'],
    [EXIT.usage, 'The command line is wrong.'],
  ],
  examples: [['npx s3-replicator waiting list --rule invoices', 'What waits for the destinations of a rule']],
};

/** Runs `s3-replicator waiting list …`. Resolves to the exit code. Throws CliError. */
export const runWaitingList = async (
  argv: readonly string[],
  io: CliIo,
  ports: WaitingPorts,
): Promise<number> => {
  const options = parseOptions(WAITING_LIST, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(WAITING_LIST, io.columns));
    return EXIT.ok;
  }
  const { found } = await openChosen(options, io, ports);
  const shown = found.map(publicWaiting);
  io.stdout.write(options.has('json') ? jsonText(shown) : `${lines(shown, io).join('\n')}\n`);
  return EXIT.ok;
};

const publicWaiting = ({ rule, destination, messages, avoided }: WaitingFor) => ({
  rule: rule.id,
  destination: destination.id,
  destinationBucket: destination.bucket,
  messages,
  avoidedSince: avoided === null ? null : new Date(avoided.sinceMs).toISOString(),
  reason: avoided?.reason ?? null,
  detail: avoided?.detail ?? null,
});

const lines = (shown: ReturnType<typeof publicWaiting>[], { now, columns }: CliIo): string[] => {
  const [header = '', ...rows] = tableLines(
    [
      { title: 'MESSAGES', align: 'right' },
      { title: 'RULE → DESTINATION', least: 18 },
      'AVOIDED FOR',
      { title: 'REASON', least: 6 },
    ],
    shown.map(({ messages, rule, destination, avoidedSince, reason }) => [
      countText(messages),
      `${rule} → ${destination}`,
      avoidedSince === null ? '-' : duration((now() - Date.parse(avoidedSince)) / 1_000),
      reason ?? '-',
    ]),
    columns,
  );
  return [
    header,
    ...rows.flatMap((row, index) => {
      const detail = shown[index]?.detail ?? null;
      return detail === null ? [row] : [row, `    ${printable(detail)}`];
    }),
  ];
};
