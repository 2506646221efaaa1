/** Random objects, and all that may befall the transfers that move them. */
import fc from 'fast-check';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { weighted } from '../model/history.ts';
import { Crash } from '../model/memory-receipts.ts';
import type { Gate } from '../model/memory-source.ts';
import { s3Event } from '../model/settings.ts';
import { createTransferWorld, GIB, MIB, type Setting, type TransferWorld } from '../model/transfer-world.ts';

export type Mishap =
  | 'none'
  | 'throttle'
  | 'reset'
  | 'credentials'
  | 'flip'
  | 'break'
  | 'crash'
  | 'crash between parts'
  /** A condition that failed, or a version that is gone. */
  | 'race'
  | 'denied';

/** What is done to the source, or to the machinery. */
export type Move =
  | { kind: 'put'; sizes: number[]; form: 'parts' | 'whole' }
  | { kind: 'delete' }
  | { kind: 'forget' }
  | { kind: 'lose-table' }
  | { kind: 'lose-receipts' }
  | { kind: 'foreign' };

export interface Chaos {
  rule: Pick<ReplicationRule, 'versions' | 'copy' | 'stamp'>;
  setting: Pick<
    Setting,
    | 'versioning'
    | 'encryptions'
    | 'checksums'
    | 'unitBytes'
    | 'fullTimeMs'
    | 'bytesPerSecond'
    | 'readable'
    | 'concurrency'
  >;
  moves: Move[];
  mishaps: Mishap[];
  picks: number[];
  /** For each message of either queue: does it come twice? */
  repeats: boolean[];
  sweeps: number;
  /** Are functions taken for dead that are not? */
  expires: boolean;
}

const sizes = (most: number): fc.Arbitrary<number[]> =>
  fc.oneof(
    // All alike, but for the last.
    fc
      .record({
        count: fc.integer({ min: 1, max: 24 }),
        size: fc.integer({ min: 1, max: most }),
        last: fc.integer({ min: 1, max: most }),
      })
      .map(({ count, size, last }) => [
        ...Array.from({ length: count - 1 }, () => size),
        Math.min(last, size),
      ]),
    fc.array(fc.integer({ min: 1, max: most }), { minLength: 1, maxLength: 24 }),
  );

const move = (most: number): fc.Arbitrary<Move> =>
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('put' as const),
        sizes: sizes(most),
        form: weighted<'parts' | 'whole'>([5, 'parts'], [1, 'whole']),
      }),
    },
    ...(['delete', 'forget', 'lose-table', 'lose-receipts', 'foreign'] as const).map((kind) => ({
      weight: 1,
      arbitrary: fc.constant({ kind }),
    })),
  );

export const mishap: fc.Arbitrary<Mishap> = fc.oneof(
  { weight: 20, arbitrary: fc.constant<Mishap>('none') },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Mishap>('throttle', 'reset', 'credentials', 'flip', 'break', 'race', 'denied'),
  },
  { weight: 1, arbitrary: fc.constant<Mishap>('crash') },
);

export const chaos = (
  only: { mishaps?: fc.Arbitrary<Mishap>; moves?: Move['kind'][] } = {},
): fc.Arbitrary<Chaos> =>
  fc
    .constantFrom(
      // Functions that live fifteen minutes, and objects up to 120 GiB; or half a minute, and whole objects are too large too.
      { unitBytes: 64 * MIB, fullTimeMs: 880_000, most: 80 },
      { unitBytes: 64 * MIB, fullTimeMs: 20_000, most: 8 },
    )
    .chain(({ most, ...time }) =>
      fc.record({
        rule: fc.record({
          versions: fc.constantFrom('all', 'latest'),
          copy: fc.constantFrom('stream', 'auto'),
          stamp: weighted<boolean>([4, true], [1, false]),
        }),
        setting: fc.record({
          versioning: weighted<'enabled' | 'unversioned'>([4, 'enabled'], [1, 'unversioned']),
          encryptions: fc.constantFrom<NonNullable<Setting['encryptions']>>(
            ['AES256', 'AES256'],
            ['AES256', 'AES256'],
            ['aws:kms', 'AES256'],
            ['AES256', 'aws:kms'],
          ),
          checksums: fc.constant(true),
          unitBytes: fc.constant(time.unitBytes),
          fullTimeMs: fc.constant(time.fullTimeMs),
          bytesPerSecond: fc.constantFrom(60 * MIB, 100 * MIB, 400 * MIB),
          readable: fc.boolean(),
          concurrency: fc.constantFrom(2, 5),
        }),
        moves: fc
          .tuple(
            fc.record({
              kind: fc.constant('put' as const),
              sizes: sizes(most),
              form: fc.constant('parts' as const),
            }),
            fc.array(
              move(most).filter(({ kind }) => only.moves?.includes(kind) ?? true),
              { maxLength: only.moves?.length === 0 ? 0 : 4 },
            ),
          )
          .map(([first, others]) => [first, ...others]),
        mishaps: fc.array(only.mishaps ?? mishap, { maxLength: 150 }),
        picks: fc.array(fc.nat({ max: 9 }), { minLength: 20, maxLength: 20 }),
        repeats: fc.array(weighted<boolean>([3, false], [1, true]), { maxLength: 30 }),
        sweeps: fc.nat({ max: 3 }),
        expires: only.moves?.length === 0 ? fc.constant(false) : fc.boolean(),
      }),
    );

