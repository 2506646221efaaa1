import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Column, tableLines } from '../../../src/cli/terminal/table.ts';
import { fit, pad, shorten, textWidth } from '../../../src/cli/terminal/width.ts';

test('wide characters and emoji take two columns, and combining marks take none', () => {
  expect(fit('株', 4)).toBe('株  ');
  expect(fit('\u{1f3ac}', 4)).toBe('\u{1f3ac}  ');
  expect(fit('e\u0301', 4)).toBe('e\u0301   ');
  expect(pad('12', 4, 'right')).toBe('  12');
});

test('long text loses its middle, and wide characters are not split', () => {
  expect(shorten('abcdefghij', 5)).toBe('ab…ij');
  expect(fit('株株株株', 6)).toBe('株…株 ');
});

test('a text that is shortened fits, whatever its characters are', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '/', '株', 'é', 'e\u0301', '\u{1f3ac}', '한') });
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 30 }), (whole, columns) => {
      expect(textWidth(shorten(whole, columns))).toBeLessThanOrEqual(columns);
    }),
  );
});

const HEADER: Column[] = [
  { title: 'COUNT', align: 'right' },
  { title: 'WAY', isOptional: true },
  { title: 'SINCE', isOptional: true },
  { title: 'KEY', least: 8 },
];
const ROWS = [
  ['1', 'stream', '09:25', 'invoices/2026/請求書/株式会社.pdf'],
  ['12,345', 'server-side', '13:50', 'a'],
];

test('a table for another program is never cut', () => {
  expect(tableLines(HEADER, ROWS)).toEqual([
    ' COUNT  WAY          SINCE  KEY',
    '     1  stream       09:25  invoices/2026/請求書/株式会社.pdf',
    '12,345  server-side  13:50  a',
  ]);
});

test('a table that is too wide cuts keys in the middle, down to their least width', () => {
  expect(tableLines(HEADER, ROWS, 44)).toEqual([
    ' COUNT  WAY          SINCE  KEY',
    '     1  stream       09:25  invoices…社.pdf',
    '12,345  server-side  13:50  a',
  ]);
});

test('a table that is still too wide leaves out its optional columns, the last one first', () => {
  expect(tableLines(HEADER, ROWS, 34)).toEqual([
    ' COUNT  WAY          KEY',
    '     1  stream       invoic…社.pdf',
    '12,345  server-side  a',
  ]);
  expect(tableLines(HEADER, ROWS, 24)).toEqual([' COUNT  KEY', '     1  invoices…社.pdf', '12,345  a']);
});
