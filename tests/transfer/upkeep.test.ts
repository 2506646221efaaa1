/** What is around the moving of a large object: ranges, failures that need a person, the sweep, copies by S3 itself, runs. */
import { describe, expect, test } from 'vitest';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { formatHint } from '../../src/lib/hint/hint.ts';
import { Crash } from '../model/memory-receipts.ts';
import { openGate } from '../model/memory-source.ts';
import { s3Event } from '../model/settings.ts';
import { createTransferWorld, MIB, type TransferWorld } from '../model/transfer-world.ts';
import {
  HOUR_MS,
  LARGE,
  expectReplicated,
  failing,
  put,
  sizeOf,
  sweepFor,
  uniform,
  worldWith,
} from './one-object.ts';

describe('ranges', () => {
  test('are cut by the rate that was measured, and no fewer than functions', async () => {
    const world = await worldWith({ concurrency: 4 }, uniform(400, 1));
    world.transfers.rates.set('replica stream', 10 * MIB);
    await world.replicate();
    const { sent } = world.transfers;
    // Five minutes at 10 MiB/s are not quite 3 GiB: five parts of half a gibibyte.
    expect(sent[0]).toMatchObject({ firstPart: 1, lastPart: 5 });
    expect(sent).toHaveLength(80);
    const few = await worldWith({ concurrency: 20 });
    await few.replicate();
    expect(few.transfers.sent).toHaveLength(20);
  });

  test('that do not end in time are given back as the same message, with what they have', async () => {
    const world = await worldWith({ bytesPerSecond: 5 * MIB, concurrency: 1 });
    await world.replicate();
    const sent = world.transfers.sent.length;
    await world.drain();
    expectReplicated(world);
    expect(world.transfers.sent).toEqual([]);
    const done = world.records.filter((each) => each.ending === 'range');
    expect(done.length).toBeGreaterThan(sent);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });
});

describe('what needs a person', () => {
  const denied = async (): Promise<TransferWorld> => {
    const world = await worldWith({ gate: failing('destination.uploadPart', 'access-denied') });
    await world.drain();
    return world;
  };

  test('is told once, however many ranges fail, and what is there is kept', async () => {
    const world = await denied();
    expect(world.dead).toMatchObject([{ reason: 'access-denied' }]);
    expect([world.replica.uploads.size, world.transfers.records.size]).toEqual([1, 1]);
  });

  test('goes on where it was when its hint is sent again', async () => {
    const world = await worldWith();
    await world.replicate();
    await world.work();
    const before = world.moved.bytes;
    world.gate = failing('destination.uploadPart', 'access-denied');
    await world.drain();
    world.gate = openGate;
    world.moved.bytes = 0;
    world.deliver(world.dead.pop()!.body);
    await world.drain();
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world) - before);
  });

  test('is told though the function died between the record and the dead-letter queue', async () => {
    const world = await worldWith();
    await world.replicate();
    let dies = true;
    world.gate = async (point, call) => {
      if (call === 'destination.uploadPart') throw new ReplicationError('access-denied', 'as told');
      if (call !== 'deadLetterQueue.send' || point !== 'before' || !dies) return;
      dies = false;
      throw new Crash();
    };
    await world.drain();
    expect(world.dead).toMatchObject([{ reason: 'access-denied' }]);
  });

  test('is aborted after six days, and its hint begins anew', async () => {
    const world = await denied();
    await sweepFor(world, 24 * 6 + 1);
    expect([world.replica.uploads.size, world.transfers.records.size]).toEqual([0, 0]);
    expect(world.dead).toHaveLength(1);
    world.gate = openGate;
    world.deliver(world.dead.pop()!.body);
    await world.drain();
    expectReplicated(world);
  });

  test('is what never moves, after the sweep has sent it five times', async () => {
    const world = await worldWith();
    await world.replicate();
    for (let hour = 0; hour < 4; hour++) {
      world.transfers.sent.length = 0;
      world.clock.nowMs += HOUR_MS;
      await world.sweep();
    }
    expect(world.dead).toEqual([]);
    world.transfers.sent.length = 0;
    world.clock.nowMs += HOUR_MS;
    await world.sweep();
    expect(world.dead).toMatchObject([{ reason: 'retries-exhausted' }]);
  });
});

