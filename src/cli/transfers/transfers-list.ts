import type { Deployment } from '../../lib/configuration/resource-names.ts';
import type { Transfer, TransferStore } from '../../lib/copy/transfer/transfer.ts';
import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { DEPLOYMENT_OPTIONS, deploymentOf } from '../deployment.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { withCliErrors } from '../aws-errors.ts';
import { publicTransfer } from './transfer-state.ts';
import { transferLines } from './transfer-text.ts';

/** What the command needs of AWS. Throws ReplicationError. */
export interface TransferPorts {
  transfers(deployment: Deployment): Pick<TransferStore, 'all'>;
}

export const TRANSFERS: CommandSpec = {
  name: 'transfers list',
  summary: 'Show what is under way, how far it is, and what waits for a person.',
  description: [
    'Says what the functions last saw of each upload; no bucket is looked at. Whatever has come to its end is not shown.',
  ],
  options: {
    json: { description: 'Print one JSON array on standard output (fields: docs/cli.md).' },
    ...DEPLOYMENT_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'They are shown, if there are any.'],
    [EXIT.failure, 'They could not be read.'],
    [EXIT.usage, 'The command line is wrong.'],
  ],
  examples: [
    ['npx s3-replicator transfers list', 'Everything in stage prod'],
    [
      `npx s3-replicator transfers list --json | jq '.[] | select(.state == "failed")'`,
      'What waits for a person',
    ],
  ],
};

/** `s3-replicator transfers list …`, to the exit code. Throws CliError. */
export const runTransfersList = async (
  argv: readonly string[],
  io: CliIo,
  ports: TransferPorts,
): Promise<number> => {
  const options = parseOptions(TRANSFERS, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(TRANSFERS));
    return EXIT.ok;
  }
  const { all } = ports.transfers(deploymentOf(options, io));
  const found: Transfer[] = [];
  await withCliErrors(async () => {
    for await (const transfer of all()) found.push(transfer);
  });
  const transfers = found.toSorted((one, other) => one.startedMs - other.startedMs).map(publicTransfer);
  io.stdout.write(
    options.has('json')
      ? `${JSON.stringify(transfers, null, 2)}\n`
      : `${transferLines(transfers, io.now()).join('\n')}\n`,
  );
  return EXIT.ok;
};
