/** What listings do not show: whether it is looked at, found, and mended by the hint that is sent for it. */
import { describe, expect, test } from 'vitest';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { absenceIsDeletion, concernOf, type Hint } from '../../src/lib/hint/hint.ts';
import type { ListedVersion, ListPage } from '../../src/lib/listing/page.ts';
import { isLockedAsWanted } from '../../src/lib/replica/object-lock.ts';
import type { Grant, ObjectAttributes, ObjectLock, SourceBucket } from '../../src/lib/model/ports.ts';
import type { Destination, ReplicationRule } from '../../src/lib/model/rule.ts';
import { createCloserLook } from '../../src/lib/runs/compare/closer-look.ts';
import { createCompareConsumer } from '../../src/lib/runs/compare/compare-consumer.ts';
import { isStorageClassRight } from '../../src/lib/runs/compare/storage-class.ts';
import { type MemoryBucket, NO_ATTRIBUTES, NO_LOCK, type Versioning } from '../model/memory-buckets.ts';
import { memoryDestination } from '../model/memory-destination.ts';
import { memorySource, openGate } from '../model/memory-source.ts';
import { oneKey } from '../model/one-key.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { aSpec } from './runs.ts';

interface Setting {
  versions?: 'all' | 'latest';
  attributes?: 'listed' | 'all';
  versioning?: Versioning;
  rule?: Partial<ReplicationRule>;
  destination?: Partial<Destination>;
}

const TOMORROW_MS = 86_400_000;

const aWorld = ({ versions = 'latest', attributes = 'all', versioning = 'enabled', ...given }: Setting) => {
  const destination = testDestination(given.destination);
  const rule = testRule({ ...given.rule, versions, destinations: [destination] });
  const key = oneKey({ rule: { ...given.rule, versions }, versionings: [versioning, versioning] });
  const calls: string[] = [];
  const gate = async (point: 'before' | 'after', call: string): Promise<void> => {
    if (point === 'before') calls.push(call);
  };

  const look = async (listing: 'compared' | 'checked') => {
    const hints: Hint[] = [];
    const spec = aSpec({ versions, attributes, rule: rule.id, destination: destination.id });
    const clock = { now: () => key.clock.nowMs, sleep: async () => undefined };
    const buckets = {
      source: () => memorySource(key.source, gate),
      destination: () => memoryDestination(key.replica, gate),
    };
    const mapping = { sourcePrefix: '', destinationPrefix: '' };
    const consumer = createCompareConsumer({
      run: 'run',
      epoch: 1,
      spec,
      scope: { rule, destination, mapping },
      listing,
      createdMs: key.clock.nowMs + TOMORROW_MS,
      listDestination: listingOf(key.replica, versions),
      look: createCloserLook({ rule, destination, mapping }, spec, { buckets, clock }),
      sendHints: async (sent) => void hints.push(...sent),
      report: async () => undefined,
      sleep: async () => undefined,
    });
    const { entries } = await listingOf(
      key.source,
      versions,
    )({
      prefix: '',
      maxKeys: 1_000,
      after: { key: '', versionId: null },
    });
    const stretch = { entries, after: { key: '', versionId: null }, through: null, carry: null };
    await consumer.consume(stretch, async () => undefined);
    return { counted: consumer.taken(), hints };
  };

  return {
    ...key,
    calls,
    /** In one word; `same` with how many looks it took. */
    verify: async () => {
      const { counted } = await look('checked');
      const { same, missing, different, attributes: others, historyShorter, extra, looks } = counted;
      const found = { same, missing, different, attributes: others, historyShorter, extra };
      const [name] = Object.entries(found).find(([, count]) => count === 1) ?? ['nothing'];
      return name === 'same' ? `same after ${looks} looks` : name;
    },
    /** As a backfill does. Answers the kinds of the hints. */
    repair: async () => {
      const { hints } = await look('compared');
      for (const hint of hints)
        await key.look(openGate, {
          rule,
          destination,
          versionId: hint.versionId,
          concern: concernOf(hint),
          absenceIsDeletion: absenceIsDeletion(hint),
        });
      return hints.map(({ kind }) => kind);
    },
    replicate: () => key.look(openGate, { rule, destination }),
  };
};

const listingOf =
  (bucket: MemoryBucket, versions: 'all' | 'latest'): ListPage<ListedVersion> =>
  async () => {
    const all = (bucket.history.get('k') ?? []).toReversed().map((entry, index): ListedVersion => {
      const common = { key: 'k', versionId: versions === 'all' ? entry.id : null, isLatest: index === 0 };
      if (entry.kind === 'marker') {
        const { lastModifiedMs } = entry;
        return { ...common, kind: 'delete-marker', etag: '', sizeBytes: 0, lastModifiedMs, storageClass: '' };
      }
      const { etag, sizeBytes, lastModifiedMs, attributes } = entry.state;
      const storageClass = attributes.storageClass ?? 'STANDARD';
      return { ...common, kind: 'object', etag, sizeBytes, lastModifiedMs, storageClass };
    });
    const shown = all.filter(({ isLatest, kind }) => isLatest && kind === 'object');
    return { entries: versions === 'all' ? all : shown, next: null };
  };

