import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { withCliErrors } from '../aws-errors.ts';
import type { RunPorts } from './run-ports.ts';
import { START_OPTIONS, startRequest } from './run-request.ts';
import { DRY, startRuns } from './run-start.ts';

export const BACKFILL_START: CommandSpec = {
  name: 'backfill start',
  summary: 'Replicate the objects that were in the source bucket before.',
  description: [
    'Lists both buckets, sends every key that differs to the replicate function, and lists both buckets again to prove the result. Objects that are already replicated cost only their listing, so the command can be run again at any time. It never deletes anything at the destination.',
    'Before the start it shows an estimate of the size, the cost and the time, and asks for confirmation.',
  ],
  options: {
    ...START_OPTIONS,
    'dry-run': {
      description:
        'Change nothing: compare both buckets, wait for the result, and show what would be replicated.',
    },
    json: { description: 'Print one JSON object on standard output (fields: docs/cli.md).' },
  },
  exitCodes: [
    [
      EXIT.ok,
      'The run has begun; with --wait: it is finished, and both sides agree; with --dry-run: both buckets were compared.',
    ],
    [EXIT.failure, 'The run could not be started, or it failed, or both sides differ at its end.'],
    [EXIT.usage, 'The command line is wrong, or there was no terminal to ask on. Nothing was started.'],
    [EXIT.partial, 'With --wait: the run was paused or cancelled.'],
    [EXIT.interrupted, 'Interrupted. A run that has begun continues.'],
  ],
  examples: [
    [
      'npx s3-replicator backfill start --rule invoices',
      'All objects of the rule, after confirming the estimate',
    ],
    ['npx s3-replicator backfill start --rule invoices --dry-run', 'What would be replicated?'],
    [
      'npx s3-replicator backfill start --rule invoices --prefix invoices/2026/ --yes --wait',
      'Part of the rule, in a script',
    ],
  ],
};

/** Runs `s3-replicator backfill start …`. Resolves to the exit code. Throws CliError. */
export const runBackfillStart = async (
  argv: readonly string[],
  io: CliIo,
  ports: RunPorts,
): Promise<number> => {
  const options = parseOptions(BACKFILL_START, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(BACKFILL_START, io.columns));
    return EXIT.ok;
  }
  const request = startRequest('backfill', options, io);
  const isDryRun = options.has('dry-run');
  return await withCliErrors(async () => {
    if (!isDryRun) return await startRuns({ request, io, ports });
    return await startRuns({ request: { ...request, wait: true, yes: true }, io, ports }, DRY);
  });
};
