/**
 * Two deployments that face each other, and a run on one side while a user writes on the other. The tests repeat a failure: the user
 * deleted a replica and wrote an object with the same bytes. The run did not know the new object yet, and wrote the deleted state over it.
 * A delete of that state then hid the object of the user on both sides.
 */
import { describe, expect, test } from 'vitest';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import { stampedMetadata } from '../../src/lib/replica/stamp.ts';
import type { ObjectState } from '../../src/lib/model/ports.ts';
import { type MemoryBucket, NO_ATTRIBUTES } from '../model/memory-buckets.ts';
import { oneKey } from '../model/one-key.ts';

type World = ReturnType<typeof oneKey>;

const PAIR: Partial<ReplicationRule> = { versions: 'all', deletes: 'replicate' };

const pair = (): World => oneKey({ rule: PAIR, encryptions: ['aws:kms', 'AES256'], checksums: [true, true] });

const write = (bucket: MemoryBucket, mark: string): ObjectState =>
  bucket.put('k', Buffer.from('xx'), { attributes: { ...NO_ATTRIBUTES, metadata: { mark } } });

/** Writes what the other deployment writes to the source: a replica of an object at the destination. */
const arrive = ({ source }: World, original: ObjectState): void => {
  const metadata = stampedMetadata(original, {
    at: { bucket: 'source', key: 'k' },
    from: { bucket: 'replica', key: 'k' },
  });
  source.put('k', Buffer.from('xx'), { attributes: { ...NO_ATTRIBUTES, metadata } });
};

const mark = (bucket: MemoryBucket): string | undefined =>
  bucket.current('k')?.state.attributes.metadata['mark'];

/**
 * Replicates `old`. Then a user deletes the replica and writes the objects `marks` at the destination, and a run writes `old` over them.
 */
const covered = async (
  passMs: number,
  marks = ['new'],
): Promise<World & { written: ObjectState; all: ObjectState[] }> => {
  const world = pair();
  const { source, replica, clock, look } = world;
  write(source, 'old');
  await look();
  replica.remove('k');
  clock.nowMs += passMs;
  const all = marks.map((each) => write(replica, each));
  await look();
  expect(mark(replica)).toBe('old');
  return { ...world, written: all[0]!, all };
};

describe('an object of the other side that a run covered by an older state of this side', () => {
  test('goes back as soon as the other side has brought it here', async () => {
    const world = await covered(2_000);
    world.source.remove('k');
    arrive(world, world.written);
    await world.look();
    expect(mark(world.replica)).toBe('new');
    expect((await world.look()).outcome).toBe('unchanged');
  });

  test.each([2_000, 0])(
    'goes back although the older state was deleted in between (%i ms later)',
    async (passMs) => {
      const world = await covered(passMs);
      world.source.remove('k');
      await world.look();
      expect(mark(world.replica)).toBeUndefined();
      arrive(world, world.written);
      await world.look();
      expect(mark(world.replica)).toBe('new');
    },
  );

  test('goes back after the one before it, though both were written in the same second', async () => {
    const world = await covered(2_000, ['new', 'newest']);
    for (const each of world.all) {
      arrive(world, each);
      await world.look();
      expect(mark(world.replica)).toBe(each.attributes.metadata['mark']);
      world.clock.nowMs += 2_000;
    }
  });

  test('does not go back if it is itself a replica of this side, which shows a newer state', async () => {
    const { source, replica, clock, look } = pair();
    for (const each of ['old', 'new']) write(source, each);
    clock.nowMs += 2_000;
    await look();
    arrive({ source } as World, replica.versions('k')[0]!.state);
    expect((await look()).outcome).toBe('replica');
    expect(mark(replica)).toBe('new');
  });

  test('goes back together with the one that was written over it in the same second', async () => {
    const world = await covered(2_000, ['new', 'newest']);
    for (const each of world.all) arrive(world, each);
    await world.look();
    expect(mark(world.replica)).toBe('newest');
  });

  test('stays covered if neither state is surely the older one, and goes round no further', async () => {
    const world = await covered(0);
    arrive(world, world.written);
    expect((await world.look()).outcome).toBe('replica');
    expect(mark(world.replica)).toBe('old');
  });
});

test('a delete of an older state that covered an object does not hide the replica of that object', async () => {
  const world = pair();
  const { source, replica, clock, look } = world;
  const old = write(replica, 'old');
  replica.remove('k');
  clock.nowMs += 2_000;
  write(source, 'new');
  arrive(world, old);
  source.remove('k');
  expect((await look()).outcome).toBe('replicated');
  expect(mark(replica)).toBe('new');
  expect(await look()).toEqual({ outcome: 'not-ours' });
  expect(mark(replica)).toBe('new');
});
