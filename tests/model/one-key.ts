/** One key of a source and a destination. The key is converged each time a test calls `look`. */
import type { Task } from '../../src/lib/model/task.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { converge } from '../../src/lib/converge/converge.ts';
import type { DestinationBucket, SourceBucket } from '../../src/lib/model/ports.ts';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import type { GetSigner } from '../../src/lib/replica/stamp-signature.ts';
import type { PassedOver } from '../../src/lib/converge/context.ts';
import type { Convergence } from '../../src/lib/converge/convergence.ts';
import { noBrakes } from './memory-brakes.ts';
import { createMemoryBucket, type MemoryBucket, type Versioning } from './memory-buckets.ts';
import { memoryDestination } from './memory-destination.ts';
import { type Gate, memorySource, openGate } from './memory-source.ts';
import { noTransfers } from './memory-transfers.ts';
import { memoryVersionReceipts } from './memory-version-receipts.ts';
import { testDestination, testInvocation, testRule, testTask } from './settings.ts';

interface Options {
  rule?: Partial<ReplicationRule>;
  /** The versioning of the source, then that of the destination. */
  versionings?: [Versioning, Versioning];
  encryptions?: ['AES256' | 'aws:kms', 'AES256' | 'aws:kms'];
  checksums?: [boolean, boolean];
  /** The signer of stamps. By default stamps are not signed. */
  signer?: GetSigner;
  /** The world of the deployment that replicates the same buckets in the other direction. */
  facing?: OneKey;
}

export interface OneKey {
  source: MemoryBucket;
  replica: MemoryBucket;
  clock: { nowMs: number };
  passedOver: PassedOver[];
  receipts: ReturnType<typeof memoryVersionReceipts>;
  /** Converges the key for a hint with the fields in `hint`. By default the hint names only the key. */
  look(gate?: Gate, hint?: Partial<Task>, other?: Other): Promise<Convergence>;
  /** The content of the replica's current version. */
  content(): string | undefined;
  /** Returns the whole history of the replica, oldest first. `†` represents a delete marker. */
  told(): string[];
}

/** Calls that replace the calls of the model. */
interface Other {
  source?: Partial<SourceBucket>;
  destination?: Partial<DestinationBucket>;
}

/** Creates a source and a destination. The key is `k`. */
export const oneKey = (options: Options = {}): OneKey => {
  const { rule, versionings, encryptions, checksums, signer, facing } = options;
  const clock = facing?.clock ?? { nowMs: 1_700_000_000_000 };
  const now = (): number => clock.nowMs;
  const bucket = (side: 0 | 1): MemoryBucket =>
    createMemoryBucket(versionings?.[side] ?? 'enabled', now, {
      encryption: encryptions?.[side] ?? 'AES256',
      checksums: checksums?.[side] ?? false,
    });
  const source = facing?.replica ?? bucket(0);
  const replica = facing?.source ?? bucket(1);
  const way = facing === undefined ? {} : BACK;
  const passedOver: PassedOver[] = [];
  const receipts = memoryVersionReceipts();
  return {
    source,
    replica,
    clock,
    passedOver,
    receipts,
    look: (gate = openGate, hint = {}, other = {}) =>
      converge(testTask({ ...way, rule: testRule({ ...way.rule, ...rule }), expectedBytes: 1, ...hint }), {
        source: { ...memorySource(source, gate), ...other.source },
        destination: {
          ...memoryDestination(replica, gate, undefined, { sources: { replica }, initiator: 'role' }),
          ...other.destination,
        },
        invocation: testInvocation({ deadlineMs: now() + 900_000 }),
        clock: { now, sleep: async () => undefined },
        passOver: async (version) => void passedOver.push(version),
        brake: noBrakes,
        ...noTransfers(),
        versionReceipts: receipts,
        ...(signer === undefined ? {} : { signer }),
      }),
    content: () => replica.current('k')?.bytes.toString(),
    told: () =>
      (replica.history.get('k') ?? []).map((entry) =>
        entry.kind === 'marker' ? '†' : entry.bytes.toString(),
      ),
  };
};

/** The fields in which a task from the replica to the source differs from other tasks. */
const BACK: Partial<Pick<Task, 'rule' | 'destination'>> = {
  rule: testRule({ source: { ...testRule().source, bucket: 'replica' } }),
  destination: testDestination({ bucket: 'source' }),
};

/** Runs `move` the first time that the named call passes this point. */
export const once = (call: string, point: 'before' | 'after', move: () => Promise<unknown>): Gate => {
  let done = false;
  return async (at, name) => {
    if (done || name !== call || at !== point) return;
    done = true;
    await move();
  };
};

/** Throttles the first call with this name, before its effect. */
export const failingOnce = (call: string): Gate =>
  once(call, 'before', async () => {
    throw new ReplicationError('throttled', 'SlowDown');
  });
