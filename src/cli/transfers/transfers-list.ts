import type { Deployment } from '../../lib/configuration/resource-names.ts';
import type { Transfer, TransferStore } from '../../lib/copy/transfer/transfer.ts';
import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { DEPLOYMENT_OPTIONS, deploymentOf } from '../deployment.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { withCliErrors } from '../aws-errors.ts';
import { transferStateOf } from '../../lib/state/transfer-state.ts';
import { transferLines } from './transfer-text.ts';

/** The access to AWS that the command needs. Its functions throw ReplicationError. */
export interface TransferPorts {
  transfers(deployment: Deployment): Pick<TransferStore, 'all'>;
}

export const TRANSFERS: CommandSpec = {
  name: 'transfers list',
  summary: 'Show the transfers under way, their progress, and those that need a person.',
  description: [
    'Shows what the functions last saw of each upload, without calls to S3. Transfers that have ended are not shown.',
  ],
  options: {
    json: { description: 'Print one JSON array on standard output (fields: docs/cli.md).' },
    ...DEPLOYMENT_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'The transfers are shown, if there are any.'],
    [EXIT.failure, 'The transfers could not be read.'],
    [EXIT.usage, 'The command line is wrong.'],
  ],
  examples: [
    ['npx s3-replicator transfers list', 'All transfers in stage prod'],
    [
      `npx s3-replicator transfers list --json | jq '.[] | select(.state == "failed")'`,
      'Those that need a person',
    ],
  ],
};

/** Runs `s3-replicator transfers list …`. Resolves to the exit code. Throws CliError. */
export const runTransfersList = async (
  argv: readonly string[],
  io: CliIo,
  ports: TransferPorts,
): Promise<number> => {
  const options = parseOptions(TRANSFERS, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(TRANSFERS, io.columns));
    return EXIT.ok;
  }
  const { all } = ports.transfers(deploymentOf(options, io));
  const found: Transfer[] = [];
  await withCliErrors(async () => {
    for await (const transfer of all()) found.push(transfer);
  });
  const transfers = found.toSorted((one, other) => one.startedMs - other.startedMs).map(transferStateOf);
  io.stdout.write(options.has('json') ? jsonText(transfers) : `${transferLines(transfers, io).join('\n')}\n`);
  return EXIT.ok;
};