describe('the sweep', () => {
  test('sends again what was lost, and only that', async () => {
    const world = await worldWith();
    await world.replicate();
    await world.work();
    world.ranges.visible.length = 0;
    await sweepFor(world, 1);
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });

  test('calls another finisher, whose hint is no duplicate of the first', async () => {
    const world = await worldWith();
    await world.replicate();
    while (await world.work());
    const [first] = world.live.visible.splice(0);
    // Somebody else’s look has passed for this one: its record says that it is done.
    world.clock.nowMs += HOUR_MS;
    await world.sweep();
    const [second] = world.live.visible;
    const identities = [first, second].map(
      (each) => (JSON.parse(each!.body) as { identity: string }).identity,
    );
    expect(new Set(identities).size).toBe(2);
    await world.drain();
    expectReplicated(world);
  });

  test('leaves what moves alone', async () => {
    const world = await worldWith();
    await world.replicate();
    await world.work();
    world.clock.nowMs += HOUR_MS;
    expect(await world.sweep()).toMatchObject({ transfers: 1, resent: 0, hinted: 0, failed: 0, ended: 0 });
  });

  test('aborts none but our own uploads, and none that are young, known or at work', async () => {
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

  test('goes on with the others where one cannot be reached, and says so', async () => {
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
});

describe('server-side', () => {
  const rule = { copy: 'auto' } as const;

  test.each([
    ['etag', ['AES256', 'AES256'], false],
    ['checksum', ['aws:kms', 'AES256'], true],
    ['copied-by-s3', ['aws:kms', 'AES256'], false],
    ['copied-by-s3', ['AES256', 'aws:kms'], false],
  ] as const)('no byte passes through the function (proof: %s)', async (proof, encryptions, checksums) => {
    const sizes = [3, 10, 1, 7, 7, 7, 2, 9, 1];
    const world = await worldWith({ rule, readable: true, encryptions: [...encryptions], checksums }, sizes);
    await world.drain();
    expect(world.replica.current('k')?.parts.map(({ length }) => length)).toEqual(sizes);
    expect(world.calls).not.toContain('source.read');
    expect(world.calls).not.toContain('source.open');
    expect(world.moved.bytes).toBe(sizeOf(world));
    expect(world.records.at(-1)).toMatchObject({ outcome: 'replicated', proof });
  });

  test('where the role may not read the source the same parts are streamed, and it is asked seldom', async () => {
    const world = await worldWith({ rule, readable: false });
    await world.drain();
    expectReplicated(world);
    expect(world.calls.filter((call) => call === 'destination.copyPart').length).toBeLessThan(20);
  });

  test('a denial in the middle lets the rest be streamed into the same upload', async () => {
    const world = await worldWith({ rule, readable: true });
    await world.replicate();
    await world.work();
    world.gate = failing('destination.copyPart', 'access-denied');
    await world.drain();
    expectReplicated(world);
    expect(world.calls).toContain('source.read');
  });

  test('with copy: server-side a denial needs a person', async () => {
    const world = await worldWith({ rule: { copy: 'server-side' }, readable: false });
    await world.drain();
    expect(world.dead).toMatchObject([{ reason: 'access-denied' }]);
    expect(world.calls).not.toContain('source.read');
  });

  test('a version that is gone, which S3 calls denied, is no denial', async () => {
    const world = await worldWith({ rule: { ...rule, versions: 'all' }, readable: true });
    await world.replicate();
    world.source.forget('k', 0);
    await world.drain();
    expect(world.dead).toEqual([]);
    expect(world.replica.uploads.size).toBe(0);
    put(world, LARGE, 1);
    await world.drain();
    expectReplicated(world);
    expect(world.calls).not.toContain('source.read');
  });

  test('a small object is copied in one call', async () => {
    const world = createTransferWorld({ rule, readable: true, unitBytes: 1 });
    world.source.put('k', Buffer.from('one'));
    world.deliver(s3Event({ key: 'k', sequencer: '1' }));
    await world.drain();
    expectReplicated(world);
    expect(world.calls).toContain('destination.copyObject');
  });
});

test('a run counts an object that was transferred once, when it is there', async () => {
  const world = await worldWith();
  world.live.visible.length = 0;
  world.deliver(formatHint({ ...HINT, run: 'run-1' }));
  await world.replicate();
  expect(world.runs.counted).toEqual([]);
  while (await world.work());
  const [finishing] = world.live.visible;
  world.clock.nowMs += HOUR_MS;
  await world.sweep();
  world.deliver(finishing!.body);
  await world.drain();
  expectReplicated(world);
  expect(world.runs.counted).toMatchObject([
    { run: 'run-1', piece: { kind: 'done', receipt: { outcome: 'replicated', bytes: sizeOf(world) } } },
  ]);
});

test('headers that were changed under the stamp of a large object are written again by a transfer that knows what it is for', async () => {
  const world = await worldWith({ rule: { versions: 'latest' } });
  await world.drain();
  const attributes = () => world.replica.current('k')!.state.attributes;
  const contentType = attributes().contentType;
  world.replica.current('k')!.state.attributes = { ...attributes(), contentType: 'text/x-changed' };
  world.deliver(formatHint({ ...HINT, kind: 'repair', sizeBytes: sizeOf(world) }));
  await world.drain();
  expectReplicated(world, 2);
  expect(attributes().contentType).toBe(contentType);
});

const HINT = {
  bucket: 'source',
  key: 'k',
  versionId: null,
  sizeBytes: null,
  kind: 'hint',
  identity: '1',
  principalId: null,
  rule: null,
  destination: null,
  run: null,
};
