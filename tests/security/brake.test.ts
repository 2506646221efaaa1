/** Whoever deletes or encrypts everything at the source must not be able to empty the destination too. */
import { expect, test } from 'vitest';
import { UNSHARED_CHANGES } from '../../src/lib/delivery/brakes.ts';
import { brakeWorld, keysNamed } from './brake-world.ts';

const KEYS = keysNamed('k', 160);

test('an attacker who deletes every object hides at most the allowed number of replicas and ten for each environment', async () => {
  const world = brakeWorld();
  await world.put(KEYS);
  await world.remove(KEYS);
  const hidden = KEYS.length - world.shown(KEYS).length;
  expect(hidden).toBeGreaterThanOrEqual(50);
  expect(hidden).toBeLessThanOrEqual(50 + 4 * UNSHARED_CHANGES);
  expect(world.held().toSorted()).toEqual(world.shown(KEYS).toSorted());
  expect(await world.closed()).toMatchObject({ why: expect.stringMatching(/deletes within 60 minutes, 50/) });
  expect(world.again).toEqual([]);
});

test('deletes that wait in the dead-letter queue, come from runs or from Batch Operations are held as well', async () => {
  const world = brakeWorld({ brake: { deletes: 0 }, environments: 1 });
  const [redriven, ofRun, ofJob] = ['redriven', 'of a run', 'of a job'];
  await world.put(KEYS.slice(0, 1).concat(redriven, ofRun, ofJob));
  for (const key of [redriven, ofRun, ofJob]) world.source.remove(key);
  await world.hint([redriven], { kind: 'ObjectRemoved:DeleteMarkerCreated', identity: 'S' });
  await world.hint([ofRun], { run: 'R' });
  const { results } = await world.job([ofJob]);
  expect(results[0]).toMatchObject({
    resultCode: 'PermanentFailure',
    resultString: expect.stringContaining('held'),
  });
  expect(world.shown([redriven, ofRun, ofJob])).toHaveLength(3);
  expect(world.held().toSorted()).toEqual([ofJob, ofRun, redriven].toSorted());
});

test('replicas without a source object are held too, although an operator has confirmed a run that deletes them', async () => {
  const world = brakeWorld({ rule: { versions: 'latest' }, brake: { deletes: 0 } });
  await world.put(['extra']);
  world.source.history.delete('extra');
  await world.hint(['extra'], { kind: 'extra' });
  expect(world.shown(['extra'])).toHaveLength(1);
  await world.release();
  expect(world.shown(['extra'])).toEqual([]);
});

test('a closed brake lets a newer version through, with the delete marker beneath it', async () => {
  const world = brakeWorld({ brake: { deletes: 0 } });
  await world.put(['k'], 'old');
  await world.remove(['k']);
  expect(world.held()).toEqual(['k']);
  await world.put(['k'], 'new');
  expect(
    world.replica.history.get('k')?.map((entry) => (entry.kind === 'marker' ? '†' : String(entry.bytes))),
  ).toEqual(['old', '†', 'new']);
});

test.each([
  ['too small', { filter: { tags: {}, minimumBytes: 3, maximumBytes: null } }],
  ['without the tag', { filter: { tags: { class: 'kept' }, minimumBytes: null, maximumBytes: null } }],
])('a version that the filter leaves out (%s) carries no delete past a closed brake', async (_, fields) => {
  const world = brakeWorld({ rule: fields, brake: { deletes: 0 } });
  world.source.put('k', Buffer.from('large'), { tags: { class: 'kept' } });
  await world.hint(['k']);
  await world.remove(['k']);
  world.source.put('k', Buffer.from('s'));
  await world.hint(['k']);
  expect(world.shown(['k'])).toHaveLength(1);
});

test('deletes before versions that the filter leaves out count as deletes and close the brake', async () => {
  const world = brakeWorld({
    rule: { filter: { tags: { class: 'kept' }, minimumBytes: null, maximumBytes: null } },
  });
  for (const key of KEYS) world.source.put(key, Buffer.from('x'), { tags: { class: 'kept' } });
  await world.hint(KEYS);
  for (const key of KEYS) {
    world.source.remove(key);
    world.source.put(key, Buffer.from('x'));
  }
  await world.hint(KEYS);
  expect(await world.closed()).not.toBeNull();
  expect(world.shown(KEYS).length).toBeGreaterThanOrEqual(KEYS.length - 50 - 4 * UNSHARED_CHANGES);
});

