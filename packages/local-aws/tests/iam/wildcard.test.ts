import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesWildcard } from '../../src/iam/wildcard.ts';

test('wildcards match exactly what the regular expression of the same meaning matches', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '/'), maxLength: 8 });
  fc.assert(
    fc.property(letters, letters, (pattern, text) => {
      const expression = pattern.replace(/[*?/]/g, (c) => (c === '*' ? '[^]*' : c === '?' ? '[^]' : '/'));
      expect(matchesWildcard(pattern, text)).toBe(new RegExp(`^${expression}$`).test(text));
    }),
    { numRuns: 2000 },
  );
});
