import { expect, test } from 'vitest';
import { PARTS, parseOptions } from '../../bench/options.ts';

test('the bench runs every part in full without arguments', () => {
  expect(parseOptions([])).toEqual({ isShort: false, json: false, parts: PARTS, peers: false });
});

test('the bench runs chosen parts in its own order, whatever the order of the arguments', () => {
  const options = parseOptions(['--short', '--only', 'large', '--only', 'calls']);
  expect(options).toEqual({ isShort: true, json: false, parts: ['calls', 'large'], peers: false });
});

test('an unknown part of the bench is refused with the names of all parts', () => {
  expect(() => parseOptions(['--only', 'everything'])).toThrow('--only everything: the parts are bundle,');
});
