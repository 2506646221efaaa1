/**
 * Sequences of events in which a transfer meets another feature: a run that is stopped, an archived version, changed
 * tags, a configuration that was edited, or a queue that nobody reads.
 */
import { describe, expect, test } from 'vitest';
import { REPAIR } from '../../src/lib/hint/hint.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { Crash } from '../model/memory-receipts.ts';
import { openGate } from '../model/memory-source.ts';
import { s3Event, testDestination } from '../model/settings.ts';
import { GIB, type Setting, type TransferWorld } from '../model/transfer-world.ts';
import {
  expectReplicated,
  failing,
  hintOfRun,
  HOUR_MS,
  LARGE,
  put,
  sizeOf,
  sweepFor,
  uniform,
  worldWith,
} from './one-object.ts';

/** Moves all parts, so that only the hint to complete the upload is left. */
const moveAll = async (world: TransferWorld): Promise<void> => {
  await world.replicate();
  while (await world.work());
};

describe.each(['all', 'latest'] as const)('transfers in mode %s', (versions) => {
  test.each(['hint', REPAIR])(
    'a transfer that a run began is completed although the run is cancelled meanwhile (%s)',
    async (kind) => {
      const world = await worldWith({ rule: { versions } });
      const [event] = world.live.visible.splice(0);
      world.deliver(hintOfRun('run-1', kind), 'backfill');
      await world.replicate();
      world.deliver(event!.body);
      await world.replicate();
      world.runs.stopped.add('run-1');
      await sweepFor(world, 1);
      expectReplicated(world);
    },
  );

  test('tags that change while a transfer runs arrive although the function crashes after the upload was completed', async () => {
    const world = await worldWith({ rule: { versions } });
    world.source.setTags('k', 0, { colour: 'red' });
    await moveAll(world);
    world.source.setTags('k', 0, { colour: 'blue' });
    let crashes = 1;
    world.gate = async (point, call) => {
      if (point === 'after' && call === 'destination.completeUpload' && crashes-- > 0) throw new Crash();
    };
    await world.drain();
    expectReplicated(world);
    expect(world.replica.current('k')?.tags).toEqual({ colour: 'blue' });
  });

  test('a rule and a destination that are renamed while a transfer runs do not stop it', async () => {
    const setting: Setting = { rule: { versions } };
    const world = await worldWith(setting);
    await moveAll(world);
    setting.rule = { versions, id: 'renamed', destinations: [testDestination({ id: 'renamed too' })] };
    await world.drain();
    expectReplicated(world);
  });

  test('a rule that is renamed while the transfer of a verify that repairs runs does not stop it', async () => {
    const setting: Setting = { rule: { versions } };
    const world = await worldWith(setting);
    world.live.visible = [];
    world.deliver(hintOfRun('run', REPAIR), 'backfill');
    await moveAll(world);
    setting.rule = { versions, id: 'renamed' };
    await world.drain();
    expectReplicated(world);
  });

  test('the dead letter of a transfer can be redriven after its rule was renamed', async () => {
    const setting: Setting = { rule: { versions }, gate: failing('destination.uploadPart', 'access-denied') };
    const world = await worldWith(setting);
    await world.drain();
    setting.rule = { versions, id: 'renamed' };
    await world.drain();
    world.gate = openGate;
    world.deliver(world.dead.pop()!.body);
    await world.drain();
    expectReplicated(world);
  });
});

test('a transfer that cannot be completed makes one dead letter, and is given up after six days', async () => {
  const world = await worldWith({ gate: failing('destination.completeUpload', 'access-denied') });
  await world.drain();
  await sweepFor(world, 24);
  expect(world.dead).toMatchObject([{ reason: 'access-denied' }]);
  expect(world.replica.uploads.size).toBe(1);
  await sweepFor(world, 24 * 6);
  expect([world.dead.length, world.replica.uploads.size, world.transfers.records.size]).toEqual([1, 0, 0]);
});

test('a transfer that could not be completed is completed when its dead letter is redriven, and fails again with another one', async () => {
  const world = await worldWith({ gate: failing('destination.completeUpload', 'access-denied') });
  await world.drain();
  world.deliver(world.dead.pop()!.body);
  await world.drain();
  expect(world.dead).toMatchObject([{ reason: 'access-denied' }]);
  world.gate = openGate;
  world.moved.bytes = 0;
  world.deliver(world.dead.pop()!.body);
  await world.drain();
  expectReplicated(world);
  expect(world.moved.bytes).toBe(0);
});

test('a large archived version is passed over when newer versions can be read', async () => {
  const world = await worldWith({ rule: { versions: 'all' } });
  world.source.seal('k', 0, 'archived');
  put(world, uniform(3, 1), 1);
  await world.drain();
  expect(world.dead).toMatchObject([{ reason: 'archived' }]);
  expect(world.replica.current('k')?.bytes.equals(world.source.current('k')!.bytes)).toBe(true);
  expect(world.replica.uploads.size).toBe(0);
});

