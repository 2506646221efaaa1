/** Generators of random objects and of everything that may happen to their transfers. */
import fc from 'fast-check';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import { weighted } from '../model/history.ts';
import { MIB, type Setting } from '../model/transfer-world.ts';

export type Mishap =
  | 'none'
  | 'throttle'
  | 'reset'
  | 'credentials'
  | 'flip'
  | 'break'
  | 'crash'
  | 'crash between parts'
  /** A failed condition, or a version that is gone. */
  | 'race'
  | 'denied';

/** A change of the source, or a loss of the replicator's own data. */
export type Move =
  /** With `isLate` the event arrives only after all other moves, so that a run may find the object first. */
  | { kind: 'put'; sizes: number[]; form: 'parts' | 'whole'; isLate: boolean }
  | { kind: 'delete' }
  | { kind: 'forget' }
  | { kind: 'lose-table' }
  | { kind: 'lose-receipts' }
  | { kind: 'foreign' }
  /** A run sends a hint for the key, and with `repairs` a hint of a verify that repairs. */
  | { kind: 'run'; repairs: boolean }
  /** All runs so far are paused or cancelled. */
  | { kind: 'stop-runs' }
  /** A deployment gives the rule and its destination other ids. */
  | { kind: 'rename' }
  /** The tags change, but not their number. */
  | { kind: 'tag' }
  /** All versions but the newest are archived, and restored only a day later. */
  | { kind: 'archive' }
  /** The destination denies these calls, until a person looks at it some hours later. */
  | { kind: 'deny'; calls: readonly string[] };

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
  /** For how many steps of the scheduler the source rests before each move. */
  pauses: number[];
  mishaps: Mishap[];
  picks: number[];
  /** For each message that is received, whether its queue delivers it a second time. */
  repeats: boolean[];
  sweeps: number;
  /**
   * Whether the idempotency records of functions that are still running expire, as if those functions had
   * crashed.
   */
  expires: boolean;
}

const sizes = (most: number): fc.Arbitrary<number[]> =>
  fc.oneof(
    // All parts have the same size, except the last one.
    fc
      .record({
        count: fc.integer({ min: 1, max: 24 }),
        size: fc.integer({ min: 1, max: most }),
        // The last part of an upload may be empty.
        last: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: most }) }, fc.constant(0)),
      })
      .map(({ count, size, last }) => [
        ...Array.from({ length: count - 1 }, () => size),
        Math.min(last, size),
      ]),
    fc.array(fc.integer({ min: 1, max: most }), { minLength: 1, maxLength: 24 }),
  );

const OTHER_MOVES = [
  'delete',
  'forget',
  'lose-table',
  'lose-receipts',
  'foreign',
  'stop-runs',
  'rename',
  'tag',
  'archive',
] as const;

/** The moves of a test that names none. */
const USUAL_MOVES = [...OTHER_MOVES.filter((kind) => kind !== 'archive'), 'put', 'run'] as const;

/** A denial of every write may begin at any time. A policy may also deny only the call that ends an upload. */
const DENIED: readonly (readonly string[])[] = [
  ['put', 'createUpload', 'uploadPart', 'copyPart', 'completeUpload'],
  ['completeUpload'],
];

/** Generates a move of each kind that `kinds` has, and more puts than all others. */
const move = (most: number, kinds: readonly Move['kind'][]): fc.Arbitrary<Move> =>
  fc.oneof(
    {
      weight: kinds.length === 0 || kinds.includes('put') ? 5 : 0,
      arbitrary: fc.record({
        kind: fc.constant('put' as const),
        sizes: sizes(most),
        form: weighted<'parts' | 'whole'>([5, 'parts'], [1, 'whole']),
        isLate: kinds.includes('run') ? fc.boolean() : fc.constant(false),
      }),
    },
    ...OTHER_MOVES.filter((kind) => kinds.includes(kind)).map((kind) => ({
      weight: 1,
      arbitrary: fc.constant({ kind }),
    })),
    ...(kinds.includes('run')
      ? [{ weight: 1, arbitrary: fc.record({ kind: fc.constant('run' as const), repairs: fc.boolean() }) }]
      : []),
    ...(kinds.includes('deny')
      ? [
          {
            weight: 2,
            arbitrary: fc.constantFrom(...DENIED).map((calls) => ({ kind: 'deny' as const, calls })),
          },
        ]
      : []),
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
      // Either functions run for fifteen minutes, with objects up to 120 GiB. Or they run for half a minute,
      // which is too short even for large objects that were uploaded in one piece.
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
              isLate: only.moves?.includes('run') === true ? fc.boolean() : fc.constant(false),
            }),
            fc.array(move(most, only.moves ?? USUAL_MOVES), { maxLength: only.moves?.length === 0 ? 0 : 4 }),
          )
          .map(([first, others]) => [first, ...others]),
        pauses: fc.array(weighted<number>([1, 0], [1, 4], [1, 12], [2, 30]), { minLength: 5, maxLength: 5 }),
        mishaps: fc.array(only.mishaps ?? mishap, { maxLength: 150 }),
        picks: fc.array(fc.nat({ max: 9 }), { minLength: 20, maxLength: 20 }),
        repeats: fc.array(weighted<boolean>([3, false], [1, true]), { maxLength: 30 }),
        sweeps: fc.nat({ max: 3 }),
        expires: only.moves?.length === 0 ? fc.constant(false) : fc.boolean(),
      }),
    );
