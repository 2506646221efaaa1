/** An object of any size, moved by many invocations: one example for each thing that may not go wrong. */
import { describe, expect, test } from 'vitest';
import { type Reason, ReplicationError } from '../../src/lib/errors.ts';
import { formatHint } from '../../src/lib/hint.ts';
import { Crash } from '../model/memory-receipts.ts';
import { type Gate, openGate } from '../model/memory-source.ts';
import { once } from '../model/one-key.ts';
import { s3Event } from '../model/settings.ts';
import { createTransferWorld, GIB, MIB, type Setting, type TransferWorld } from '../model/transfer-world.ts';

/** Parts of so many units each. */
const parts = (sizes: number[], salt = 0): Buffer[] =>
  sizes.map((size, part) =>
    Buffer.from(Array.from({ length: size }, (_, at) => (salt * 7 + part * 31 + at) % 251)),
  );

const uniform = (count: number, size: number): number[] => Array.from({ length: count }, () => size);

/** Twenty parts of a gibibyte. */
const LARGE = uniform(20, 2);

const put = (world: TransferWorld, sizes: number[], salt = 0): void => {
  const { versionId } = world.source.put('k', parts(sizes, salt));
  world.deliver(s3Event({ key: 'k', versionId, sequencer: `${salt}`, sizeBytes: 6 * GIB }));
};

const expectReplicated = ({ source, replica, transfers, dead }: TransferWorld, versions = 1): void => {
  expect(replica.current('k')?.bytes.equals(source.current('k')!.bytes)).toBe(true);
  expect(replica.versions('k')).toHaveLength(versions);
  expect(replica.current('k')?.state.etag).toBe(source.current('k')?.state.etag);
  expect({ uploads: replica.uploads.size, records: transfers.records.size, dead }).toEqual({
    uploads: 0,
    records: 0,
    dead: [],
  });
};

const sizeOf = ({ source }: TransferWorld): number => source.current('k')!.state.sizeBytes;

const worldWith = async (setting: Setting = {}, sizes = LARGE): Promise<TransferWorld> => {
  const world = createTransferWorld(setting);
  put(world, sizes);
  return world;
};

const HOUR_MS = 3_600_000;

/** The schedule, for so long. */
const sweepFor = async (world: TransferWorld, hours: number): Promise<void> => {
  for (let quarter = 0; quarter < hours * 4; quarter++) {
    world.clock.nowMs += HOUR_MS / 4;
    await world.sweep();
    await world.drain();
  }
};

/** Dies there once. */
const dying = (call: string, point: 'before' | 'after'): Gate =>
  once(call, point, async () => {
    throw new Crash();
  });