const HOUR_MS = 3_600_000;

/** Several functions at once, interleaved at every call, until nothing is left to do; then a day passes. */
export const playChaos = async (given: Chaos, scheduler: fc.Scheduler): Promise<TransferWorld> => {
  const world = createTransferWorld({ ...given.setting, rule: given.rule });
  const state = { isCalm: false, moving: true };
  world.gate = gateOf(given, scheduler, state);
  const picks = [...given.picks];
  const repeats = [...given.repeats];
  const pick = (): number => picks.shift() ?? 0;
  const worker = async (kind: 'replicate' | 'work'): Promise<void> => {
    for (let idle = 0; idle < 3 || state.moving;) {
      await scheduler.schedule(Promise.resolve(), `receive ${kind}`);
      const queue = kind === 'work' ? world.ranges : world.live;
      const [next] = queue.visible;
      if (next !== undefined && repeats.shift() === true)
        queue.visible.push({ ...next, messageId: `${next.messageId}+` });
      if (!(await world[kind](pick()))) {
        idle += 1;
        if (given.expires) world.retry();
        else world.redeliver();
      }
    }
  };
  const moves = (async () => {
    for (const [index, each] of given.moves.entries()) {
      for (let pause = 0; pause < pick() * 3; pause++) await scheduler.schedule(Promise.resolve(), 'move');
      makeMove(world, each, index);
    }
    for (let sweep = 0; sweep < given.sweeps; sweep++) await world.sweep();
    state.moving = false;
  })();
  await scheduler.waitFor(
    Promise.all([
      moves,
      worker('replicate'),
      worker('replicate'),
      worker('work'),
      worker('work'),
      worker('work'),
    ]),
  );
  state.isCalm = true;
  await settle(world);
  return world;
};

/** An operator sends again what is in the dead-letter queue, and the schedule does the rest. */
const settle = async (world: TransferWorld): Promise<void> => {
  await world.drain();
  for (let hour = 0; hour < 30; hour++) {
    for (const { body } of world.dead.splice(0)) world.deliver(body);
    await world.drain();
    world.clock.nowMs += HOUR_MS;
    await world.sweep();
    await world.drain();
  }
};

const makeMove = (world: TransferWorld, each: Move, index: number): void => {
  const { source, replica, clock, transfers, receipts } = world;
  clock.nowMs += 2_000;
  switch (each.kind) {
    case 'put': {
      const parts = each.sizes.map((size, part) =>
        Buffer.from(Array.from({ length: size }, (_, at) => (index * 41 + part * 17 + at) % 251)),
      );
      const whole = Buffer.concat(parts).subarray(0, (5 * GIB) / source.options.unitBytes);
      const { versionId, sizeBytes } = source.put('k', each.form === 'whole' ? whole : parts);
      world.deliver(s3Event({ key: 'k', versionId, sizeBytes, sequencer: String(index) }));
      return;
    }
    case 'delete':
      source.remove('k');
      return;
    case 'forget':
      if (source.versioning === 'enabled') source.forget('k', 0);
      return;
    case 'lose-table':
      transfers.records.clear();
      return;
    case 'lose-receipts':
      receipts.clear();
      return;
    case 'foreign':
      replica.put('k', Buffer.from('theirs'));
      // Nobody is told of it: the next look finds it.
      world.deliver(s3Event({ key: 'k', sequencer: `foreign ${index}`, sizeBytes: GIB }));
  }
};

const gateOf = (given: Chaos, scheduler: fc.Scheduler, state: { isCalm: boolean }): Gate => {
  const mishaps = [...given.mishaps];
  return async (point, call) => {
    if (state.isCalm) return;
    await scheduler.schedule(Promise.resolve(), call);
    const each = mishaps.shift() ?? 'none';
    switch (each) {
      case 'none':
        return;
      case 'crash':
        throw new Crash();
      case 'crash between parts':
        if (/^(transfers|receipts|hints)[.]|parts|look|Upload$/.test(call)) throw new Crash();
        return;
      case 'throttle':
        throw new ReplicationError('throttled', 'SlowDown');
      case 'reset':
        throw new ReplicationError('connection-lost', 'ECONNRESET');
      case 'credentials':
        throw new ReplicationError('expired-credentials', 'ExpiredToken');
      case 'flip':
      case 'break':
        return each;
      case 'race':
        if (point === 'before' && RACED.has(call)) throw new ReplicationError('lost-race', 'as told');
        return;
      case 'denied':
        if (call === 'destination.uploadPart' || call === 'destination.copyPart')
          throw new ReplicationError('access-denied', 'as told');
    }
  };
};

const RACED: ReadonlySet<string> = new Set([
  'destination.completeUpload',
  'destination.uploadPart',
  'destination.copyPart',
  'destination.put',
  'source.read',
]);
