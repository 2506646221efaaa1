/** Hints of runs about objects that are large enough for a transfer. */
import { expect, test } from 'vitest';
import { formatHint } from '../../src/lib/hint/hint.ts';
import { HOUR_MS, expectReplicated, sizeOf, worldWith } from './one-object.ts';

test('a run counts a transferred object once, at the end of its transfer', async () => {
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

test('changed headers of a large object are repaired by a transfer that carries the concern of its hint', async () => {
  const world = await worldWith({ rule: { versions: 'latest' } });
  await world.drain();
  const attributes = () => world.replica.current('k')!.state.attributes;
  const contentType = attributes().contentType;
  world.replica.current('k')!.state.attributes = { ...attributes(), contentType: 'text/x-changed' };
  world.deliver(formatHint({ ...HINT, kind: 'repair', sizeBytes: sizeOf(world) }), 'backfill');
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