const failing = (
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

describe.each(['all', 'latest'] as const)('in mode %s', (versions) => {
  const rule = { versions };

  test.each([
    ['equal parts', LARGE, GIB / 2],
    ['parts of any size', [3, 10, 1, 7, 7, 7, 2, 9, 1], GIB / 2],
    ['10,000 parts', uniform(10_000, 1), 16 * MIB],
    ['a last part that is larger', [2, 2, 2, 2, 2, 2, 5], GIB / 2],
    ['50 TB', uniform(10_000, 1), 5 * GIB],
  ])('an object of %s keeps its parts, and no byte is moved twice', async (_, sizes, unitBytes) => {
    const bytesPerSecond = unitBytes === 5 * GIB ? 4 * GIB : 80 * MIB;
    const world = await worldWith({ rule, unitBytes, bytesPerSecond, concurrency: 20 }, sizes);
    world.transfers.rates.set('replica stream', bytesPerSecond);
    await world.drain();
    expectReplicated(world);
    expect(world.replica.current('k')?.parts.map(({ length }) => length)).toEqual(sizes);
    expect(world.moved.bytes).toBe(sizeOf(world));
    expect(world.records.filter(({ ending }) => ending === 'done')).toMatchObject([
      { outcome: 'transferring', bytes: 0 },
      { outcome: 'replicated', bytes: sizeOf(world), proof: 'etag' },
    ]);
  });

  test.each([
    ['before the upload is created', 'destination.createUpload', 'before', 0],
    ['after the upload was created', 'destination.createUpload', 'after', 1],
    ['before the record is written', 'transfers.begin', 'before', 1],
    ['after the record was written', 'transfers.begin', 'after', 0],
    ['after the ranges were sent', 'transfers.send', 'after', 0],
    ['before a part is stored', 'destination.uploadPart', 'before', 0],
    ['after a part was stored', 'destination.uploadPart', 'after', 0],
    ['before the finishing hint', 'hints.send', 'before', 0],
    ['after the finishing hint', 'hints.send', 'after', 0],
    ['before it is completed', 'destination.completeUpload', 'before', 0],
    ['after it was completed', 'destination.completeUpload', 'after', 0],
    ['before the record is removed', 'transfers.end', 'before', 0],
    ['after the record was removed', 'transfers.end', 'after', 0],
  ] as const)('a function that dies %s costs next to nothing', async (_, call, point, orphans) => {
    const world = await worldWith({ rule, gate: dying(call, point) });
    await world.drain();
    expect(world.replica.uploads.size).toBe(orphans);
    await sweepFor(world, 26);
    expectReplicated(world);
    expect(world.moved.bytes).toBeLessThanOrEqual(sizeOf(world) + 4 * GIB);
  });

  test('duplicate, late and repeated messages move nothing again and do not multiply', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    const { sent } = world.transfers;
    const copies = sent.length;
    sent.push(...structuredClone(sent), ...structuredClone(sent));
    const late = structuredClone(sent.slice(0, 3));
    await world.drain();
    sent.push(...late);
    await world.drain();
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world));
    expect(world.records.filter((each) => each.ending === 'range' && !each.duplicate)).toHaveLength(copies);
  });

  test('a duplicate that comes while the range is worked on is given back', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    const { sent } = world.transfers;
    sent.unshift(structuredClone(sent[0]!));
    world.gate = once('destination.uploadPart', 'before', () => world.work());
    await world.drain();
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });

  test('what is left of an earlier attempt is let go', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    const early = structuredClone(world.transfers.sent);
    world.gate = failing('destination.uploadPart', 'access-denied');
    await world.work();
    await world.work();
    world.gate = openGate;
    world.deliver(world.dead.pop()!.body);
    await world.replicate();
    world.transfers.sent.push(...early);
    const workOn = (attempt: number): Promise<boolean> =>
      world.work(world.ranges.visible.findIndex(({ body }) => body.includes(`"attempt":${attempt}`)));
    world.gate = once('destination.uploadPart', 'before', async () => {
      while (world.ranges.visible.some(({ body }) => body.includes('"attempt":0'))) await workOn(0);
    });
    // Nothing to do, but SQS has given out what is in the queue.
    await world.replicate();
    world.moved.bytes = 0;
    await workOn(1);
    await world.drain();
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });

  test('of two who begin it at once one does, and the other leaves nothing behind', async () => {
    const world = await worldWith({ rule });
    world.deliver(s3Event({ key: 'k', sequencer: 'other' }));
    world.gate = once('transfers.begin', 'before', () => world.replicate());
    await world.replicate();
    expect({ uploads: world.replica.uploads.size, records: world.transfers.records.size }).toEqual({
      uploads: 1,
      records: 1,
    });
    await world.drain();
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });

  test('of two who finish it at once one does, and the other sees it', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    while (await world.work());
    world.deliver(s3Event({ key: 'k', sequencer: 'other' }));
    world.gate = once('destination.completeUpload', 'before', () => world.replicate());
    await world.drain();
    expectReplicated(world);
  });

  test.each([
    [
      'an answer to Complete that is lost',
      failing('destination.completeUpload', 'connection-lost', 1, 'after'),
    ],
    ['a conflict when it is completed (409)', failing('destination.completeUpload', 'lost-race', 1)],
    ['a part that arrives damaged', failing('destination.uploadPart', 'bad-checksum', 1)],
    [
      'credentials that expire in the middle of a part',
      failing('destination.uploadPart', 'expired-credentials', 1),
    ],
    ['S3 asking to slow down again and again', failing('destination.uploadPart', 'throttled', 9)],
    ['a version that seems to be gone, and is not', failing('source.read', 'lost-race', 1)],
    [
      'an upload that seems to be gone while parts are stored',
      failing('destination.uploadPart', 'lost-race', 1),
    ],
  ])('%s is survived', async (_, gate) => {
    const world = await worldWith({ rule, gate });
    await world.drain();
    expectReplicated(world);
    // Each try sends a part, or one of those under way, once more.
    expect(world.moved.bytes).toBeLessThanOrEqual(sizeOf(world) + 12 * GIB);
    expect(world.calls.filter((call) => call === 'destination.createUpload')).toHaveLength(1);
  });

  test('what somebody writes to the key meanwhile (412) is replaced, on condition that it is still that', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    while (await world.work());
    world.gate = once('destination.completeUpload', 'before', async () => {
      world.replica.put('k', Buffer.from('theirs'));
    });
    await world.drain();
    expectReplicated(world, 2);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });

  test('with the table lost in the middle it begins anew, and the old upload is aborted a day later', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    await world.work();
    world.transfers.records.clear();
    await world.drain();
    expect(world.replica.uploads.size).toBe(1);
    await sweepFor(world, 26);
    expectReplicated(world);
  });

  test('with its upload gone it begins anew at the next look', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    await world.work();
    world.replica.uploads.clear();
    world.ranges.visible.length = 0;
    world.deliver(s3Event({ key: 'k', sequencer: 'other' }));
    await world.drain();
    expectReplicated(world);
  });

  test('what is left of a transfer whose end nobody wrote down does not change how the next version is copied', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    const [[id, record] = []] = structuredClone([...world.transfers.records]);
    await world.drain();
    world.transfers.records.set(id!, record!);
    const { versionId } = world.source.put('k', Buffer.alloc(4, 'x'));
    world.deliver(s3Event({ key: 'k', versionId, sequencer: 'next', sizeBytes: 2 * GIB }));
    await world.drain();
    expect(world.replica.current('k')?.state.etag).toBe(world.source.current('k')?.state.etag);
    await sweepFor(world, 1);
    expectReplicated(world, 2);
  });

  test('with every receipt lost nothing is moved twice', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    const late = structuredClone(world.transfers.sent);
    await world.work();
    world.receipts.clear();
    world.transfers.sent.push(...late);
    await world.drain();
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });

  test('a source that is deleted for good is given up', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    await world.work();
    world.source.forget('k', 0);
    await world.drain();
    const { replica, transfers, dead } = world;
    expect([replica.history.size, replica.uploads.size, transfers.records.size, dead.length]).toEqual([
      0, 0, 0, 0,
    ]);
  });

  test('tags given while it was on its way are on the replica', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    world.source.setTags('k', 0, { colour: 'red' });
    await world.drain();
    expect(world.replica.current('k')?.tags).toEqual({ colour: 'red' });
  });
});