const A = Buffer.from('a');
const setAttributes = (bucket: MemoryBucket, attributes: Partial<ObjectAttributes>): void => {
  const version = bucket.current('k');
  if (version === null) throw new Error('nothing is shown');
  const { metadata, ...headers } = attributes;
  const before = version.state.attributes;
  const merged = { ...before, ...headers, metadata: { ...before.metadata, ...metadata } };
  version.state = { ...version.state, attributes: merged };
};
const reader: Grant = { grantee: { kind: 'user', id: 'reader' }, permission: 'READ' };
const auditor: Grant = { grantee: { kind: 'user', id: 'auditor' }, permission: 'READ' };

const begun = async (setting: Setting, tags = {}) => {
  const world = aWorld(setting);
  world.source.put('k', A, { tags });
  world.clock.nowMs += 5_000;
  await world.replicate();
  return world;
};

describe.each<Setting>([
  { versions: 'latest', versioning: 'enabled' },
  { versions: 'latest', versioning: 'unversioned' },
  { versions: 'all', versioning: 'enabled' },
])('with $versions of $versioning buckets', (setting) => {
  test('a replica with all attributes is the same after one look; without asking for attributes after none', async () => {
    const world = await begun(setting, { team: 'a' });
    expect(await world.verify()).toBe('same after 1 looks');
    const plain = await begun({ ...setting, attributes: 'listed' }, { team: 'a' });
    expect(await plain.verify()).toBe('same after 0 looks');
  });

  test('tags that were changed at the source, as many as before, are found and mended', async () => {
    const world = await begun(setting, { team: 'a' });
    world.source.setTags('k', 0, { team: 'b' });
    expect(await world.verify()).toBe('attributes');
    await world.repair();
    expect(world.replica.current('k')?.tags).toEqual({ team: 'b' });
    expect(await world.verify()).toBe('same after 1 looks');
  });

  test('tags that were taken away at the destination are found and mended', async () => {
    const world = await begun(setting, { team: 'a' });
    world.replica.setTags('k', 0, {});
    expect(await world.verify()).toBe('attributes');
    await world.repair();
    expect(world.replica.current('k')?.tags).toEqual({ team: 'a' });
  });

  test('grants are compared and mended where the rule replicates them', async () => {
    const world = await begun({ ...setting, rule: { acl: 'replicate' } });
    world.source.setAcl('k', 0, [reader, auditor]);
    expect(await world.verify()).toBe('attributes');
    await world.repair();
    expect(world.replica.current('k')?.acl).toHaveLength(2);
    expect(await world.verify()).toBe('same after 1 looks');
    const ignored = await begun(setting);
    ignored.source.setAcl('k', 0, [reader, auditor]);
    expect(await ignored.verify()).toBe('same after 1 looks');
    expect(ignored.calls).not.toContain('source.acl');
  });

  test('metadata that were changed at the destination are found, though the stamp is still there, and mended in place', async () => {
    const world = await begun(setting);
    setAttributes(world.replica, { metadata: { owner: 'x' } });
    expect(await world.verify()).toBe('attributes');
    expect(await world.repair()).toEqual(['repair']);
    expect(await world.verify()).toBe(setting.versions === 'all' ? 'attributes' : 'same after 1 looks');
  });

  test('retention that was extended at the source is found and mended, one that was shortened is not', async () => {
    const world = await begun(setting);
    const until = (days: number): ObjectLock => ({
      legalHold: false,
      retention: { mode: 'GOVERNANCE', untilMs: world.clock.nowMs + days * TOMORROW_MS },
    });
    world.source.setLock('k', 0, until(10));
    expect(await world.verify()).toBe('attributes');
    // Without versions there are no locks.
    if (setting.versioning === 'enabled') {
      expect(await world.repair()).toEqual(['repair']);
      expect(await world.verify()).toBe('same after 1 looks');
    }
    world.replica.setLock('k', 0, until(11));
    expect(await world.verify()).toBe('same after 1 looks');
  });

  test('an object that was written onto itself with other metadata is found by its time alone, and mended', async () => {
    const world = await begun({ ...setting, attributes: 'listed' });
    world.clock.nowMs += 60_000;
    world.source.put('k', A, { attributes: { ...NO_ATTRIBUTES, contentType: 'text/plain' } });
    // Of all versions the older one may have expired, which leaves as many on both sides.
    if (setting.versioning === 'enabled') world.source.forget('k', 1);
    expect(await world.verify()).not.toMatch(/^same/);
    expect(await world.repair()).toHaveLength(1);
    expect(world.replica.current('k')?.state.attributes.contentType).toBe('text/plain');
    expect(await world.verify()).toBe('same after 0 looks');
  });
});

