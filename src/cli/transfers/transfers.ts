import { openTransfers } from '../../lib/aws/operator.ts';
import { resourceNames } from '../../lib/configuration/resource-names.ts';
import type { CommandSpec } from '../terminal/command.ts';
import { type Command, runGroup } from '../terminal/command-group.ts';
import { runTransfersList, TRANSFERS, type TransferPorts } from './transfers-list.ts';

const GROUP: CommandSpec = {
  name: 'transfers',
  summary: 'Shows the large objects that several invocations are moving.',
  subcommands: { list: TRANSFERS.summary },
  options: {},
  examples: [['npx s3-replicator transfers list', 'What is under way, and what is its progress?']],
};

export const transfersWith =
  (ports: TransferPorts): Command =>
  (argv, io) =>
    runGroup({ spec: GROUP, commands: { list: (rest) => runTransfersList(rest, io, ports) } }, argv, io);

/** Runs `s3-replicator transfers …`. */
export const runTransfers: Command = transfersWith({
  transfers: (deployment) => openTransfers(resourceNames(deployment).transfersTable, deployment.region),
});