describe('a newer version while the transfer runs', () => {
  const halfway = async (versions: 'all' | 'latest', newer: number[]): Promise<TransferWorld> => {
    const world = await worldWith({ rule: { versions } });
    await world.replicate();
    await world.work();
    put(world, newer, 1);
    await world.drain();
    return world;
  };

  test.each([
    ['large', LARGE],
    ['small', [2]],
  ])('waits for its turn in mode all (%s)', async (_, newer) => {
    const world = await halfway('all', newer);
    expectReplicated(world, 2);
    const [first] = world.source.versions('k');
    expect(world.replica.versions('k')[0]?.bytes.equals(first!.bytes)).toBe(true);
    expect(world.records.flatMap((each) => ('outcome' in each ? [each.outcome] : []))).toContain(
      'replicated',
    );
  });

  test.each([
    ['large', LARGE],
    ['small', [2]],
  ])('takes its place in mode latest (%s)', async (_, newer) => {
    const world = await halfway('latest', newer);
    expectReplicated(world, 1);
    expect(world.moved.bytes).toBeLessThan(sizeOf(world) + 20 * GIB);
  });

  test('comes when all parts of the older one are there, which is then not taken for it', async () => {
    const world = await worldWith({ rule: { versions: 'latest' } });
    await world.replicate();
    while (await world.work());
    put(world, LARGE, 1);
    await world.drain();
    expectReplicated(world, 1);
  });

  test('is not thrown away by somebody who looked before it was written', async () => {
    const world = await worldWith({ rule: { versions: 'latest' } });
    world.gate = once('transfers.load', 'before', async () => {
      put(world, LARGE, 1);
      await world.replicate();
      await world.work();
    });
    await world.drain();
    expectReplicated(world, 1);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });
});

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
