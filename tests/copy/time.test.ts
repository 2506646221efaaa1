/** How many bytes an invocation accepts, and how a copy that would take too long is refused. */
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { copyVersion } from '../../src/lib/copy/copy.ts';
import type { Invocation, ObjectState } from '../../src/lib/model/ports.ts';
import { createMemoryBucket, REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { memoryDestination } from '../model/memory-destination.ts';
import { memorySource } from '../model/memory-source.ts';
import { noTransfers } from '../model/memory-transfers.ts';
import { testTask } from '../model/settings.ts';

const GIB = 1024 ** 3;
const clock = { now: () => 0, sleep: async () => undefined };

const copyOf = (sizeBytes: number, invocation: Invocation) => {
  const bucket = createMemoryBucket('enabled', clock.now, { unitBytes: sizeBytes });
  const version: ObjectState = bucket.put('k', Buffer.from('a'));
  return copyVersion({
    task: testTask(),
    ...noTransfers(),
    source: memorySource(bucket, async () => undefined),
    destination: memoryDestination(
      createMemoryBucket('enabled', clock.now, { unitBytes: sizeBytes }),
      async () => undefined,
    ),
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
  heldBytes: 0,
  ...fields,
});

test('an object needs a person if no invocation can copy even one of its parts', async () => {
  const brief = invocation({ deadlineMs: 1_000, fullTimeMs: 1_000 });
  await expect(copyOf(GIB, brief)).rejects.toMatchObject({ reason: 'too-large' });
});

test('an object that fits only into a fresh invocation is given back to the queue', async () => {
  await expect(copyOf(4 * GIB, invocation({ deadlineMs: 60_000 }))).rejects.toMatchObject({
    reason: 'out-of-time',
  });
});

test('an object that does not fit beside the other large objects of its batch is given back to the queue', async () => {
  await expect(copyOf(4 * GIB, invocation({ bytesUnderWay: 32 * GIB }))).rejects.toMatchObject({
    reason: 'out-of-time',
  });
});

test('a copy releases its share of the network when it ends', async () => {
  const shared = invocation();
  await copyOf(1, shared);
  expect(shared.bytesUnderWay).toBe(0);
});
