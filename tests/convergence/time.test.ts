/** What fits into an invocation, and what is done with the rest. */
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { copyVersion } from '../../src/lib/copy/copy.ts';
import type { Invocation, ObjectState } from '../../src/lib/model/ports.ts';
import { createMemoryBucket, REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { memoryDestination } from '../model/memory-destination.ts';
import { memorySource } from '../model/memory-source.ts';
import { noTransfers } from '../model/memory-transfers.ts';
import { testCopyWork } from '../model/settings.ts';

const GIB = 1024 ** 3;
const clock = { now: () => 0, sleep: async () => undefined };

const copyOf = (sizeBytes: number, invocation: Invocation) => {
  const bucket = createMemoryBucket('enabled', clock.now, { unitBytes: sizeBytes });
  const version: ObjectState = bucket.put('k', Buffer.from('a'));
  return copyVersion({
    work: testCopyWork(),
    ...noTransfers(),
    source: memorySource(bucket, async () => undefined),
    destination: memoryDestination(
      createMemoryBucket('enabled', clock.now, { unitBytes: sizeBytes }),
      async () => undefined,
    ),
    sourceKey: 'k',
    replicaKey: 'k',
    version,
    opened: Readable.from([Buffer.from('a')]),
    attributes: REPLICA_ATTRIBUTES,
    precondition: { kind: 'absent' },
    invocation,
    clock,
  });
};

const invocation = (fields: Partial<Invocation> = {}): Invocation => ({
  requestId: 'r',
  deadlineMs: 890_000,
  fullTimeMs: 890_000,
  bytesUnderWay: 0,
  ...fields,
});

test('an object of which no invocation can copy even one part needs a person', async () => {
  const brief = invocation({ deadlineMs: 1_000, fullTimeMs: 1_000 });
  await expect(copyOf(GIB, brief)).rejects.toMatchObject({ reason: 'too-large' });
});

test('an object that would fit into a fresh invocation is given back to get one', async () => {
  await expect(copyOf(4 * GIB, invocation({ deadlineMs: 60_000 }))).rejects.toMatchObject({
    reason: 'out-of-time',
  });
});

test('large objects of one batch share the network: those that do not fit beside the others are given back', async () => {
  await expect(copyOf(4 * GIB, invocation({ bytesUnderWay: 32 * GIB }))).rejects.toMatchObject({
    reason: 'out-of-time',
  });
});

test('what a copy takes of the network is free again after it', async () => {
  const shared = invocation();
  await copyOf(1, shared);
  expect(shared.bytesUnderWay).toBe(0);
});
