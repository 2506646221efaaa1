import fc from 'fast-check';
import { expect, test } from 'vitest';
import { coverWithoutOverlap, filtersOverlap } from '../../src/lib/subscription/key-filter.ts';
import type { KeyFilter } from '../../src/lib/subscription/key-filter.ts';
import { notificationFilters } from '../../src/lib/subscription/subscription.ts';

const filter = (prefix: string, suffix = ''): KeyFilter => ({ prefix, suffix });

/** A random prefix or suffix. It is made of few characters, so that filters often overlap. */
const part = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'é', ' '), maxLength: 3 });
const filters = fc.array(fc.record({ prefix: part, suffix: part }), { minLength: 1, maxLength: 6 });

const matches = ({ prefix, suffix }: KeyFilter, key: string): boolean =>
  key.startsWith(prefix) && key.endsWith(suffix);

test('two filters overlap if their prefixes and their suffixes both overlap', () => {
  expect(filtersOverlap(filter('a/'), filter('a/b/'))).toBe(true);
  expect(filtersOverlap(filter(''), filter('a/', '.jpg'))).toBe(true);
  expect(filtersOverlap(filter('a/'), filter('b/'))).toBe(false);
  expect(filtersOverlap(filter('a/', '.jpg'), filter('a/b/', '.png'))).toBe(false);
  expect(filtersOverlap(filter('', '.jpg'), filter('', 'x.jpg'))).toBe(true);
});

test('separate filters stay unchanged, and overlapping filters are merged into one', () => {
  expect(coverWithoutOverlap([filter('b/'), filter('a/')])).toEqual([filter('a/'), filter('b/')]);
  expect(coverWithoutOverlap([filter('a/b/', '.jpg'), filter('a/')])).toEqual([filter('a/')]);
  expect(coverWithoutOverlap([filter('a/', '.jpg'), filter('a/b/', '')])).toEqual([filter('a/')]);
});

test('a merged filter may be merged with a third filter', () => {
  const apart = [filter('a/', 'x'), filter('', 'yz')];
  expect(coverWithoutOverlap(apart)).toHaveLength(2);
  expect(coverWithoutOverlap([...apart, filter('a/b/', '')])).toEqual([filter('')]);
});

test('a cover matches every key that its filters match, and no two filters of a cover overlap', () => {
  fc.assert(
    fc.property(filters, part, (given, middle) => {
      for (const cover of [coverWithoutOverlap(given), notificationFilters(given)]) {
        for (const { prefix, suffix } of given) {
          expect(cover.some((each) => matches(each, prefix + middle + suffix))).toBe(true);
        }
        for (const [position, each] of cover.entries()) {
          expect(cover.slice(position + 1).some((other) => filtersOverlap(each, other))).toBe(false);
        }
      }
    }),
  );
});

test('covering a cover changes nothing', () => {
  fc.assert(
    fc.property(filters, (given) => {
      expect(coverWithoutOverlap(coverWithoutOverlap(given))).toEqual(coverWithoutOverlap(given));
    }),
  );
});

test('a notification filter cuts its prefix and suffix at characters that S3 wants encoded', () => {
  expect(notificationFilters([filter('année=2026/')])).toEqual([filter('ann')]);
  expect(notificationFilters([filter('a b/', ' (copy).jpg')])).toEqual([filter('a', '(copy).jpg')]);
  expect(notificationFilters([filter('plain-1.0/x_y/', '.jpg')])).toEqual([filter('plain-1.0/x_y/', '.jpg')]);
});
