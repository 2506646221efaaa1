/**
 * A model of the table of transfers and of the queue of part ranges. In a deployment they are in DynamoDB and
 * SQS.
 */
import type { GetSigner } from '../../src/lib/replica/stamp-signature.ts';
import { createServerSide, type ServerSide } from '../../src/lib/copy/way.ts';
import type {
  PartRangeMessage,
  Transfer,
  Transfers,
  TransferStore,
} from '../../src/lib/copy/transfer/transfer.ts';
import { type Gate, openGate } from './memory-source.ts';

export interface MemoryTransfers {
  /** Returns the ports of one invocation. Each call passes the gate before its effect and after it. */
  ports(gate?: Gate): Transfers;
  records: Map<string, Transfer>;
  rates: Map<string, number>;
  /** The messages that were sent and that no test has taken out, in the order in which they were sent. */
  sent: PartRangeMessage[];
  /** Returns the number of waiting messages that SQS would report. */
  waiting: () => number;
}

export const createMemoryTransfers = (concurrency = 4): MemoryTransfers => {
  const records: MemoryTransfers['records'] = new Map();
  const rates: MemoryTransfers['rates'] = new Map();
  const sent: PartRangeMessage[] = [];
  const transfers: MemoryTransfers = {
    ports: (gate = openGate) => ({
      store: memoryStore(records, rates, gate),
      queue: {
        async send(messages) {
          await gate('before', 'transfers.send');
          // SQS keeps these messages even if the function crashes before it receives the response.
          for (const message of messages) sent.push(structuredClone(message));
          await gate('after', 'transfers.send');
        },
        async waiting() {
          await gate('before', 'transfers.waiting');
          return transfers.waiting();
        },
      },
      concurrency,
    }),
    records,
    rates,
    sent,
    waiting: () => sent.length,
  };
  return transfers;
};

/** Returns transfers with the same records. Messages that are on their way are left out. */
export const copyOfTransfers = ({ records, rates }: MemoryTransfers): MemoryTransfers => {
  const copy = createMemoryTransfers();
  for (const [id, record] of records) copy.records.set(id, structuredClone(record));
  for (const [name, rate] of rates) copy.rates.set(name, rate);
  return copy;
};

const memoryStore = (
  records: Map<string, Transfer>,
  rates: Map<string, number>,
  gate: Gate,
): TransferStore => {
  const answered = async <T>(call: string, effect: () => T): Promise<T> => {
    await gate('before', `transfers.${call}`);
    const answer = effect();
    await gate('after', `transfers.${call}`);
    return answer;
  };
  const copyOf = (id: string): Transfer | null => structuredClone(records.get(id) ?? null);
  return {
    load: (id) => answered('load', () => copyOf(id)),
    begin: (transfer, replaces) =>
      answered('begin', () => {
        const there = records.get(transfer.id);
        if (there !== undefined && there.uploadId !== replaces) return there.uploadId === transfer.uploadId;
        records.set(transfer.id, structuredClone(transfer));
        return true;
      }),
    change: ({ id, uploadId }, fields, expecting) =>
      answered('change', () => {
        const there = records.get(id);
        if (there?.uploadId !== uploadId) return false;
        const { attempt, failed } = expecting ?? { attempt: there.attempt, failed: there.failure !== null };
        if (there.attempt !== attempt || (there.failure !== null) !== failed) return false;
        records.set(id, structuredClone({ ...there, ...fields }));
        return true;
      }),
    end: ({ id, uploadId }) =>
      answered('end', () => {
        if (records.get(id)?.uploadId === uploadId) records.delete(id);
      }),
    async *all() {
      yield* await answered('all', () => [...records.keys()].flatMap((id) => copyOf(id) ?? []));
    },
    rate: (bucket, way) => answered('rate', () => rates.get(`${bucket} ${way}`) ?? null),
    measured: (bucket, way, bytesPerSecond) =>
      answered('measured', () => void rates.set(`${bucket} ${way}`, bytesPerSecond)),
  };
};

/**
 * Returns the transfer ports for tests in which one invocation has enough time to copy any object. Stamps are not signed.
 */
export const noTransfers = (): { transfers: Transfers; serverSide: ServerSide; signer: GetSigner } => ({
  transfers: createMemoryTransfers().ports(),
  signer: async () => null,
  serverSide: createServerSide({ now: () => 0, sleep: () => Promise.resolve() }),
});