test('a lifecycle rule that expires everything has a limit of its own, and does not use up that of deletes', async () => {
  const world = brakeWorld();
  await world.put(KEYS);
  await world.remove(KEYS.slice(0, 80), 'LifecycleExpiration:DeleteMarkerCreated');
  expect(await world.closed()).toBeNull();
  await world.remove(KEYS.slice(80, 130));
  expect(await world.closed()).toBeNull();
  await world.remove(KEYS.slice(130), 'LifecycleExpiration:DeleteMarkerCreated');
  expect(await world.closed()).toMatchObject({ why: expect.stringContaining('expirations') });
});

test('mass overwrites pause deletes, but every version still arrives in a versioned destination', async () => {
  const world = brakeWorld();
  await world.put(KEYS, 'plain');
  await world.put(KEYS, 'encrypted');
  expect(await world.closed()).toMatchObject({ why: expect.stringContaining('overwrites') });
  expect(KEYS.every((key) => String(world.replica.current(key)?.bytes) === 'encrypted')).toBe(true);
  world.time.nowMs += 60_001;
  await world.remove(['k-0000']);
  expect(world.shown(['k-0000'])).toHaveLength(1);
});

test('an attacker who encrypts everything cannot overwrite a destination without versions', async () => {
  const world = brakeWorld({ versionings: ['enabled', 'unversioned'] });
  await world.put(KEYS, 'plain');
  await world.put(KEYS, 'encrypted');
  const lost = KEYS.filter((key) => String(world.replica.current(key)?.bytes) === 'encrypted');
  expect(lost.length).toBeLessThanOrEqual(60 + 4 * UNSHARED_CHANGES);
  expect(world.held()).toHaveLength(KEYS.length - lost.length);
  await world.release();
  expect(KEYS.every((key) => String(world.replica.current(key)?.bytes) === 'encrypted')).toBe(true);
});

test('held deletes survive a deployment and a year, and are passed on when they are released', async () => {
  const world = brakeWorld();
  await world.put(KEYS);
  await world.remove(KEYS);
  world.deploy();
  world.time.nowMs += 365 * 24 * 3_600_000;
  await world.put(['new']);
  await world.remove(['new']);
  expect(world.shown(['new'])).toHaveLength(1);
  await world.release();
  expect(world.shown(KEYS)).toEqual([]);
  expect(await world.closed()).toBeNull();
});

test('a key that is back at the source by the time of the release keeps its replica', async () => {
  const world = brakeWorld({ brake: { deletes: 0 } });
  await world.put(['k'], 'old');
  await world.remove(['k']);
  world.source.put('k', Buffer.from('restored'));
  await world.release();
  expect(String(world.replica.current('k')?.bytes)).toBe('restored');
});

test('a deployment that switches the brake off passes nothing on that was held, until it is released', async () => {
  const world = brakeWorld({ brake: { deletes: 0 } });
  await world.put(['k', 'new']);
  await world.remove(['k']);
  world.rule.brake = null;
  world.deploy();
  await world.remove(['new']);
  expect(world.shown(['k', 'new'])).toEqual(['k']);
  await world.release();
  expect(world.shown(['k'])).toEqual([]);
});

test('an operator may forget what is held, and the replicas stay', async () => {
  const world = brakeWorld({ brake: { deletes: 0 } });
  await world.put(['k']);
  await world.remove(['k']);
  await world.release('keep');
  expect(world.shown(['k'])).toHaveLength(1);
  expect(world.held()).toEqual([]);
});

test('a forged release in a message passes nothing on', async () => {
  const world = brakeWorld({ brake: { deletes: 0 } });
  await world.put(['k', 'unheld']);
  await world.remove(['k']);
  world.source.remove('unheld');
  await world.hint(['k', 'unheld'], { released: true });
  expect(world.shown(['k', 'unheld'])).toHaveLength(2);
});

test('deletes in a source without versions are held and released like all others', async () => {
  const world = brakeWorld({
    versionings: ['unversioned', 'enabled'],
    rule: { versions: 'latest' },
    brake: { deletes: 0 },
  });
  await world.put(['k']);
  await world.remove(['k'], 'ObjectRemoved:Delete');
  expect(world.shown(['k'])).toHaveLength(1);
  await world.release();
  expect(world.shown(['k'])).toEqual([]);
});
