import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { withCliErrors } from '../aws-errors.ts';
import type { RunPorts } from './run-ports.ts';
import { START_OPTIONS, startRequest } from './run-request.ts';
import { DRY, startRuns } from './run-start.ts';
import { backfillLocally } from './run-start-local.ts';

export const BACKFILL_START: CommandSpec = {
  name: 'backfill start',
  summary: 'Replicate what was in the source bucket before.',
  description: [
    'Lists both buckets, has the replicate function look at every key that differs, and lists both again to prove the result. What is right already costs its listing only, so it can be run again at any time. Nothing is ever deleted at the destination.',
    'Before the start it shows about how much there is, what it costs and how long it takes, and asks.',
  ],
  options: {
    ...START_OPTIONS,
    'dry-run': {
      description:
        'Change nothing: compare both buckets, and show what would be replicated. Waits for the result.',
    },
    json: { description: 'Print one JSON object on standard output (fields: docs/cli.md).' },
  },
  exitCodes: [
    [
      EXIT.ok,
      'The run has begun; with --wait: it is finished, and both sides agree; of a dry run: it was made.',
    ],
    [EXIT.failure, 'It could not be started, or it failed, or both sides differ in the end.'],
    [EXIT.usage, 'The command line is wrong, or nobody could be asked. Nothing was started.'],
    [EXIT.partial, 'With --wait: the run was paused or cancelled.'],
    [EXIT.interrupted, 'Interrupted. A run that has begun goes on.'],
  ],
  examples: [
    [
      'npx s3-replicator backfill start --rule invoices',
      'Everything the rule wants, after a look at the estimate',
    ],
    ['npx s3-replicator backfill start --rule invoices --dry-run', 'What would be replicated?'],
    [
      'npx s3-replicator backfill start --rule invoices --prefix invoices/2026/ --yes --wait',
      'A part of it, in a script',
    ],
  ],
};

/** `s3-replicator backfill start …`, to the exit code. Throws CliError. */
export const runBackfillStart = async (
  argv: readonly string[],
  io: CliIo,
  ports: RunPorts,
): Promise<number> => {
  const options = parseOptions(BACKFILL_START, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(BACKFILL_START));
    return EXIT.ok;
  }
  const request = startRequest('backfill', options, io);
  const isDryRun = options.has('dry-run');
  return await withCliErrors(async () => {
    if (request.isLocal) return await backfillLocally({ ...request, isDryRun }, io, ports);
    if (!isDryRun) return await startRuns(request, io, ports);
    return await startRuns({ ...request, wait: true, yes: true }, io, ports, DRY);
  });
};
