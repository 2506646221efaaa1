import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDigits } from '../../src/lib/listing/key-arithmetic.ts';
import { byteLength, commonPrefixLength, compareKeys } from '../../src/lib/listing/key-order.ts';
import { remainingPages, type Sight, splitPoints } from '../../src/lib/listing/split.ts';
import { keysOf } from './key-sets.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({
    unit: fc.constantFrom('a', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
    maxLength: 4,
  }),
);

test('keys are compared by their UTF-8 bytes, not in the order of JavaScript strings', () => {
  fc.assert(
    fc.property(text, text, (one, other) => {
      expect(Math.sign(compareKeys(one, other))).toBe(Buffer.compare(Buffer.from(one), Buffer.from(other)));
    }),
    { numRuns: 2_000 },
  );
  expect(compareKeys('\u{1f600}', '\uffff')).toBeGreaterThan(0);
});

test('the common prefix of two keys never ends within a character', () => {
  fc.assert(
    fc.property(text, text, (one, other) => {
      const shared = one.slice(0, commonPrefixLength(one, other));
      expect(shared.isWellFormed()).toBe(true);
      expect(other.startsWith(shared)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

/** A random position in the listing of these keys. */
const sights = fc
  .record({
    keys: keysOf(60),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    end: fc.double({ min: 0, max: 1, noNaN: true }),
    isReading: fc.boolean(),
    expectedPages: fc.constantFrom(null, 0, 3, 1_000),
  })
  .filter(({ keys }) => keys.length >= 3)
  .map(({ keys, at, end, isReading, expectedPages }): Sight => {
    const sorted = keys.toSorted(compareKeys);
    const cursor = 1 + Math.floor(at * (sorted.length - 2));
    const upTo = sorted[cursor + Math.floor(end * (sorted.length - cursor + 1))] ?? null;
    const digits = createDigits('');
    digits.learn(sorted.slice(0, cursor + 1).map((key) => ({ key })));
    return {
      prefix: '',
      trail: sorted.slice(Math.max(0, cursor - 4), cursor + 1),
      isInsideKey: false,
      isReading,
      from: '',
      upTo,
      digits,
      pages: 3,
      expectedPages,
    };
  });

test('split points lie in order within the rest of a range, and S3 accepts them as markers', () => {
  let count = 0;
  fc.assert(
    fc.property(sights, fc.integer({ min: 2, max: 40 }), (sight, parts) => {
      const points = splitPoints(sight, parts);
      count += points.length;
      expect(points.length).toBeLessThan(parts);
      expect(points).toEqual([...new Set(points)].toSorted(compareKeys));
      for (const point of points) {
        expect(compareKeys(point, sight.trail.at(-1) ?? '')).toBeGreaterThanOrEqual(0);
        if (sight.upTo !== null) expect(compareKeys(point, sight.upTo)).toBeLessThan(0);
        expect(point.isWellFormed()).toBe(true);
        expect(byteLength(point)).toBeLessThanOrEqual(1_024);
      }
      expect(remainingPages(sight)).toBeGreaterThanOrEqual(0);
      expect(remainingPages(sight)).toBeLessThan(Infinity);
    }),
    { numRuns: 1_000 },
  );
  expect(count).toBeGreaterThan(100);
});

const sightOf = (trail: string[], upTo: string | null, learnt: string[]): Sight => {
  const digits = createDigits('');
  digits.learn(learnt.map((key) => ({ key })));
  return {
    prefix: '',
    trail,
    isInsideKey: false,
    isReading: false,
    from: '',
    upTo,
    digits,
    pages: 1,
    expectedPages: null,
  };
};

test('the digits of split points are learnt from the keys, and the characters between digits are kept', () => {
  const days = Array.from({ length: 1_000 }, (_, index) => `y=2026/m=01/${String(index).padStart(5, '0')}`);
  const sight = sightOf([days[0] ?? '', days[999] ?? ''], null, days);
  const points = splitPoints(sight, 11);
  // The listing has shown a single year and month so far, but others may follow. Points may therefore lie in
  // them, too.
  expect(points.length).toBeGreaterThan(3);
  const ends = points.filter((point) => point.endsWith('\u{10ffff}'));
  expect(ends.every((point) => (days[0] ?? '').startsWith(point.slice(0, -2)))).toBe(true);
  for (const point of points.filter((each) => !ends.includes(each))) {
    expect(point).toMatch(/^y=20[0-9]+(\/(m(=([0-9]+(\/[0-9]*)?)?)?)?)?$/u);
  }
});

test('the rest of a range begins after the key of a page that contains only one key', () => {
  const sight = { ...sightOf(['a', 'k', 'k'], null, ['a', 'k']), isInsideKey: true };
  expect(splitPoints(sight, 8)).toEqual(['k']);
  expect(splitPoints({ ...sight, upTo: 'k' }, 8)).toEqual([]);
  expect(remainingPages({ ...sight, upTo: 'k' })).toBe(0);
});

test('no split point is longer than S3 allows, even if keys have the maximum length', () => {
  const keys = Array.from(
    { length: 1_000 },
    (_, index) => 'p'.repeat(1_021) + String(index).padStart(3, '0'),
  );
  const points = splitPoints(sightOf([keys[0] ?? '', keys[9] ?? ''], null, keys), 40);
  expect(points.length).toBeGreaterThan(2);
  expect(Math.max(...points.map(byteLength))).toBeLessThanOrEqual(1_024);
});

test('the learnt digits fit into a short text from which they can be restored', () => {
  const digits = createDigits('');
  const keys = Array.from({ length: 4_096 }, (_, index) => ({ key: index.toString(16).padStart(3, '0') }));
  digits.learn(keys);
  expect(digits.sample().length).toBeLessThanOrEqual(96);
  const again = createDigits(digits.sample());
  for (const key of ['000', '4a7', 'c00', 'fff'])
    expect(again.position(key, key, 0)).toBeCloseTo(digits.position(key, key, 0), 1);
  expect(again.position('800', '000', 0)).toBeCloseTo(0.5, 1);
});
