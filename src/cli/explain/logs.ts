import { openLogs } from '../../lib/aws/cloudwatch/logs.ts';
import { type Deployment, resourceNames } from '../../lib/configuration/resource-names.ts';
import type { LogReader } from '../../lib/inspect/log-lines.ts';
import { withCliErrors } from '../aws-errors.ts';
import { DEPLOYMENT_OPTIONS, deploymentOf } from '../deployment.ts';
import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonLine } from '../terminal/json.ts';
import { timeOption } from '../terminal/since.ts';
import { lineText } from './line-text.ts';

const DEFAULT_SINCE_MS = 3_600_000;

export const LOGS: CommandSpec = {
  name: 'logs',
  summary: 'Show what the functions logged about a rule or a key.',
  description: [
    'Searches the logs of the replicate and the transfer function, with your credentials (logs:FilterLogEvents). A key is found also where the stack logs hashes of keys.',
  ],
  options: {
    rule: { value: 'ID', description: 'Only lines about this rule.' },
    key: { value: 'KEY', description: 'Only lines about this key of a source bucket.' },
    since: {
      value: 'TIME',
      description:
        'Only lines since then: an age like 30m, 2h or 3d, or a time like 2026-11-01T00:00:00Z. Default: 1h.',
    },
    json: { description: 'Print one JSON object a line on standard output (fields: docs/cli.md).' },
    ...DEPLOYMENT_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'The lines are shown, if there are any.'],
    [EXIT.failure, 'The logs could not be read.'],
    [EXIT.usage, 'The command line is wrong.'],
  ],
  examples: [
    ['npx s3-replicator logs --rule invoices --since 30m', 'What happened to a rule'],
    ['npx s3-replicator logs --key invoices/7.pdf --since 3d', 'What happened to one object'],
  ],
};

/** Opens the logs of the functions that log the outcome of hints. */
export const logsOf = (deployment: Deployment): LogReader => {
  const { replicateFunction, transferFunction } = resourceNames(deployment);
  return openLogs([replicateFunction, transferFunction], deployment.region);
};

/** Runs `s3-replicator logs …`. Resolves to the exit code. Throws CliError. */
export const runLogs = async (
  argv: readonly string[],
  io: CliIo,
  open: (deployment: Deployment) => LogReader = logsOf,
): Promise<number> => {
  const options = parseOptions(LOGS, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(LOGS, io.columns));
    return EXIT.ok;
  }
  const query = {
    rule: options.value('rule'),
    key: options.value('key'),
    sinceMs: timeOption(options, 'since', io.now()) ?? io.now() - DEFAULT_SINCE_MS,
  };
  const { lines, isComplete } = await withCliErrors(() => open(deploymentOf(options, io)).find(query));
  for (const line of lines) io.stdout.write(options.has('json') ? jsonLine(line) : `${lineText(line)}\n`);
  if (lines.length === 0) io.stderr.write(`note: no line since ${new Date(query.sinceMs).toISOString()}.\n`);
  if (!isComplete) io.stderr.write('note: there may be more lines: choose a later --since.\n');
  return EXIT.ok;
};
