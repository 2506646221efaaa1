/**
 * Simulates invocations that share nothing but the ledger. Each of them may crash at any call, and messages
 * may be delivered twice.
 */
import type { createSimulatedClock } from '../../bench/listing-clock.ts';
import type { MemoryLedger } from '../../src/lib/listing/ledger.ts';

export class Crash extends Error {}

export interface Simulation {
  clock: ReturnType<typeof createSimulatedClock>;
  /** Returns a number in [0, 1). */
  random(): number;
  /**
   * How many of a hundred calls crash their invocation. Half of them crash before the call takes effect, the
   * others after it.
   */
  crashes: number;
  ledger: MemoryLedger;
  /** How many invocations run at the same time. */
  workers: number;
}

export interface InvocationCounts {
  invocations: number;
  crashes: number;
  /** How many workers have no range to work on at present. */
  idle: number;
}

/** Makes a call. The call takes some time, and the invocation may crash before or after it. */
export type RiskyCall = <T>(call: () => Promise<T>) => Promise<T>;

export const riskyCalls =
  ({ clock, random, crashes }: Simulation): RiskyCall =>
  async (call) => {
    const draw = random() * 100;
    await clock.sleep(20 + random() * 60);
    if (draw < crashes / 2) throw new Crash();
    const answer = await call();
    if (draw < crashes) throw new Crash();
    return answer;
  };

/**
 * Starts an invocation for each message of an open range until no range is open. Sometimes a message is
 * delivered while another invocation works on the same range.
 */
export const invokeUntilDone = async (
  simulation: Simulation,
  counts: InvocationCounts,
  invoke: (message: string) => Promise<void>,
): Promise<void> => {
  const { clock, random, ledger, workers } = simulation;
  const underWay = new Set<string>();
  const worker = async (): Promise<void> => {
    while (ledger.open().length > 0) {
      const open = ledger.open().filter(({ from }) => !underWay.has(from) || random() < 0.05);
      const range = open[Math.floor(random() * open.length)];
      if (range === undefined) {
        counts.idle += 1;
        await clock.sleep(50);
        counts.idle -= 1;
        continue;
      }
      underWay.add(range.from);
      counts.invocations += 1;
      try {
        await invoke(JSON.stringify(range));
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        counts.crashes += 1;
      }
      underWay.delete(range.from);
    }
  };
  await clock.runUntil(Promise.all(Array.from({ length: workers }, worker)));
};