test('a rule with `restore` asks for the restore of a large archived version before it begins a transfer', async () => {
  const world = await worldWith({ rule: { versions: 'latest', restore: { tier: 'Bulk', days: 1 } } });
  world.source.seal('k', 0, 'archived');
  await world.drain();
  expect(world.records.at(-1)).toMatchObject({ ending: 'done', outcome: 'restore-requested' });
  expect([world.dead.length, world.replica.uploads.size]).toEqual([0, 0]);
});

test('a transfer continues when its queue is read again after three days', async () => {
  const world = await worldWith();
  await world.replicate();
  for (let quarter = 0; quarter < 3 * 24 * 4; quarter++) {
    world.clock.nowMs += HOUR_MS / 4;
    await world.sweep();
    await world.replicate();
  }
  expect(world.dead).toEqual([]);
  // Each message costs the worker a read, so the sweep must send few messages while nobody receives them.
  expect(world.ranges.visible.length).toBeLessThan(100);
  await world.drain();
  expectReplicated(world);
  expect(world.moved.bytes).toBe(sizeOf(world));
});

test.each([true, false])(
  'an object whose last part is empty is transferred once, with copy inside S3 %s',
  async (readable) => {
    const world = await worldWith({ rule: { copy: 'auto' }, readable }, [...LARGE, 0]);
    await world.drain();
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world));
  },
);

test('a failed transfer is kept for six days after it failed, however long it had run before', async () => {
  const world = await worldWith();
  await world.replicate();
  await world.work();
  world.clock.nowMs += 10 * 24 * HOUR_MS;
  world.gate = failing('destination.uploadPart', 'access-denied');
  await world.drain();
  await sweepFor(world, 24);
  expect(world.replica.uploads.size).toBe(1);
});

test('a part that is missing at the end of a transfer is moved again, and the others are kept', async () => {
  const world = await worldWith();
  await moveAll(world);
  const before = world.moved.bytes;
  let isFirst = true;
  world.gate = async (point, call) => {
    if (point !== 'before' || call !== 'destination.completeUpload' || !isFirst) return;
    isFirst = false;
    const [upload] = world.replica.uploads.values();
    upload!.parts.delete(7);
    throw new ReplicationError('invalid-request', 'InvalidPart');
  };
  await world.drain();
  await sweepFor(world, 2);
  expectReplicated(world);
  expect(world.moved.bytes).toBe(before + GIB);
});

test('a worker of an earlier attempt cannot fail the attempt after it', async () => {
  const world = await worldWith();
  await world.replicate();
  let [record] = world.transfers.records.values();
  const { attempt } = record!;
  world.gate = async (point, call) => {
    if (point !== 'before' || call !== 'destination.uploadPart') return;
    world.gate = openGate;
    for (const each of world.transfers.records.values()) each.attempt = attempt + 1;
    // The reason is not a denied permission, because a transfer does not fail at once for that: it might just have been granted.
    throw new ReplicationError('archived', 'as told');
  };
  await world.work();
  [record] = world.transfers.records.values();
  expect([record!.failure, world.dead]).toEqual([null, []]);
});

test('a key whose transfer an event began is counted for the run that asks for it too', async () => {
  const world = await worldWith();
  await world.replicate();
  world.deliver(hintOfRun('run-1'));
  await world.drain();
  expect(world.runs.counted).toMatchObject([
    { run: 'run-1', piece: { kind: 'done', receipt: { outcome: 'transferring' } } },
  ]);
});

test('an upload of a deployment in another region is not aborted', async () => {
  const { sessionName } = await import('../../src/lib/hint/session-name.ts');
  const of = (region: string): string => sessionName('replication-with-a-long-name-'.repeat(3), region);
  expect(of('eu-west-1')).not.toBe(of('us-east-1'));
  expect(of('eu-west-1').length).toBeLessThanOrEqual(64);
});

test('the sweep tends several transfers at once, and stops before its invocation ends', async () => {
  const world = await worldWith();
  for (let key = 0; key < 40; key++) {
    const { versionId } = world.source.put(
      `${key}`,
      LARGE.map((size, part) => Buffer.alloc(size, part)),
    );
    world.deliver(s3Event({ key: `${key}`, versionId, sequencer: '1', sizeBytes: 6 * GIB }));
  }
  while (await world.replicate());
  let atOnce = 0;
  let most = 0;
  world.gate = async (point, call) => {
    if (call !== 'destination.parts') return;
    atOnce += point === 'before' ? 1 : -1;
    most = Math.max(most, atOnce);
    await new Promise(setImmediate);
    // Each look at a transfer takes an hour, so the sweep only has time for the first transfers.
    if (point === 'after') world.clock.nowMs += HOUR_MS;
  };
  const report = await world.sweep();
  expect(most).toBeGreaterThan(4);
  expect(report).toMatchObject({ transfers: 41 });
});
