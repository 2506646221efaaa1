/** The memory of a batch, which its destinations share. */
import { expect, test } from 'vitest';
import { createBudget } from '../../src/lib/model/concurrency.ts';

/** Starts work that ends when `finish` is called with its name. */
const world = (budget: ReturnType<typeof createBudget>) => {
  const running: string[] = [];
  const finishes = new Map<string, () => void>();
  return {
    running,
    start: (name: string, weight: number, owner?: string) =>
      void budget.run(
        weight,
        () => {
          running.push(name);
          return new Promise<void>((finish) => finishes.set(name, finish));
        },
        owner,
      ),
    async finish(name: string) {
      finishes.get(name)?.();
      running.splice(running.indexOf(name), 1);
      await new Promise(setImmediate);
    },
  };
};

test('a destination that hangs leaves half of the memory to the others, whose work overtakes what waits for it', async () => {
  const { running, start, finish } = world(createBudget(6, 3));
  for (const name of ['h1', 'h2', 'h3', 'h4', 'h5']) start(name, 1, 'hanging');
  for (const name of ['g1', 'g2', 'g3', 'g4']) start(name, 1, 'good');
  await new Promise(setImmediate);
  expect(running).toEqual(['h1', 'h2', 'h3', 'g1', 'g2', 'g3']);
  await finish('g1');
  expect(running).toEqual(['h1', 'h2', 'h3', 'g2', 'g3', 'g4']);
  await finish('h2');
  expect(running).toEqual(['h1', 'h3', 'g2', 'g3', 'g4', 'h4']);
});

test('work that is heavier than its share runs alone, and work of one owner starts in its order', async () => {
  const { running, start, finish } = world(createBudget(6, 3));
  for (const [name, weight] of [
    ['large', 10],
    ['small', 1],
  ] as const)
    start(name, weight, 'one');
  await new Promise(setImmediate);
  expect(running).toEqual(['large']);
  await finish('large');
  expect(running).toEqual(['small']);
});

test('without a share, work starts in its order as long as it fits', async () => {
  const { running, start, finish } = world(createBudget(3));
  for (const [name, weight] of [
    ['a', 2],
    ['b', 2],
    ['c', 1],
  ] as const)
    start(name, weight, name);
  await new Promise(setImmediate);
  expect(running).toEqual(['a']);
  await finish('a');
  expect(running).toEqual(['b', 'c']);
});
