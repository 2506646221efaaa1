/**
 * How much of a source's history a destination holds, according to listings and stamps.
 *
 * To check the tests, these parts were removed from the code one at a time, and the tests in parentheses
 * failed:
 * - the comparison of stamps ("the version that a stamp names")
 * - delete markers, and counting consecutive ones as one ("the history that a destination must go through")
 * - `positionBefore`, its rounding to whole seconds, and its exclusion of multipart objects ("versions older
 *   than …")
 */
import { describe, expect, test } from 'vitest';
import { align, itemsOf, positionBefore, positionOf } from '../../src/lib/replica/history.ts';
import type { HistoryEntry } from '../../src/lib/model/ports.ts';

/**
 * Makes a history from text: the oldest entry first, the entries one second apart. `x` and `y` are contents,
 * and `†` is a delete marker.
 */
const entries = (story: string, ids = 'v'): HistoryEntry[] =>
  Array.from(story, (each, index) => {
    const at = { versionId: `${ids}${index}`, lastModifiedMs: index * 1_000 };
    return each === '†'
      ? { kind: 'marker', ...at }
      : { kind: 'version', ...at, etag: `"${each}"`, sizeBytes: 1 };
  });

const story = (items: HistoryEntry[]): string =>
  items.map((item) => (item.kind === 'marker' ? '†' : item.etag.slice(1, -1))).join('');

describe('the history that a destination must go through', () => {
  test.each([
    ['starts with the oldest version', 'xyz', true, 'xyz'],
    ['has one marker for several consecutive ones', 'x††y†', true, 'x†y†'],
    ['keeps a marker that comes first', '†x', true, '†x'],
    ['has no markers where deletes are not replicated', 'x†y†', false, 'xy'],
    ['is empty for an empty listing', '', true, ''],
  ])('the history that a destination must go through %s', (_, told, withMarkers, wanted) => {
    expect(story(itemsOf(entries(told).toReversed(), withMarkers))).toBe(wanted);
  });
});

describe('the version that a stamp names', () => {
  test('a stamp finds its version by id even between versions with the same content', () => {
    expect(positionOf(entries('xxx'), { identity: 'v/v1', modifiedMs: 0 })).toBe(1);
  });

  test('a stamp finds no version where its version is gone', () => {
    expect(positionOf(entries('xyz'), { identity: 'v/v9', modifiedMs: 0 })).toBe(-1);
  });

  test('a stamp finds a version without an id by ETag and second, because such a version is overwritten in place', () => {
    const [, second] = entries('xx');
    const items = [{ ...second!, versionId: 'null', lastModifiedMs: 1_700 }];
    expect(positionOf(items, { identity: 'e/x', modifiedMs: 1_000 })).toBe(0);
    expect(positionOf(items, { identity: 'e/x', modifiedMs: 0 })).toBe(-1);
    expect(positionOf(items, { identity: 'v/null', modifiedMs: 1_000 })).toBe(-1);
  });
});

describe('versions older than one that is gone', () => {
  test('a version from an earlier second is older than one that is gone', () => {
    expect(positionBefore(entries('xyz'), 2_000)).toBe(1);
    expect(positionBefore(entries('xyz'), 0)).toBe(-1);
  });

  test('a multipart object does not count as older, because its time is that of its beginning', () => {
    const items = entries('xyz').map((item) =>
      item.kind === 'version' && item.versionId === 'v1'
        ? { ...item, etag: '"0123456789abcdef0123456789abcdef-2"' }
        : item,
    );
    expect(positionBefore(items, 2_000)).toBe(0);
  });

  test('a delete marker from an earlier second is older than a version that is gone', () => {
    expect(positionBefore(entries('x†'), 5_000)).toBe(1);
  });
});

test.each([
  { what: 'a complete replica', source: 'xyz', replica: 'xyz', position: 2, isShown: true },
  { what: 'a replica of the beginning', source: 'xyz', replica: 'xy', position: 1, isShown: true },
  { what: 'an empty destination', source: 'xyz', replica: '', position: -1, isShown: false },
  { what: 'a replica below a foreign object', source: 'xyz', replica: 'xyq', position: 1, isShown: false },
  { what: 'a replica above a foreign object', source: 'xyz', replica: 'qx', position: 0, isShown: true },
  { what: 'the first replica of repeated content', source: 'xyx', replica: 'x', position: 0, isShown: true },
  {
    what: 'the second replica of repeated content',
    source: 'xyx',
    replica: 'xyx',
    position: 2,
    isShown: true,
  },
  { what: 'a replica that passed over a version', source: 'xyz', replica: 'xz', position: 2, isShown: true },
  {
    what: 'a marker that comes next at the source',
    source: 'x†y',
    replica: 'x†',
    position: 1,
    isShown: true,
  },
  { what: 'a marker that somebody else wrote', source: 'xy†', replica: 'x†', position: 0, isShown: false },
])(
  'without stamps, $what is aligned with position $position of the source (current there: $isShown)',
  (each) => {
    const { source, replica, position, isShown } = each;
    expect(align(entries(source), entries(replica, 'r'))).toEqual({ position, isShown });
  },
);
