import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { generatedBuffer, generatedStream } from '../../demo/generated-bytes.ts';

test('every range of generated content equals the same range of the whole content', () => {
  const whole = generatedBuffer({ seed: 'a', offset: 0, lengthBytes: 700_000 });
  const range = fc.record({
    offset: fc.integer({ min: 0, max: 600_000 }),
    lengthBytes: fc.integer({ min: 0, max: 100_000 }),
  });
  fc.assert(
    fc.property(range, ({ offset, lengthBytes }) => {
      const part = generatedBuffer({ seed: 'a', offset, lengthBytes });
      expect(part.equals(whole.subarray(offset, offset + lengthBytes))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('a stream of generated content equals the buffer of the same range', async () => {
  const range = { seed: 'a', offset: 5, lengthBytes: 600_001 };
  expect((await buffer(generatedStream(range))).equals(generatedBuffer(range))).toBe(true);
});

test('generated content does not repeat after 2³² blocks', () => {
  const near = generatedBuffer({ seed: 'a', offset: 0, lengthBytes: 64 });
  const far = generatedBuffer({ seed: 'a', offset: 16 * 2 ** 32, lengthBytes: 64 });
  expect(far.equals(near)).toBe(false);
});

test('generated content with another name has other bytes', () => {
  const [one, other] = ['a', 'b'].map((seed) => generatedBuffer({ seed, offset: 0, lengthBytes: 64 }));
  expect(one).not.toEqual(other);
});
