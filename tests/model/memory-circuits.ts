/** A model of the shared record of the circuits, which is an item of DynamoDB in a deployment. */
import type {
  CircuitRecord,
  Circuits,
  CircuitStore,
  Hanging,
  OpenCircuit,
} from '../../src/lib/delivery/circuits.ts';
import type { ServiceAnswers } from '../../src/lib/model/service-answers.ts';

export interface MemoryCircuitStore extends CircuitStore {
  /** The calls that changed the record. */
  writes: string[];
}

export const createMemoryCircuitStore = (): MemoryCircuitStore => {
  const open = new Map<string, OpenCircuit>();
  const failures = new Map<string, { keys: Set<string>; sinceMs: number }>();
  const hanging = new Map<string, Hanging>();
  const services = new Map<string, ServiceAnswers>();
  const writes: string[] = [];
  const record = (): CircuitRecord => ({
    open: new Map(open),
    suspects: new Map([...failures].map(([name, { keys, sinceMs }]) => [name, { keys: keys.size, sinceMs }])),
    hanging: new Map(hanging),
    services: new Map(services),
  });
  const changed = async (call: string, change: () => void): Promise<CircuitRecord> => {
    writes.push(call);
    change();
    return record();
  };
  return {
    writes,
    load: async () => record(),
    suspect: (name, key, nowMs) =>
      changed('suspect', () => {
        const known = failures.get(name) ?? { keys: new Set(), sinceMs: nowMs };
        failures.set(name, { ...known, keys: known.keys.add(key) });
      }),
    open: (name, circuit) =>
      changed('open', () => {
        if (failures.has(name) && !open.has(name)) open.set(name, circuit);
      }),
    close: (name) =>
      changed('close', () => {
        open.delete(name);
        failures.delete(name);
      }),
    hang: (environment, entry) => changed('hang', () => void hanging.set(environment, entry)),
    keepAnswers: (name, answers) => changed('keepAnswers', () => void services.set(name, answers)),
    answered: (environment) => changed('answered', () => void hanging.delete(environment)),
  };
};

/** Circuits that are always closed. */
export const closedCircuits: Circuits = {
  admit: async () => undefined,
  succeeded: async () => undefined,
  failed: async (_where, error) => error,
  stateOf: async () => null,
  tidy: async () => undefined,
  flush: async () => undefined,
};
