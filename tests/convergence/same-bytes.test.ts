/**
 * The same bytes written more than once, where no stamp tells the replicas apart. Their times and their order tell them apart. Before
 * converge compared these, each test failed.
 */
import { expect, test } from 'vitest';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Acl } from '../../src/lib/model/ports.ts';
import { NO_ATTRIBUTES } from '../model/memory-buckets.ts';
import { openGate } from '../model/memory-source.ts';
import { once, oneKey } from '../model/one-key.ts';

const UNSTAMPED = { versions: 'all', stamp: false } as const;
const ALICE: Acl = [{ grantee: { kind: 'user', id: 'alice' }, permission: 'READ' }];
const RETENTION = { mode: 'COMPLIANCE', untilMs: 1_800_000_000_000 } as const;

test('tags and grants of an older version do not go to the replica of a newer one with the same bytes', async () => {
  const { source, replica, look } = oneKey({ rule: { ...UNSTAMPED, acl: 'replicate' } });
  const { versionId } = source.put('k', Buffer.from('x'));
  await look();
  source.put('k', Buffer.from('y'));
  source.put('k', Buffer.from('x'));
  await look();
  source.setTags('k', 2, { colour: 'red' });
  source.setAcl('k', 2, ALICE);
  await look(openGate, { concern: 'tags', versionId });
  await look(openGate, { concern: 'acl', versionId });
  const [first, , last] = replica.versions('k');
  expect([first?.tags, last?.tags]).toEqual([{ colour: 'red' }, {}]);
  expect([first?.acl, last?.acl]).toEqual([ALICE, []]);
});

test.each([0, 2_000])(
  'a lock arrives when the same bytes are written again, %i ms after the replica was written',
  async (passMs) => {
    const { source, replica, clock, look } = oneKey({ rule: { versions: 'latest', stamp: false } });
    source.put('k', Buffer.from('x'));
    await look();
    clock.nowMs += passMs;
    source.put('k', Buffer.from('x'));
    source.setLock('k', 0, { retention: RETENTION, legalHold: true });
    await look();
    expect(replica.current('k')?.state.lock).toEqual({ retention: RETENTION, legalHold: true });
  },
);

const CLASSES = [
  [null, 'STANDARD_IA'],
  ['GLACIER_IR', null],
] as const;
const CASES = (['latest', 'all'] as const).flatMap((versions) =>
  ([true, false] as const).flatMap((stamp) =>
    CLASSES.flatMap(([before, after]) =>
      [0, 2_000].map((passMs) => ({ versions, stamp, before, after, passMs })),
    ),
  ),
);

test.each(CASES)(
  'a storage class arrives when the same bytes are written again without a version id ($versions, stamp $stamp, $before to $after after $passMs ms)',
  async ({ versions, stamp, before, after, passMs }) => {
    const { source, replica, clock, look } = oneKey({
      rule: { versions, stamp },
      versionings: ['suspended', 'enabled'],
    });
    const classOf = (storageClass: string | null) => ({ attributes: { ...NO_ATTRIBUTES, storageClass } });
    source.put('k', Buffer.from('x'), classOf(before));
    await look();
    clock.nowMs += passMs;
    source.put('k', Buffer.from('x'), classOf(after));
    expect((await look()).outcome).toBe('replicated');
    expect(replica.current('k')?.state.attributes.storageClass).toBe(after);
    expect((await look()).outcome).toBe('unchanged');
  },
);

test('a storage class that is written again while the replica is written is seen by the fresh look', async () => {
  const { source, replica, look } = oneKey({ versionings: ['unversioned', 'unversioned'] });
  source.put('k', Buffer.from('x'));
  const attributes = { ...NO_ATTRIBUTES, storageClass: 'STANDARD_IA' };
  await look(once('destination.put', 'after', async () => source.put('k', Buffer.from('x'), { attributes })));
  expect(replica.current('k')?.state.attributes.storageClass).toBe('STANDARD_IA');
});

test.each(['source', 'replica'] as const)(
  'a lifecycle rule that changes the class of the %s on a later day makes nothing be written again',
  async (side) => {
    const world = oneKey({ versionings: ['unversioned', 'enabled'] });
    world.source.put('k', Buffer.from('x'));
    await world.look();
    world.clock.nowMs += 86_400_000;
    const version = world[side].current('k');
    if (version !== null)
      version.state = {
        ...version.state,
        attributes: { ...version.state.attributes, storageClass: 'STANDARD_IA' },
      };
    expect((await world.look()).outcome).toBe('unchanged');
  },
);

test('a version between two versions with the same bytes is not missed where ETags cannot be compared', async () => {
  const { source, clock, look, told } = oneKey({
    rule: UNSTAMPED,
    encryptions: ['aws:kms', 'aws:kms'],
    checksums: [true, true],
  });
  source.put('k', Buffer.from('x'));
  await look();
  clock.nowMs += 2_000;
  source.put('k', Buffer.from('y'));
  source.put('k', Buffer.from('x'));
  await look();
  expect(told()).toEqual(['x', 'y', 'x']);
});

test('a retention that ends while the version is read is left out, and the version is replicated', async () => {
  const { source, clock, look, content } = oneKey();
  source.put('k', Buffer.from('x'));
  source.setLock('k', 0, { retention: { mode: 'COMPLIANCE', untilMs: clock.nowMs + 1_000 } });
  let puts = 0;
  await look(async (point, call) => {
    if (point !== 'before' || call !== 'destination.put' || ++puts > 1) return;
    clock.nowMs += 2_000;
    throw new ReplicationError('invalid-request', 'The retain until date must be in the future');
  });
  expect(content()).toBe('x');
});