test('the hint for other attributes names the version, so that what was deleted meanwhile is not taken for a delete', async () => {
  const world = await begun({ rule: { deletes: 'replicate' } }, { team: 'a' });
  world.source.setTags('k', 0, { team: 'b' });
  const [kind] = await world.repair();
  expect(kind).toBe('repair');
  const other = await begun({ rule: { deletes: 'replicate' } }, { team: 'a' });
  other.source.setTags('k', 0, { team: 'b' });
  const kinds = other.repair();
  other.source.forget('k', 0);
  await kinds;
  expect(other.replica.current('k')).not.toBeNull();
});

test('a hint for content that is missing or different says nothing of attributes', async () => {
  const world = aWorld({});
  world.source.put('k', A);
  expect(await world.repair()).toEqual(['hint']);
  world.replica.put('k', Buffer.from('other'));
  expect(await world.repair()).toEqual(['hint']);
});

test.each(['at all', 'without a version'])(
  'where tags may not be seen %s nothing is said of any key: the run fails',
  async (how) => {
    const world = await begun({});
    const rule = testRule({ versions: 'latest' });
    const buckets = {
      // S3 counts no tags for those who may not read them.
      source: () => {
        const allowed = memorySource(world.source, openGate);
        const tags: SourceBucket['tags'] = async (key, versionId) => {
          if (how === 'without a version' && versionId !== null) return await allowed.tags(key, versionId);
          throw new ReplicationError('access-denied', 'GetObjectTagging: AccessDenied');
        };
        return { ...allowed, tags };
      },
      destination: () => memoryDestination(world.replica, openGate),
    };
    const scope = {
      rule,
      destination: testDestination(),
      mapping: { sourcePrefix: '', destinationPrefix: '' },
    };
    const clock = { now: () => world.clock.nowMs, sleep: async () => undefined };
    const look = createCloserLook(scope, { versions: 'latest', attributes: 'all' }, { buckets, clock });
    await expect(look('k', 'attributes')).rejects.toMatchObject({ reason: 'access-denied' });
  },
);

test('a storage class that the rule does not want, and no lifecycle rule leads to, is found without asking for attributes', async () => {
  const destination = { storageClass: 'STANDARD_IA' };
  const world = await begun({ attributes: 'listed', destination });
  expect(await world.verify()).toBe('same after 0 looks');
  setAttributes(world.replica, { storageClass: 'GLACIER' });
  expect(await world.verify()).toBe('same after 0 looks');
  setAttributes(world.replica, { storageClass: null });
  expect(await world.verify()).toBe('attributes');
});

test('of the grants of a source object, those of the one who owns the replicas are not missed', async () => {
  const world = await begun({ rule: { acl: 'replicate' } });
  world.source.setAcl('k', 0, [reader, auditor]);
  world.replica.setAcl('k', 0, [auditor]);
  expect(await world.verify()).toBe('same after 1 looks');
});

test.each([
  [null, 'GLACIER', true],
  ['STANDARD_IA', 'STANDARD_IA', true],
  ['STANDARD_IA', 'DEEP_ARCHIVE', true],
  ['STANDARD_IA', null, false],
  ['GLACIER_IR', 'STANDARD_IA', false],
  ['SNOW', 'STANDARD', false],
  ['STANDARD', 'SOMETHING_NEW', false],
])('a replica to be %s may be %s: %s', (wanted, found, isRight) => {
  expect(isStorageClassRight({ storageClass: wanted }, found)).toBe(isRight);
});

const NOW = 1_000_000_000;
const locked = (mode: 'GOVERNANCE' | 'COMPLIANCE', untilMs = NOW + 1_000): ObjectLock => ({
  retention: { mode, untilMs },
  legalHold: false,
});
const held: ObjectLock = { retention: null, legalHold: true };

test.each([
  ['replicate', NO_LOCK, NO_LOCK, true],
  ['replicate', locked('GOVERNANCE'), NO_LOCK, false],
  ['ignore', locked('GOVERNANCE'), NO_LOCK, true],
  ['replicate', NO_LOCK, locked('COMPLIANCE'), true],
  ['replicate', locked('COMPLIANCE'), locked('GOVERNANCE'), false],
  ['governance', locked('COMPLIANCE'), locked('GOVERNANCE'), true],
  ['replicate', locked('GOVERNANCE'), locked('COMPLIANCE', NOW + 2_000), true],
  ['replicate', locked('GOVERNANCE', NOW + 2_000), locked('GOVERNANCE'), false],
  ['replicate', locked('COMPLIANCE', NOW), NO_LOCK, true],
  ['replicate', held, NO_LOCK, false],
  ['replicate', NO_LOCK, held, true],
  ['ignore', held, NO_LOCK, true],
] as const)('with objectLock: %s, source %j and replica %j: %s', (objectLock, source, replica, isRight) => {
  expect(isLockedAsWanted(replica, source, { objectLock }, NOW)).toBe(isRight);
});
