import { expect, test } from 'vitest';
import { parseProbe } from '../../src/lib/inspect/probe.ts';

test('an answer of a function that knows no other services is read as one of a destination with a role', () => {
  const place = { rule: 'a', destination: 'b', trust: {}, bucket: null, source: [], steps: [] };
  expect(parseProbe({ places: [place] })).toEqual([{ ...place, secret: null, service: null }]);
});
