/** A world with a transfer of one large object, and the faults that a test may add. */
import { expect } from 'vitest';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { formatHint } from '../../src/lib/hint/hint.ts';
import type { Reason } from '../../src/lib/model/reasons.ts';
import { Crash } from '../model/memory-receipts.ts';
import type { Gate } from '../model/memory-source.ts';
import { once } from '../model/one-key.ts';
import { s3Event } from '../model/settings.ts';
import { createTransferWorld, GIB, type Setting, type TransferWorld } from '../model/transfer-world.ts';

/** Returns parts of these sizes. Sizes are in the model's units (`unitBytes`). */
const parts = (sizes: number[], salt = 0): Buffer[] =>
  sizes.map((size, part) =>
    Buffer.from(Array.from({ length: size }, (_, at) => (salt * 7 + part * 31 + at) % 251)),
  );

export const uniform = (count: number, size: number): number[] => Array.from({ length: count }, () => size);

/** Twenty parts of one gibibyte each. */
export const LARGE = uniform(20, 2);

export const put = (world: TransferWorld, sizes: number[], salt = 0): void => {
  const { versionId } = world.source.put('k', parts(sizes, salt));
  world.deliver(s3Event({ key: 'k', versionId, sequencer: `${salt}`, sizeBytes: 6 * GIB }));
};

export const expectReplicated = ({ source, replica, transfers, dead }: TransferWorld, versions = 1): void => {
  expect(replica.current('k')?.bytes.equals(source.current('k')!.bytes)).toBe(true);
  expect(replica.versions('k')).toHaveLength(versions);
  expect(replica.current('k')?.state.etag).toBe(source.current('k')?.state.etag);
  expect({ uploads: replica.uploads.size, records: transfers.records.size, dead }).toEqual({
    uploads: 0,
    records: 0,
    dead: [],
  });
};

export const sizeOf = ({ source }: TransferWorld): number => source.current('k')!.state.sizeBytes;

export const worldWith = async (setting: Setting = {}, sizes = LARGE): Promise<TransferWorld> => {
  const world = createTransferWorld(setting);
  put(world, sizes);
  return world;
};

export const HOUR_MS = 3_600_000;

/** Advances the clock by this many hours, and runs the sweep every quarter of an hour. */
export const sweepFor = async (world: TransferWorld, hours: number): Promise<void> => {
  for (let quarter = 0; quarter < hours * 4; quarter++) {
    world.clock.nowMs += HOUR_MS / 4;
    await world.sweep();
    await world.drain();
  }
};

/** Makes the function crash once, before or after the named call. */
export const dying = (call: string, point: 'before' | 'after'): Gate =>
  once(call, point, async () => {
    throw new Crash();
  });

export const failing = (
  call: string,
  reason: Reason,
  times = Infinity,
  point: 'before' | 'after' = 'before',
): Gate => {
  let done = 0;
  return async (at, name) => {
    if (at === point && name === call && ++done <= times) throw new ReplicationError(reason, 'as told');
  };
};

/** Returns the message in which a run names the key. */
export const hintOfRun = (run: string, kind = 'hint'): string =>
  formatHint({
    bucket: 'source',
    key: 'k',
    versionId: null,
    sizeBytes: null,
    kind,
    identity: run,
    principalId: null,
    rule: null,
    destination: null,
    run,
  });
