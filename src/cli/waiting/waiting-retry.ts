import { DESTINATION_OPTIONS } from '../chosen-destinations.ts';
import { BATCHES_AT_ONCE, letBackBatch } from '../../lib/delivery/let-back-batch.ts';
import { circuitName } from '../../lib/model/rule.ts';
import { countOf } from '../../lib/text/amounts.ts';
import { withCliErrors } from '../aws-errors.ts';
import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { openChosen, type OperatorWaiting, type WaitingFor, type WaitingPorts } from './waiting-queues.ts';

export const WAITING_RETRY: CommandSpec = {
  name: 'waiting retry',
  summary: 'Send all waiting messages back to their queues at once.',
  description: [
    'Closes the circuits of the chosen destinations and sends all their messages to the queues that they came from. A destination that still fails is avoided again after a few attempts, and its messages wait as before.',
  ],
  options: {
    'dry-run': { description: 'Show what would be let back. Change nothing.' },
    json: { description: 'Print one JSON object on standard output (fields: docs/cli.md).' },
    ...DESTINATION_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'All visible messages were let back.'],
    [EXIT.failure, 'A call to AWS failed. Running the command again is safe.'],
    [EXIT.usage, 'The command line is wrong.'],
  ],
  examples: [
    ['npx s3-replicator waiting retry', 'Try everything that waits now'],
    ['npx s3-replicator waiting retry --destination archive', 'Only what waits for one destination'],
  ],
};

/** Runs `s3-replicator waiting retry …`. Resolves to the exit code. Throws CliError. */
export const runWaitingRetry = async (
  argv: readonly string[],
  io: CliIo,
  ports: WaitingPorts,
): Promise<number> => {
  const options = parseOptions(WAITING_RETRY, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(WAITING_RETRY, io.columns));
    return EXIT.ok;
  }
  const { waiting, found } = await openChosen(options, io, ports);
  const isDryRun = options.has('dry-run');
  let letBack = 0;
  for (const each of found)
    letBack += isDryRun ? each.messages : await withCliErrors(() => letBackAll(each, waiting, io.now()));
  const closed = found.filter(({ avoided }) => avoided !== null).length;
  io.stdout.write(
    options.has('json') ? jsonText({ dryRun: isDryRun, letBack, closed }) : text(isDryRun, letBack, closed),
  );
  return EXIT.ok;
};

const letBackAll = async (
  each: WaitingFor,
  { circuits, queues }: OperatorWaiting,
  beganMs: number,
): Promise<number> => {
  await circuits.close(circuitName(each.destination));
  let count = 0;
  const work = async (): Promise<void> => {
    for (;;) {
      const sent = await letBackBatch(each, queues, beganMs);
      if (sent === null) return;
      count += sent;
    }
  };
  await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, work));
  return count;
};

const text = (isDryRun: boolean, letBack: number, closed: number): string =>
  isDryRun
    ? `Dry run: ${countOf(letBack, 'message')} would be let back, ${countOf(closed, 'destination')} would no longer be avoided.\n`
    : `${countOf(letBack, 'message')} let back, ${countOf(closed, 'destination')} no longer avoided.\n`;
