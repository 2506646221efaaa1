/**
 * Faults of every kind during a transfer, and changes of its source. In the end the destination must equal
 * the source, with one replica of each version. No upload and no record may be left over.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GIB, type TransferWorld } from '../model/transfer-world.ts';
import { chaos, type Chaos, type Mishap } from './chaos.ts';
import { playChaos } from './play-chaos.ts';
import { propertyRuns, SEED } from '../model/seed.ts';

const RUNS = propertyRuns(40);

const property = async (
  given: fc.Arbitrary<Chaos>,
  check: (world: TransferWorld, given: Chaos) => void,
): Promise<void> =>
  await fc.assert(
    fc.asyncProperty(given, fc.scheduler(), async (each, scheduler) => {
      check(await playChaos(each, scheduler), each);
    }),
    { numRuns: RUNS, seed: SEED, endOnFailure: process.env['PROPERTY_SHRINK'] !== 'yes' },
  );

const contents = (bucket: TransferWorld['source']): string[] =>
  bucket.versions('k').map(({ bytes }) => bytes.toString('base64'));

const expectNothingLeft = ({ replica, transfers, dead, live, ranges }: TransferWorld): void => {
  expect([...replica.uploads.keys()]).toEqual([]);
  expect([...transfers.records.keys()]).toEqual([]);
  expect(dead).toEqual([]);
  expect([live.visible, live.resting, ranges.visible, ranges.resting].flat()).toEqual([]);
};

const expectShown = ({ source, replica }: TransferWorld): void => {
  const shown = source.current('k');
  if (shown === null) return;
  const held = replica.current('k');
  expect(held?.bytes.equals(shown.bytes)).toBe(true);
  expect(held?.tags).toEqual(shown.tags);
  // An object that was uploaded in one piece may have been replicated in several parts.
  if (shown.parts.length > 1) expect(held?.parts.length).toBe(shown.parts.length);
};

describe(`transfers (seed ${SEED}, ${RUNS} runs each)`, () => {
  test('random transfers end with a destination that equals the source, and leave nothing behind', async () => {
    await property(chaos(), (world) => {
      expectNothingLeft(world);
      expectShown(world);
    });
  });

  test('random transfers write one replica of each version, in order, if nobody else writes to the destination', async () => {
    await property(chaos({ moves: ['put', 'lose-table', 'lose-receipts'] }), (world, given) => {
      expectNothingLeft(world);
      expectShown(world);
      const replicas = contents(world.replica);
      expect(new Set(replicas).size).toBe(replicas.length);
      if (given.rule.versions === 'all' && given.setting.versioning === 'enabled')
        expect(replicas).toEqual(contents(world.source));
    });
  });

  test('random transfers of versions of which older ones are archived do not keep the newest one back', async () => {
    await property(chaos({ moves: ['put', 'archive'] }), (world) => {
      expectNothingLeft(world);
      expectShown(world);
    });
  });

  test('random transfers of runs that are stopped, of rules that are renamed, and into destinations that deny writes for hours lose nothing', async () => {
    const given = chaos({ moves: ['put', 'run', 'stop-runs', 'rename', 'tag', 'deny'] });
    await property(given, (world) => {
      expectNothingLeft(world);
      expectShown(world);
    });
  });

  test('random transfers during which the tags change end with the newest tags', async () => {
    await property(chaos({ moves: ['tag'] }), (world) => {
      expectNothingLeft(world);
      expectShown(world);
    });
  });

  test('random transfers that a run began lose nothing, if the run is stopped and its dead letters are redriven', async () => {
    await property(chaos({ moves: ['run', 'stop-runs', 'deny'] }), (world) => {
      expectNothingLeft(world);
      expectShown(world);
    });
  });

  test('random transfers move hardly any byte twice if functions crash only between parts', async () => {
    const dying = fc.oneof(
      { weight: 10, arbitrary: fc.constant<Mishap>('none') },
      { weight: 1, arbitrary: fc.constant<Mishap>('crash between parts') },
    );
    // Smaller objects are left out. One invocation copies them, and repeats the whole copy after a crash.
    const large = chaos({ mishaps: dying, moves: [] }).filter(({ moves: [first], setting }) => {
      const units = first?.kind === 'put' ? first.sizes.reduce((sum, size) => sum + size, 0) : 0;
      return units * (setting.unitBytes ?? 1) > 5 * GIB;
    });
    await property(large, (world) => {
      expectNothingLeft(world);
      expectShown(world);
      expect(world.moved.bytes).toBeLessThanOrEqual(world.source.current('k')!.state.sizeBytes * 1.05);
    });
  });
});
