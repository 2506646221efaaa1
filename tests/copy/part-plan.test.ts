import { expect, test } from 'vitest';
import { byteRanges, uniformLayout } from '../../src/lib/copy/part-plan.ts';

test('if parts cannot be read by number, the plan assumes a part size that uploaders commonly choose', () => {
  const MIB = 1024 ** 2;
  expect(uniformLayout(20 * MIB, 3)).toEqual({ kind: 'uniform', partBytes: 8 * MIB });
  expect(uniformLayout(20 * MIB, 4)).toEqual({ kind: 'uniform', partBytes: 5 * MIB });
});

test('byte ranges cover every byte once, in the requested number of parts if S3 allows it', () => {
  for (const [sizeBytes, count] of [
    [0, 1],
    [1, 1],
    [20 * 1024 ** 2 + 1, 3],
    [6 * 1024 ** 3, null],
    [50 * 1024 ** 4, null],
  ] as const) {
    const ranges = byteRanges(uniformLayout(sizeBytes, count), sizeBytes);
    let next = 0;
    const misplaced: typeof ranges = [];
    for (const range of ranges) {
      if (range === null) continue;
      if (range.first !== next) misplaced.push(range);
      next = range.last + 1;
    }
    expect(misplaced).toEqual([]);
    expect(next).toBe(sizeBytes);
    expect(ranges.length).toBeLessThanOrEqual(10_000);
    if (count !== null) expect(ranges).toHaveLength(count);
  }
});
