import { resourceNames } from '../../lib/configuration/resource-names.ts';
import {
  type BrakeLedger,
  brakeName,
  type BrakeRecord,
  type Counts,
  countsIn,
  type HeldKey,
  NO_COUNTS,
  UNUSED_BRAKE,
} from '../../lib/model/brake.ts';
import { type RuleDestination } from '../../lib/model/rule.ts';
import { withCliErrors } from '../aws-errors.ts';
import { chosenDestinations } from '../chosen-destinations.ts';
import type { ParsedOptions } from '../terminal/command.ts';
import type { CliIo } from '../terminal/io.ts';

/** The access to AWS that the commands need. The functions of the ledger throw ReplicationError. */
export interface BrakePorts {
  open(runsTable: string, region: string): BrakeLedger;
}

/** The brake of one destination of a rule, as recorded in the table. */
export interface FoundBrake extends RuleDestination {
  name: string;
  record: BrakeRecord;
  /** The numbers that were counted within the window. */
  counts: Counts;
  /** The keys on the list that were not passed on yet. */
  held: HeldKey[];
}

/** Reads the brakes of the destinations that the options name. Throws {@link CliError}. */
export const findBrakes = async (
  options: ParsedOptions,
  io: CliIo,
  ports: BrakePorts,
): Promise<{ ledger: BrakeLedger; found: FoundBrake[] }> => {
  const { deployment, chosen } = chosenDestinations(options, io);
  const ledger = ports.open(resourceNames(deployment).runsTable, deployment.region);
  return await withCliErrors(async () => {
    const records = await ledger.all();
    const found: FoundBrake[] = [];
    for (const where of chosen) {
      const name = brakeName(where);
      const record = records.get(name);
      // A rule without a brake may still have a list from the time when it had one.
      if (record === undefined && where.rule.brake === null) continue;
      found.push(await brakeOf({ ...where, name, record: record ?? UNUSED_BRAKE }, ledger, io.now()));
    }
    return { ledger, found };
  });
};

const brakeOf = async (
  brake: Omit<FoundBrake, 'counts' | 'held'>,
  ledger: BrakeLedger,
  nowMs: number,
): Promise<FoundBrake> => {
  const { name, record, rule } = brake;
  const held: HeldKey[] = [];
  for await (const each of ledger.held(name)) if (each.sentMs === null) held.push(each);
  const counts = rule.brake === null ? NO_COUNTS : countsIn(rule.brake, record, NO_COUNTS, nowMs);
  return { ...brake, counts, held };
};

/** The fields of a brake that both commands print with `--json`. */
export const publicBrake = ({ rule, destination, record, counts, held }: FoundBrake) => ({
  rule: rule.id,
  destination: destination.id,
  destinationBucket: destination.bucket,
  brake: rule.brake === null ? 'off' : record.closed === null ? 'open' : 'closed',
  closedSince: record.closed === null ? null : new Date(record.closed.sinceMs).toISOString(),
  why: record.closed?.why ?? null,
  ...counts,
  releasing: record.releasing,
  held: held.length,
});
