import { expect, test } from 'vitest';
import * as sets from '../../bench/listing-keys.ts';
import { compareKeys } from '../../src/lib/listing/key-order.ts';

const { uniform, uuids, oneFolder, commonPrefix, unicode, dates, nested, evenly } = sets;

test.each(Object.entries({ uniform, uuids, oneFolder, commonPrefix, unicode, dates, nested, evenly }))(
  'the key set %s of the bench is in order and contains each key once',
  (_, make) => {
    const keys = make(20_000);
    const all = Array.from({ length: keys.size }, (__, rank) => keys.keyAt(rank));
    expect(all.findIndex((key, rank) => rank > 0 && compareKeys(all[rank - 1] ?? '', key) >= 0)).toBe(-1);
    expect(sets.rankBehind(keys, keys.keyAt(777))).toBe(778);
  },
);
