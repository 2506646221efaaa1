import { expect, test } from 'vitest';
import { cost, formatSection, median, rate, value } from '../../bench/figure.ts';

test('the median of an even number of values lies between the two in the middle', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([30, 4, 100])).toBe(30);
});

test('the best cost is the lowest one, and the best rate the highest one', () => {
  expect(cost('CPU', 's', [3, 1, 2])).toEqual({ what: 'CPU', unit: 's', best: 1, median: 2 });
  expect(rate('throughput', 'MB/s', [3, 1, 2])).toEqual({
    what: 'throughput',
    unit: 'MB/s',
    best: 3,
    median: 2,
  });
});

test('a section is printed with aligned columns, and with the aims of figures that have one', () => {
  const figures = [cost('CPU', 's/GB', [2.345, 3], '≤ 10'), value('zip', 'bytes', 230_504)];
  expect(formatSection({ title: 'Bundle', figures }).split('\n')).toEqual([
    'Bundle',
    '          best  median',
    '  CPU     2.35    2.67  s/GB   aim: ≤ 10',
    '  zip  230,504          bytes',
  ]);
});
