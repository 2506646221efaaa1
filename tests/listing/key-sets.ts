/** Random sets of keys that are difficult to list, sort and split. */
import fc from 'fast-check';
import type { ListedVersion } from '../../src/lib/listing/page.ts';

/**
 * Characters on both sides of each point where the order of UTF-16 differs from that of UTF-8, the last
 * characters of both, and ordinary characters.
 */
const character = fc.constantFrom(
  'a',
  'b',
  'z',
  '/',
  '0',
  '9',
  '!',
  '~',
  '\u{7f}',
  'é',
  '\ud7ff',
  '\ue000',
  '\ufffd',
  '\u{10000}',
  '😀',
  '\u{10fffd}',
);
const name = fc.oneof(
  fc.string({ unit: character, minLength: 1, maxLength: 6 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }),
  fc.nat(5_000).map((number) => `img-${String(number)}.jpg`),
  fc.nat(0xffff).map((number) => number.toString(16).padStart(4, '0')),
);
const prefix = fc.oneof(
  fc.constant(''),
  fc.constantFrom('folder/', 'a/b/c/d/', '😀/', '\ue000', 'p'.repeat(900), `${'日本'.repeat(150)}/`),
);

/** Random keys, often many in one folder and many that differ only in the last character. */
export const keysOf = (maxLength: number): fc.Arbitrary<string[]> =>
  fc
    .array(fc.tuple(prefix, fc.array(name, { minLength: 1, maxLength, size: 'max' })), {
      maxLength: 4,
      size: 'max',
    })
    .map((folders) => folders.flatMap(([folder, names]) => names.map((each) => folder + each)))
    .map((keys) => [...new Set(keys.filter((key) => Buffer.byteLength(key) <= 1_024))]);

/** Random versions of random keys. Most keys have one to three versions, and a few have sixty. */
export const versionsOf = (maxKeys: number): fc.Arbitrary<ListedVersion[]> =>
  keysOf(maxKeys).chain((keys) =>
    fc
      .array(
        fc.oneof(
          { weight: 20, arbitrary: fc.integer({ min: 1, max: 3 }) },
          { weight: 1, arbitrary: fc.constant(60) },
        ),
        {
          minLength: keys.length,
          maxLength: keys.length,
        },
      )
      .map((counts) => keys.flatMap((key, index) => stackOf(key, counts[index] ?? 1))),
  );

/** Returns `count` versions of a key, newest first. Every fifth of them is a delete marker. */
export const stackOf = (key: string, count: number): ListedVersion[] =>
  Array.from({ length: count }, (_, index) => {
    const isMarker = (key.length + index) % 5 === 4;
    return {
      key,
      kind: isMarker ? 'delete-marker' : 'object',
      versionId: index === count - 1 ? 'null' : `v${String(count - index)}`,
      isLatest: index === 0,
      etag: isMarker ? '' : `"${index.toString(16).padStart(32, '0')}"`,
      sizeBytes: isMarker ? 0 : index,
      lastModifiedMs: 1_000 * (count - index),
      storageClass: isMarker ? '' : 'STANDARD',
    };
  });

export const identity = ({ key, versionId }: ListedVersion): string => `${key} ${String(versionId)}`;
