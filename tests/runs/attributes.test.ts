/** Attributes that listings do not show. A run detects that they differ, and the run's hints repair them. */
import { describe, expect, test } from 'vitest';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Grant, ObjectLock, SourceBucket } from '../../src/lib/model/ports.ts';
import { proveBy } from '../../src/lib/runs/compare/basis.ts';
import { createCloserLook } from '../../src/lib/runs/compare/closer-look.ts';
import { NO_ATTRIBUTES } from '../model/memory-buckets.ts';
import { memoryDestination } from '../model/memory-destination.ts';
import { memorySource, openGate } from '../model/memory-source.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { A, aWorld, DAY_MS, replicatedWorld, setAttributes, type Setting } from './attributes-world.ts';

const reader: Grant = { grantee: { kind: 'user', id: 'reader' }, permission: 'READ' };
const auditor: Grant = { grantee: { kind: 'user', id: 'auditor' }, permission: 'READ' };

const SETTINGS: Setting[] = [
  { versions: 'latest', versioning: 'enabled' },
  { versions: 'latest', versioning: 'unversioned' },
  { versions: 'all', versioning: 'enabled' },
];

describe.each(SETTINGS)(
  'tags and grants (bucket versioning: $versioning, rule versions: $versions)',
  (setting) => {
    test('comparing attributes takes one closer look at a replica that is the same, and comparing listings takes none', async () => {
      const world = await replicatedWorld(setting, { team: 'a' });
      expect(await world.verify()).toBe('same after 1 looks');
      const plain = await replicatedWorld({ ...setting, attributes: 'listed' }, { team: 'a' });
      expect(await plain.verify()).toBe('same after 0 looks');
    });

    test('a change of tag values at the source is found and repaired', async () => {
      const world = await replicatedWorld(setting, { team: 'a' });
      world.source.setTags('k', 0, { team: 'b' });
      expect(await world.verify()).toBe('attributes');
      await world.repair();
      expect(world.replica.current('k')?.tags).toEqual({ team: 'b' });
      expect(await world.verify()).toBe('same after 1 looks');
    });

    test('tags that were removed at the destination are found and restored', async () => {
      const world = await replicatedWorld(setting, { team: 'a' });
      world.replica.setTags('k', 0, {});
      expect(await world.verify()).toBe('attributes');
      await world.repair();
      expect(world.replica.current('k')?.tags).toEqual({ team: 'a' });
    });

    test('grants are compared and repaired only if the rule replicates them', async () => {
      const world = await replicatedWorld({ ...setting, rule: { acl: 'replicate' } });
      world.source.setAcl('k', 0, [reader, auditor]);
      expect(await world.verify()).toBe('attributes');
      await world.repair();
      expect(world.replica.current('k')?.acl).toHaveLength(2);
      expect(await world.verify()).toBe('same after 1 looks');
      const ignored = await replicatedWorld(setting);
      ignored.source.setAcl('k', 0, [reader, auditor]);
      expect(await ignored.verify()).toBe('same after 1 looks');
      expect(ignored.calls).not.toContain('source.acl');
    });
  },
);

describe.each(SETTINGS)(
  'metadata and retention (bucket versioning: $versioning, rule versions: $versions)',
  (setting) => {
    test('metadata that changed at the destination is found although the stamp is still there, and is repaired in place', async () => {
      const world = await replicatedWorld(setting);
      setAttributes(world.replica, { metadata: { owner: 'x' } });
      expect(await world.verify()).toBe('attributes');
      expect(await world.repair()).toEqual(['repair']);
      expect(await world.verify()).toBe(setting.versions === 'all' ? 'attributes' : 'same after 1 looks');
    });

    test('a retention that was extended at the source is found and repaired, and a longer one at the destination is left alone', async () => {
      const world = await replicatedWorld(setting);
      const until = (days: number): ObjectLock => ({
        legalHold: false,
        retention: { mode: 'GOVERNANCE', untilMs: world.clock.nowMs + days * DAY_MS },
      });
      world.source.setLock('k', 0, until(10));
      expect(await world.verify()).toBe('attributes');
      // Objects in buckets without versioning have no locks.
      if (setting.versioning === 'enabled') {
        expect(await world.repair()).toEqual(['repair']);
        expect(await world.verify()).toBe('same after 1 looks');
      }
      world.replica.setLock('k', 0, until(11));
      expect(await world.verify()).toBe('same after 1 looks');
    });

    test('an object that was copied onto itself with different metadata is found by its time alone and repaired', async () => {
      const world = await replicatedWorld({ ...setting, attributes: 'listed' });
      world.clock.nowMs += 60_000;
      world.source.put('k', A, { attributes: { ...NO_ATTRIBUTES, contentType: 'text/plain' } });
      // The older version is removed, as if it had expired. Otherwise a comparison in mode `all` would notice
      // the additional version.
      if (setting.versioning === 'enabled') world.source.forget('k', 1);
      expect(await world.verify()).not.toMatch(/^same/);
      expect(await world.repair()).toHaveLength(1);
      expect(world.replica.current('k')?.state.attributes.contentType).toBe('text/plain');
      expect(await world.verify()).toBe('same after 0 looks');
    });
  },
);

test('the hint for different attributes names the version, so that a version that was deleted meanwhile is not mistaken for a delete', async () => {
  const world = await replicatedWorld({ rule: { deletes: 'replicate' } }, { team: 'a' });
  world.source.setTags('k', 0, { team: 'b' });
  const [kind] = await world.repair();
  expect(kind).toBe('repair');
  const other = await replicatedWorld({ rule: { deletes: 'replicate' } }, { team: 'a' });
  other.source.setTags('k', 0, { team: 'b' });
  const kinds = other.repair();
  other.source.forget('k', 0);
  await kinds;
  expect(other.replica.current('k')).not.toBeNull();
});

test('a hint for content that is missing or different does not mention attributes', async () => {
  const world = aWorld({});
  world.source.put('k', A);
  expect(await world.repair()).toEqual(['hint']);
  world.replica.put('k', Buffer.from('other'));
  expect(await world.repair()).toEqual(['hint']);
});

test.each(['at all', 'without a version'])(
  'a run that may not read tags %s fails instead of reporting any key',
  async (how) => {
    const world = await replicatedWorld({});
    const rule = testRule({ versions: 'latest' });
    const buckets = {
      // S3 shows the number of tags only to a role that may read the tags.
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
    const look = createCloserLook(
      scope,
      { versions: 'latest', attributes: 'all' },
      { buckets, clock, prove: proveBy(world.receipts) },
    );
    await expect(look('k', 'attributes')).rejects.toMatchObject({ reason: 'access-denied' });
  },
);

test('a storage class that neither the rule nor a lifecycle rule explains is found without requesting attributes', async () => {
  const destination = { storageClass: 'STANDARD_IA' };
  const world = await replicatedWorld({ attributes: 'listed', destination });
  expect(await world.verify()).toBe('same after 0 looks');
  setAttributes(world.replica, { storageClass: 'GLACIER' });
  expect(await world.verify()).toBe('same after 0 looks');
  setAttributes(world.replica, { storageClass: null });
  expect(await world.verify()).toBe('attributes');
});

test('a grant of the source to the owner of the replicas may be missing at the replica', async () => {
  const world = await replicatedWorld({ rule: { acl: 'replicate' } });
  world.source.setAcl('k', 0, [reader, auditor]);
  world.replica.setAcl('k', 0, [auditor]);
  expect(await world.verify()).toBe('same after 1 looks');
});
