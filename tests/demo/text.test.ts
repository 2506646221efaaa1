import { expect, test } from 'vitest';
import { formatBytes, formatSeconds, quantile } from '../../demo/amounts.ts';
import { parseOptions } from '../../demo/options.ts';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [1024 ** 2 - 1, '1 MiB'],
  [1024 ** 3, '1 GiB'],
  [300.4 * 1024, '300 KiB'],
])('%d bytes are shown as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('times are shown with their significant digits', () => {
  expect([12, 950, 59_940, 75_400].map(formatSeconds)).toEqual(['0.01 s', '0.9 s', '59.9 s', '75 s']);
});

test('the median of an even number of values is the lower one in the middle', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2);
  expect(quantile([], 0.5)).toBe(0);
});

test.each(['0', 'much', '31GiB'])(
  'a large object of %s is refused with the range of possible sizes',
  (size) => {
    expect(() => parseOptions(['--size', size])).toThrow('--size takes 1B to 30GiB');
  },
);

test('the large object has 64 MiB by default', () => {
  expect(parseOptions([]).sizeBytes).toBe(64 * 1024 ** 2);
});
