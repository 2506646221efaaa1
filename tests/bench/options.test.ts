import { expect, test } from 'vitest';
import { PARTS, parseOptions } from '../../bench/options.ts';

test('without arguments every part is run in full', () => {
  expect(parseOptions([])).toEqual({ isShort: false, json: false, parts: PARTS });
});

test('chosen parts run in their own order, whatever the order they are named in', () => {
  const options = parseOptions(['--short', '--only', 'large', '--only', 'calls']);
  expect(options).toEqual({ isShort: true, json: false, parts: ['calls', 'large'] });
});

test('a part that does not exist is refused with the names of those that do', () => {
  expect(() => parseOptions(['--only', 'everything'])).toThrow('--only everything: there are bundle,');
});
