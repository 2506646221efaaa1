/** The periodic sweep: it restarts transfers that have stalled, and removes uploads that are no longer needed. */
import { expect, test } from 'vitest';
import { HOUR_MS, expectReplicated, failing, sizeOf, sweepFor, worldWith } from './one-object.ts';

test('the sweep sends lost range messages again, and only those', async () => {
  const world = await worldWith();
  await world.replicate();
  await world.work();
  world.ranges.visible.length = 0;
  await sweepFor(world, 1);
  expectReplicated(world);
  expect(world.moved.bytes).toBe(sizeOf(world));
});

test('the sweep sends another finishing hint, which is no duplicate of the first one', async () => {
  const world = await worldWith();
  await world.replicate();
  while (await world.work());
  const [first] = world.live.visible.splice(0);
  // The first hint is lost. Its idempotency record may say that it is done, so the sweep must send a hint
  // with another identity.
  world.clock.nowMs += HOUR_MS;
  await world.sweep();
  const [second] = world.live.visible;
  const identities = [first, second].map((each) => (JSON.parse(each!.body) as { identity: string }).identity);
  expect(new Set(identities).size).toBe(2);
  await world.drain();
  expectReplicated(world);
});

test('the sweep leaves a moving transfer alone', async () => {
  const world = await worldWith();
  await world.replicate();
  await world.work();
  world.clock.nowMs += HOUR_MS;
  expect(await world.sweep()).toMatchObject({ transfers: 1, resent: 0, hinted: 0, failed: 0, ended: 0 });
});

test('the sweep aborts only uploads of this deployment that are old, unknown and idle', async () => {
  const world = await worldWith();
  await world.replicate();
  const old = world.clock.nowMs - 25 * HOUR_MS;
  const upload = (initiator: string, initiatedMs: number, movedMs: number | null = null) => {
    const part = { bytes: Buffer.of(1), etag: '"e"', lastModifiedMs: movedMs ?? 0 };
    const [open] = world.replica.uploads.values();
    const uploadParts = new Map(movedMs === null ? [] : [[1, part] as const]);
    return { ...open!, initiator, initiatedMs, parts: uploadParts };
  };
  const role = 'arn:aws:sts::222222222222:assumed-role/replication';
  const { uploads } = world.replica;
  const [known] = uploads.keys();
  uploads.get(known!)!.initiatedMs = old;
  uploads.set('ours', upload(`${role}/s3r@test`, old));
  uploads.set('ours, young', upload(`${role}/s3r@test`, world.clock.nowMs));
  uploads.set('ours, at work', upload(`${role}/s3r@test`, old, world.clock.nowMs));
  uploads.set('of another session', upload(`${role}/s3r@test-2`, old));
  uploads.set('of another role', upload('arn:aws:sts::222222222222:assumed-role/other/s3r@test', old));
  uploads.set('of a user', upload('arn:aws:iam::222222222222:user/s3r@test', old));
  expect(await world.sweep()).toMatchObject({ aborted: 1 });
  expect([...uploads.keys()]).toEqual([
    known,
    'ours, young',
    'ours, at work',
    'of another session',
    'of another role',
    'of a user',
  ]);
});

test('the sweep continues with other destinations if one is unreachable, and reports that one', async () => {
  const world = await worldWith();
  await world.replicate();
  world.gate = failing('destination.parts', 'no-such-bucket');
  expect(await world.sweep()).toMatchObject({ transfers: 1, unreachable: ['replica: no-such-bucket'] });
  expect(world.records.at(-1)).toMatchObject({
    ending: 'retry',
    reason: 'no-such-bucket',
    destinationBucket: 'replica',
  });
});
