import type { ResourceNames } from '../../lib/configuration/resource-names.ts';
import { resourceNames } from '../../lib/configuration/resource-names.ts';
import type { CircuitStore, OpenCircuit } from '../../lib/delivery/circuits.ts';
import type { WaitingQueues } from '../../lib/delivery/deps.ts';
import { circuitName, type RuleDestination } from '../../lib/model/rule.ts';
import type { ParsedOptions } from '../terminal/command.ts';
import type { CliIo } from '../terminal/io.ts';
import { withCliErrors } from '../aws-errors.ts';
import { chosenDestinations } from '../chosen-destinations.ts';

/** The access of an operator to the waiting queues and to the record of the circuits. Its functions throw ReplicationError. */
export interface OperatorWaiting {
  circuits: Pick<CircuitStore, 'load' | 'close'>;
  queues: Pick<WaitingQueues, 'receive' | 'letBack'>;
  /** Resolves to the approximate number of messages that wait for the destination. */
  count(where: RuleDestination): Promise<number>;
}

export interface WaitingPorts {
  open(names: ResourceNames, region: string): Promise<OperatorWaiting>;
}

/** One destination of a rule, and the messages that wait for it. */
export interface WaitingFor extends RuleDestination {
  messages: number;
  /** The open circuit; null if the destination is not avoided. */
  avoided: OpenCircuit | null;
}

/** Opens the deployment that the options name, and finds the chosen destinations. Throws {@link CliError}. */
export const openChosen = async (
  options: ParsedOptions,
  io: CliIo,
  ports: WaitingPorts,
): Promise<{ waiting: OperatorWaiting; found: WaitingFor[] }> => {
  const { deployment, chosen } = chosenDestinations(options, io);
  return await withCliErrors(async () => {
    const waiting = await ports.open(resourceNames(deployment), deployment.region);
    const { open } = await waiting.circuits.load();
    const found = await Promise.all(
      chosen.map(async (where) => ({
        ...where,
        messages: await waiting.count(where),
        avoided: open.get(circuitName(where.destination)) ?? null,
      })),
    );
    return { waiting, found };
  });
};
