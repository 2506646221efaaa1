/** Random source and destination buckets, and the differences that a comparison of them must find. */
import fc from 'fast-check';
import { randomOf } from '../../bench/listing-keys.ts';
import type { Difference } from '../../src/lib/listing/difference.ts';
import { compareVersions } from '../../src/lib/listing/compare-versions.ts';
import type { ListedVersion } from '../../src/lib/listing/page.ts';
import { passIf } from '../../src/lib/listing/counted-entries.ts';
import { versionsOf } from './key-sets.ts';

export interface Scene {
  source: ListedVersion[];
  destination: ListedVersion[];
  mode: 'objects' | 'versions';
  deleteMarkers: 'compare' | 'ignore';
  destinationPrefix: string;
  workers: number;
  pageSize: number;
  seed: number;
}

export const SOURCE_PREFIX = 'in/';

/**
 * Random scenes. The destination is in a state in which a replicator may have left it. Some keys are missing
 * at the destination, some exist only there, some histories are shorter, and some objects are changed.
 */
export const scenes: fc.Arbitrary<Scene> = fc
  .record({
    versions: versionsOf(30),
    mode: fc.constantFrom<Scene['mode'][]>('objects', 'versions'),
    deleteMarkers: fc.constantFrom<Scene['deleteMarkers'][]>('compare', 'ignore'),
    destinationPrefix: fc.constantFrom('in/', '', 'elsewhere/', '😀'.repeat(200)),
    workers: fc.integer({ min: 1, max: 6 }),
    pageSize: fc.integer({ min: 1, max: 10 }),
    seed: fc.nat(),
  })
  .map(({ versions, ...scene }) => {
    const random = randomOf(scene.seed);
    const stacks = Map.groupBy(versions, ({ key }) => key);
    const source: ListedVersion[] = [];
    const destination: ListedVersion[] = [];
    for (const [key, stack] of stacks) {
      const draw = random();
      const kept = draw < 0.1 ? [] : draw < 0.3 ? stack.slice(0, Math.ceil(random() * stack.length)) : stack;
      const renamed = (prefix: string, each: ListedVersion): ListedVersion => ({
        ...each,
        key: prefix + key,
      });
      // Versions may have expired at the source but not at the destination.
      const left = draw > 0.8 ? stack.slice(0, Math.ceil(random() * stack.length)) : stack;
      if (draw < 0.9) source.push(...left.map((each) => renamed(SOURCE_PREFIX, each)));
      destination.push(
        ...kept.map((each) => {
          const change = random();
          const { etag, sizeBytes } = each;
          return {
            ...renamed(scene.destinationPrefix, each),
            etag: change < 0.05 && etag !== '' ? '"other"' : etag,
            sizeBytes: change < 0.02 && etag !== '' ? sizeBytes + 1 : sizeBytes,
          };
        }),
      );
    }
    const short = ({ key }: ListedVersion): boolean => Buffer.byteLength(key) <= 1_024;
    return { ...scene, source: source.filter(short), destination: destination.filter(short) };
  });

/** Returns the differences that a comparison must find. They are calculated from all versions in memory. */
export const expected = ({
  source,
  destination,
  mode,
  deleteMarkers,
  destinationPrefix,
}: Scene): Difference[] => {
  const listed = (version: ListedVersion): boolean =>
    (mode === 'versions' || (version.isLatest && version.kind === 'object')) &&
    (deleteMarkers === 'compare' || version.kind === 'object');
  const bare = (versions: ListedVersion[], prefix: string) =>
    Map.groupBy(versions.filter(listed), ({ key }) => key.slice(prefix.length));
  const left = bare(source, SOURCE_PREFIX);
  const right = bare(destination, destinationPrefix);
  const found: Difference[] = [];
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const [ours, theirs] = [left.get(name) ?? [], right.get(name) ?? []];
    const missingVersions = Math.max(0, ours.length - theirs.length);
    const sizeBytes = (ours.length > 0 ? ours : theirs).reduce((sum, each) => sum + each.sizeBytes, 0);
    const facts = { key: SOURCE_PREFIX + name, sizeBytes, missingVersions };
    const verdicts = ours
      .slice(0, theirs.length)
      .map((each, index) => compareVersions(each, theirs[index] ?? each));
    const verdict = verdicts.find((each) => each !== 'same');
    if (ours.length === 0) {
      const [newest] = theirs;
      if (newest?.isLatest === true && newest.kind === 'object') found.push({ kind: 'extra', ...facts });
    } else if (theirs.length === 0) found.push({ kind: 'missing', ...facts });
    else if (verdict !== undefined) found.push({ kind: verdict, ...facts });
    else if (missingVersions > 0) found.push({ kind: 'history-shorter', ...facts });
  }
  return found;
};

/** With `compare`, delete markers count like any other version; with `ignore`, they do not count. */
export const filtersOf = ({ deleteMarkers }: Pick<Scene, 'deleteMarkers'>) => {
  const create = () => passIf(({ kind }) => kind === 'object' || deleteMarkers === 'compare');
  return { source: create, destination: create };
};

export const byKey = (differences: Difference[]): Difference[] =>
  differences.toSorted((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)));
