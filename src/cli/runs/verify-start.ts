import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { CliError } from '../terminal/errors.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { withCliErrors } from '../aws-errors.ts';
import type { RunPorts } from './run-ports.ts';
import { START_OPTIONS, startRequest } from './run-request.ts';
import { startRuns } from './run-start.ts';
import { verifyLocally } from './run-start-local.ts';

export const VERIFY_START: CommandSpec = {
  name: 'verify start',
  summary: 'Find out whether source and destination agree.',
  description: [
    'Lists both buckets and compares them key by key; where listings cannot tell, both objects are looked at. With --local it prints every key that differs. Changes nothing, unless --repair is given.',
    'Keys that are only at the destination are counted and shown, but both sides agree all the same: the destination may keep what was deleted at the source.',
  ],
  options: {
    ...START_OPTIONS,
    repair: { description: 'Have what differs replicated, then compare again.' },
    'delete-extra': {
      description:
        "With --repair: delete replicas of objects that the source does not have any more. Needs `deletes: replicate` in the rule, and asks for the destination bucket's name to be typed.",
    },
    json: {
      description:
        'Print one JSON object on standard output; with --local one object a line for each difference (fields: docs/cli.md).',
    },
  },
  exitCodes: [
    [EXIT.ok, 'Both sides agree; without --wait and --local: the run has begun.'],
    [EXIT.failure, 'They differ, or it could not be found out.'],
    [EXIT.usage, 'The command line is wrong, or nobody could be asked. Nothing was started.'],
    [EXIT.partial, 'With --wait: the run was paused or cancelled.'],
    [EXIT.interrupted, 'Interrupted. A run that has begun goes on; a local one does not.'],
  ],
  examples: [
    ['npx s3-replicator verify start --rule invoices --wait', 'In AWS, for buckets of any size'],
    [
      'npx s3-replicator verify start --rule invoices --local --destination-profile archive',
      'From here, with every difference',
    ],
    ['npx s3-replicator verify start --rule invoices --repair --wait', 'And mend what differs'],
  ],
};

/** `s3-replicator verify start …`, to the exit code. Throws CliError. */
export const runVerifyStart = async (
  argv: readonly string[],
  io: CliIo,
  ports: RunPorts,
): Promise<number> => {
  const options = parseOptions(VERIFY_START, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(VERIFY_START));
    return EXIT.ok;
  }
  if (options.has('local') && options.has('repair')) {
    throw new CliError(
      'bad-value',
      '--repair does not go with --local: `backfill start --local` replicates what differs.',
    );
  }
  const request = startRequest('verify', options, io);
  return await withCliErrors(() =>
    request.isLocal ? verifyLocally(request, io, ports) : startRuns(request, io, ports),
  );
};
