/**
 * Whatever befalls a transfer, and whatever is done to its source meanwhile, the destination ends right, with one replica of each
 * version, and nothing is left behind.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GIB, type TransferWorld } from '../model/transfer-world.ts';
import { chaos, type Chaos, type Mishap, playChaos } from './chaos.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 150);
const SEED = Number(process.env['PROPERTY_SEED'] ?? Date.now() % 2 ** 31);

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
  // What is in one piece may have been cut.
  if (shown.parts.length > 1) expect(held?.parts.length).toBe(shown.parts.length);
};

describe(`transfers (seed ${SEED}, ${RUNS} runs each)`, () => {
  test('end with the destination as the source is, and nothing left', async () => {
    await property(chaos(), (world) => {
      expectNothingLeft(world);
      expectShown(world);
    });
  });

  test('where nobody else writes there, each version has one replica, in order', async () => {
    await property(chaos({ moves: ['put', 'lose-table', 'lose-receipts'] }), (world, given) => {
      expectNothingLeft(world);
      expectShown(world);
      const replicas = contents(world.replica);
      expect(new Set(replicas).size).toBe(replicas.length);
      if (given.rule.versions === 'all' && given.setting.versioning === 'enabled')
        expect(replicas).toEqual(contents(world.source));
    });
  });

  test('move no byte twice, or nearly, where functions only die between parts', async () => {
    const dying = fc.oneof(
      { weight: 10, arbitrary: fc.constant<Mishap>('none') },
      { weight: 1, arbitrary: fc.constant<Mishap>('crash between parts') },
    );
    // What one invocation can copy it copies again.
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
