import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { CliError } from '../terminal/errors.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { withCliErrors } from '../aws-errors.ts';
import type { RunPorts } from './run-ports.ts';
import { LOCAL_OPTIONS, START_OPTIONS, startRequest } from './run-request.ts';
import { startRuns } from './run-start.ts';
import { verifyLocally } from './run-start-local.ts';

export const VERIFY_START: CommandSpec = {
  name: 'verify start',
  summary: 'Find out whether source and destination agree.',
  description: [
    'Lists both buckets and compares them key by key. If the listings are not enough, it reads both objects. With --local it prints every key that differs. Changes nothing, unless --repair is given.',
    'Keys that are only at the destination are counted and shown, but do not count as a difference: the destination may keep objects that were deleted at the source.',
  ],
  options: {
    ...START_OPTIONS,
    ...LOCAL_OPTIONS,
    repair: { description: 'Replicate the keys that differ, then compare again.' },
    'delete-extra': {
      description:
        "With --repair: delete replicas of objects that are no longer at the source. Needs `deletes: replicate` in the rule, and asks you to type the destination bucket's name.",
    },
    json: {
      description:
        'Print one JSON object on standard output; with --local one object a line for each difference (fields: docs/cli.md).',
    },
  },
  exitCodes: [
    [EXIT.ok, 'Both sides agree; without --wait and --local: the run has begun.'],
    [EXIT.failure, 'Both sides differ, or could not be compared.'],
    [EXIT.usage, 'The command line is wrong, or there was no terminal to ask on. Nothing was started.'],
    [EXIT.partial, 'With --wait: the run was paused or cancelled.'],
    [EXIT.interrupted, 'Interrupted. A run that has begun continues, unless it is local.'],
  ],
  examples: [
    ['npx s3-replicator verify start --rule invoices --wait', 'In AWS, for buckets of any size'],
    [
      'npx s3-replicator verify start --rule invoices --local --destination-profile archive',
      'From this machine, with every difference',
    ],
    ['npx s3-replicator verify start --rule invoices --repair --wait', 'Repair the differences too'],
  ],
};

/** Runs `s3-replicator verify start …`. Resolves to the exit code. Throws CliError. */
export const runVerifyStart = async (
  argv: readonly string[],
  io: CliIo,
  ports: RunPorts,
): Promise<number> => {
  const options = parseOptions(VERIFY_START, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(VERIFY_START, io.columns));
    return EXIT.ok;
  }
  if (options.has('local') && options.has('repair')) {
    throw new CliError(
      'bad-value',
      '--repair cannot be combined with --local: `copy --rule ID` replicates what differs.',
    );
  }
  const request = startRequest('verify', options, io);
  return await withCliErrors(() =>
    request.isLocal ? verifyLocally({ request, io, ports }) : startRuns({ request, io, ports }),
  );
};
