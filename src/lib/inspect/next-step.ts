/** What the next hint about a key would do, as JSON. Converge decides it in a dry run. */
import { dryRun, type DryRun } from '../converge/dry-run.ts';
import type { Convergence } from '../converge/convergence.ts';
import { createServerSide } from '../copy/way.ts';
import { createBrakes } from '../delivery/brakes.ts';
import { refuseUnfit } from '../delivery/circuits.ts';
import { type BrakeRecord, type BrakeStore, type Counts, NO_COUNTS } from '../model/brake.ts';
import { ReplicationError, sideOf } from '../model/errors.ts';
import type { Precondition } from '../model/ports.ts';
import { bucketsOf, type Task } from '../model/task.ts';
import type { PlannedCall } from '../converge/dry-run.ts';
import type { InspectDeps } from './action.ts';

export type NextStep = { passedOver: PassedOverVersion[] } & (
  | {
      kind: 'call';
      call: PlannedCall['call'];
      key: string;
      versionId: string | null;
      /** The header that makes the call conditional; null: the call has none. */
      condition: string | null;
      /** The source version that is written; null: none. */
      sourceVersion: string | null;
    }
  | { kind: 'done'; outcome: Convergence['outcome'] }
  | { kind: 'fails'; reason: string; detail: string; side: string | null }
);

export interface PassedOverVersion {
  versionId: string;
  reason: string;
  detail: string;
}

export const nextStep = async (task: Task, deps: InspectDeps): Promise<NextStep> =>
  stepOf(await dryRunFor(task, deps));

/**
 * Runs the dry run of a task. If the service of the destination lacks an ability that the rule needs, the dry run fails before it
 * reads anything.
 */
export const dryRunFor = async (task: Task, deps: InspectDeps): Promise<DryRun> => {
  if (task.destination.service === null) return await dryRunOf(task, deps);
  const circuits = await deps.circuits.load();
  try {
    refuseUnfit(task, circuits);
  } catch (error) {
    if (!(error instanceof ReplicationError)) throw error;
    return { kind: 'fails', error, passedOver: [] };
  }
  return await dryRunOf(task, deps);
};

const dryRunOf = async (task: Task, deps: InspectDeps): Promise<DryRun> => {
  const { clock, signer, transfers } = deps;
  return await dryRun(task, {
    ...bucketsOf(task, deps.buckets),
    invocation: deps.invocation(),
    clock,
    signer,
    transfers,
    serverSide: createServerSide(clock),
    brake: createBrakes({ store: forgetful(deps.brakes), clock }),
  });
};

export const stepOf = (run: DryRun): NextStep => {
  const passedOver = run.passedOver.map(({ versionId, error: { reason, message } }) => ({
    versionId,
    reason,
    detail: message,
  }));
  switch (run.kind) {
    case 'done':
      return { passedOver, kind: 'done', outcome: run.convergence.outcome };
    case 'fails':
      return {
        passedOver,
        kind: 'fails',
        reason: run.error.reason,
        detail: run.error.message,
        side: sideOf(run.error),
      };
    case 'call': {
      const { call, key, versionId, precondition, source } = run.planned;
      const condition = precondition === null ? null : headerOf(precondition);
      return {
        passedOver,
        kind: 'call',
        call,
        key,
        versionId,
        condition,
        sourceVersion: source?.versionId ?? null,
      };
    }
  }
};

const headerOf = (precondition: Precondition): string =>
  precondition.kind === 'absent' ? 'If-None-Match: *' : `If-Match: ${precondition.etag}`;

/** Returns a store that only pretends to store. So the brakes of a dry run count, hold and close nothing. */
const forgetful = ({ load, heldMs }: InspectDeps['brakes']): BrakeStore => ({
  load,
  heldMs,
  async count(name, slotMs, counts) {
    const record = await load(name);
    const slots = new Map(record.slots);
    return { ...record, slots: slots.set(slotMs, sumOf(slots.get(slotMs) ?? NO_COUNTS, counts)) };
  },
  async close(name, closed): Promise<BrakeRecord> {
    const record = await load(name);
    return { ...record, closed: record.closed ?? closed };
  },
  hold: async () => undefined,
});

const sumOf = (one: Counts, other: Counts): Counts => ({
  deletes: one.deletes + other.deletes,
  expirations: one.expirations + other.expirations,
  overwrites: one.overwrites + other.overwrites,
});
