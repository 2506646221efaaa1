/**
 * What a destination holds of a source's history, told from listings and stamps.
 *
 * Seen to fail without: comparing stamps (the version a stamp names …) · markers, and that those in a row are one (what the destination
 * has to go through …) · `positionBefore`, its whole seconds and its leaving out of parts (what is surely older …).
 */
import { describe, expect, test } from 'vitest';
import { align, itemsOf, positionBefore, positionOf } from '../../src/lib/replica/history.ts';
import type { HistoryEntry } from '../../src/lib/model/ports.ts';

/** Oldest first: `x` and `y` are contents, `†` a delete marker; a second apart. */
const entries = (story: string, ids = 'v'): HistoryEntry[] =>
  Array.from(story, (each, index) => {
    const at = { versionId: `${ids}${index}`, lastModifiedMs: index * 1_000 };
    return each === '†'
      ? { kind: 'marker', ...at }
      : { kind: 'version', ...at, etag: `"${each}"`, sizeBytes: 1 };
  });

const story = (items: HistoryEntry[]): string =>
  items.map((item) => (item.kind === 'marker' ? '†' : item.etag.slice(1, -1))).join('');

describe('what the destination has to go through', () => {
  test.each([
    ['oldest first', 'xyz', true, 'xyz'],
    ['markers in a row are one', 'x††y†', true, 'x†y†'],
    ['a marker that comes first stays', '†x', true, '†x'],
    ['no markers where deletes do not travel', 'x†y†', false, 'xy'],
    ['nothing', '', true, ''],
  ])('%s', (_, told, withMarkers, wanted) => {
    expect(story(itemsOf(entries(told).toReversed(), withMarkers))).toBe(wanted);
  });
});

describe('the version a stamp names', () => {
  test('is found by its id, the same content before and after it notwithstanding', () => {
    expect(positionOf(entries('xxx'), { identity: 'v/v1', modifiedMs: 0 })).toBe(1);
  });

  test('that is gone is found nowhere', () => {
    expect(positionOf(entries('xyz'), { identity: 'v/v9', modifiedMs: 0 })).toBe(-1);
  });

  test('without an id is found by ETag and second, since it is written again in place', () => {
    const [, second] = entries('xx');
    const items = [{ ...second!, versionId: 'null', lastModifiedMs: 1_700 }];
    expect(positionOf(items, { identity: 'e/x', modifiedMs: 1_000 })).toBe(0);
    expect(positionOf(items, { identity: 'e/x', modifiedMs: 0 })).toBe(-1);
    expect(positionOf(items, { identity: 'v/null', modifiedMs: 1_000 })).toBe(-1);
  });
});

describe('what is surely older than a version that is gone', () => {
  test('is what was written in an earlier second', () => {
    expect(positionBefore(entries('xyz'), 2_000)).toBe(1);
    expect(positionBefore(entries('xyz'), 0)).toBe(-1);
  });

  test('is no object in parts, whose time is that of its beginning', () => {
    const items = entries('xyz').map((item) =>
      item.kind === 'version' && item.versionId === 'v1'
        ? { ...item, etag: '"0123456789abcdef0123456789abcdef-2"' }
        : item,
    );
    expect(positionBefore(items, 2_000)).toBe(0);
  });

  test('may be a delete marker', () => {
    expect(positionBefore(entries('x†'), 5_000)).toBe(1);
  });
});

describe('without stamps', () => {
  test.each([
    ['everything is there', 'xyz', 'xyz', 2, true],
    ['the beginning is there', 'xyz', 'xy', 1, true],
    ['nothing is there', 'xyz', '', -1, false],
    ['somebody wrote something else over it', 'xyz', 'xyq', 1, false],
    ['somebody else was there before', 'xyz', 'qx', 0, true],
    ['content that comes again is taken for its first writing', 'xyx', 'x', 0, true],
    ['and for its second where the first is there', 'xyx', 'xyx', 2, true],
    ['a version was passed over', 'xyz', 'xz', 2, true],
    ['a marker counts where it is the next', 'x†y', 'x†', 1, true],
    ['and not where it is somebody else’s', 'xy†', 'x†', 0, false],
  ])('%s', (_, source, replica, position, isShown) => {
    expect(align(entries(source), entries(replica, 'r'))).toEqual({ position, isShown });
  });
});
