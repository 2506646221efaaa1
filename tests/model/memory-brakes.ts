/** A model of the shared records of the brakes, which are items of DynamoDB in a deployment. */
import { type Brakes, createBrakes } from '../../src/lib/delivery/brakes.ts';
import {
  type BrakeLedger,
  type BrakeRecord,
  type BrakeStore,
  type HeldKey,
  NO_COUNTS,
  UNUSED_BRAKE,
} from '../../src/lib/model/brake.ts';

export interface MemoryBrakes extends BrakeStore, BrakeLedger {
  /** The calls, in order. */
  calls: string[];
  /** If `failure` is set, each call throws it. */
  state: { failure: Error | null };
  keysOf(name: string): string[];
}

export const createMemoryBrakes = (): MemoryBrakes => {
  const records = new Map<string, BrakeRecord>();
  const lists = new Map<string, Map<string, HeldKey>>();
  const calls: string[] = [];
  const state: MemoryBrakes['state'] = { failure: null };
  const enter = (call: string): void => {
    calls.push(call);
    if (state.failure !== null) throw state.failure;
  };
  const listOf = (name: string): Map<string, HeldKey> => {
    const list = lists.get(name) ?? new Map<string, HeldKey>();
    lists.set(name, list);
    return list;
  };
  const recordOf = (name: string): BrakeRecord => records.get(name) ?? UNUSED_BRAKE;
  const change = (name: string, fields: Partial<BrakeRecord>): BrakeRecord => {
    const record = { ...recordOf(name), ...fields };
    records.set(name, record);
    return record;
  };
  return {
    calls,
    state,
    keysOf: (name) => [...listOf(name).keys()],
    async load(name) {
      enter('load');
      return recordOf(name);
    },
    async count(name, slotMs, counts, old) {
      enter('count');
      const slots = new Map(recordOf(name).slots);
      for (const each of old) slots.delete(each);
      const { deletes, expirations, overwrites } = slots.get(slotMs) ?? NO_COUNTS;
      slots.set(slotMs, {
        deletes: deletes + counts.deletes,
        expirations: expirations + counts.expirations,
        overwrites: overwrites + counts.overwrites,
      });
      return change(name, { slots });
    },
    async close(name, closed) {
      enter('close');
      return change(name, { closed: recordOf(name).closed ?? closed });
    },
    async hold(name, held) {
      enter('hold');
      listOf(name).set(held.key, { ...held, sentMs: null });
    },
    async heldMs(name, key) {
      enter('heldMs');
      return listOf(name).get(key)?.heldMs ?? null;
    },
    ...ledgerOf({ records, listOf, change }),
  };
};

interface Memory {
  records: Map<string, BrakeRecord>;
  listOf(name: string): Map<string, HeldKey>;
  change(name: string, fields: Partial<BrakeRecord>): BrakeRecord;
}

const ledgerOf = ({ records, listOf, change }: Memory): BrakeLedger => ({
  all: async () => records,
  async *held(name) {
    yield* listOf(name).values();
  },
  async release(name, _record, { untilMs, how }) {
    change(name, { slots: new Map(), closed: null, releasedMs: untilMs, releasing: how });
  },
  async sent(name, held, sentMs) {
    if (listOf(name).get(held.key)?.heldMs === held.heldMs) listOf(name).set(held.key, { ...held, sentMs });
  },
  async forget(name, held) {
    if (listOf(name).get(held.key)?.heldMs === held.heldMs) listOf(name).delete(held.key);
  },
  async released(name, releasedMs) {
    if (records.get(name)?.releasedMs === releasedMs) change(name, { releasing: null });
  },
  async counted(name, keys) {
    change(name, { keys });
  },
});

/** Brakes that no rule uses, because the rules of most tests have none. */
export const noBrakes: Brakes = createBrakes({ store: createMemoryBrakes(), clock: { now: () => 0 } });
