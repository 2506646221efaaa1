/** Filters decide which objects a rule replicates. Each destination of a rule is independent of the others. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { refuseWrites } from '../../demo/refusal.ts';
import { startFidelityStage } from './support/stages/fidelity.ts';
import { expectReplicas, seen } from './support/objects.ts';
import { watchRequests } from './support/operations.ts';
import { cli, deadLetters, purge } from './support/queues.ts';
import { PERMISSION_SECONDS, settled, type Stage } from './support/stages/stage.ts';
import { setTags, tagsOf } from './support/tags.ts';
import { expectSameHistory } from './support/versions.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startFidelityStage();
});
afterAll(async () => {
  await stage?.stop();
});
afterEach(async () => {
  stage.aws.faults.plan = undefined;
  expect(await deadLetters(stage)).toEqual([]);
  purge(stage);
});

const WANTED = { class: 'public', team: 'a b+c=d' };
const tagging = (tags: Record<string, string>): string => new URLSearchParams(tags).toString();

test('a rule replicates only objects with its tags, sizes, prefix and suffix, under a rewritten prefix', async () => {
  const Tagging = tagging({ ...WANTED, more: 'x' });
  await stage.put('filtered', 'in/wanted.csv', '4444', { Tagging });
  await stage.put('filtered', 'in/smallest.csv', '333', { Tagging });
  await stage.put('filtered', 'in/largest.csv', '0123456789', { Tagging });
  await stage.put('filtered', 'in/too small.csv', '22', { Tagging });
  await stage.put('filtered', 'in/too large.csv', '0123456789a', { Tagging });
  await stage.put('filtered', 'in/no tags.csv', '4444');
  await stage.put('filtered', 'in/other value.csv', '4444', {
    Tagging: tagging({ ...WANTED, class: 'Public' }),
  });
  await stage.put('filtered', 'in/one of two.csv', '4444', { Tagging: 'class=public' });
  await stage.put('filtered', 'in/other.txt', '4444', { Tagging });
  await stage.put('filtered', 'other/wanted.csv', '4444', { Tagging });
  expect(await settled(stage)).toBe(true);
  const destination = stage.destination.s3();
  for (const name of ['wanted', 'smallest', 'largest']) {
    await expectReplicas(stage, 'filtered', `in/${name}.csv`);
    expect(await tagsOf(destination, 'filtered-replica', `out/${name}.csv`)).toEqual({
      ...WANTED,
      more: 'x',
    });
  }
  for (const name of ['too small', 'too large', 'no tags', 'other value', 'one of two']) {
    expect(await seen(destination, 'filtered-replica', `out/${name}.csv`), name).toBeNull();
  }
});

test('a rule leaves out what a line of exclude describes, and a replica made before stays', async () => {
  const replica = (key: string) => seen(stage.destination.s3(), 'excluded-replica', key);
  const before = { bucket: 'excluded', key: 'before' };
  await stage.put('excluded', before.key, 'one');
  await stage.put('excluded', 'kept.part', '4444');
  await stage.put('excluded', 'clean', 'one', { Tagging: 'scan=clean' });
  await stage.put('excluded', 'tmp/key', 'one');
  await stage.put('excluded', 'too large.part', '55555');
  await stage.put('excluded', 'infected', 'one', { Tagging: 'scan=infected' });
  expect(await settled(stage)).toBe(true);
  for (const key of ['before', 'kept.part', 'clean']) await expectReplicas(stage, 'excluded', key);
  for (const key of ['tmp/key', 'too large.part', 'infected']) expect(await replica(key), key).toBeNull();
  await setTags(stage, before, { scan: 'infected' });
  await stage.put('excluded', before.key, 'a longer body', { Tagging: 'scan=infected' });
  expect(await settled(stage)).toBe(true);
  expect(await replica(before.key)).toMatchObject({ ContentLength: 3 });
});

test('an object is replicated as soon as it gets the tags that the rule asks for', async () => {
  const later = { bucket: 'filtered', key: 'in/later.csv' };
  await stage.put('filtered', later.key, '4444');
  expect(await settled(stage)).toBe(true);
  const replica = () => seen(stage.destination.s3(), 'filtered-replica', 'out/later.csv');
  expect(await replica()).toBeNull();
  await setTags(stage, later, WANTED);
  expect(await settled(stage)).toBe(true);
  await expectReplicas(stage, 'filtered', later.key);
  // A replica stays when the rule no longer matches its object.
  await setTags(stage, later, {});
  expect(await settled(stage)).toBe(true);
  expect(await replica()).not.toBeNull();
});

test('an object is replicated when the malware scan has tagged it clean, and not before', async () => {
  const replica = (key: string) => seen(stage.destination.s3(), 'scanned-replica', key);
  const tagBy = (key: string, status: string) =>
    setTags(stage, { bucket: 'scanned', key }, { GuardDutyMalwareScanStatus: status });
  const all = ['clean', 'infected', 'not scanned'];
  for (const key of all) await stage.put('scanned', key, `body of ${key}`);
  expect(await settled(stage)).toBe(true);
  for (const key of all) expect(await replica(key), key).toBeNull();
  await tagBy('clean', 'NO_THREATS_FOUND');
  await tagBy('infected', 'THREATS_FOUND');
  expect(await settled(stage)).toBe(true);
  await expectReplicas(stage, 'scanned', 'clean');
  for (const key of all.slice(1)) expect(await replica(key), key).toBeNull();
});

test('only versions that the rule matches are replicated', async () => {
  for (const body of ['one', 'is too large for the rule', 'three']) {
    await stage.put('filtered', 'in/versions.csv', body, { Tagging: tagging(WANTED) });
  }
  expect(await settled(stage)).toBe(true);
  await expectReplicas(stage, 'filtered', 'in/versions.csv');
});

test('an object is replicated whichever key of its source encrypts it', async () => {
  const SSEKMSKeyId = 'arn:aws:kms:us-east-1:111111111111:key/33333333-3333-3333-3333-333333333333';
  const Principal = { AWS: '111111111111' };
  const statement = { Effect: 'Allow' as const, Principal, Action: 'kms:*', Resource: '*' };
  stage.aws.kms.put(SSEKMSKeyId, { Version: '2012-10-17', Statement: [statement] });
  await stage.put('encrypted', 'first key', 'secret');
  await stage.put('encrypted', 'second key', 'secret', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId });
  expect(await settled(stage)).toBe(true);
  for (const key of ['first key', 'second key'])
    expect(await seen(stage.destination.s3(), 'sse-s3', key), key).toMatchObject({ ContentLength: 6 });
});

test('a denied destination delays no other, and the redrive copies the history to it alone', async () => {
  const allow = await refuseWrites(stage.destination.s3(), 'second-replica', 'k');
  const requests = watchRequests(stage);
  for (const body of ['one', 'two', 'three']) await stage.put('shared', 'k', body, { Tagging: 'a=b' });
  expect(await settled(stage, 3_600, PERMISSION_SECONDS)).toBe(true);
  const letters = await deadLetters(stage);
  expect(
    new Set(letters.map(({ attributes: { destination, reason } }) => `${destination}: ${reason}`)),
  ).toEqual(new Set(['second-replica: access-denied']));
  expect(await seen(stage.destination.s3(), 'second-replica', 'k')).toBeNull();
  await allow();
  requests.length = 0;
  expect(await cli(stage, 'dlq', 'redrive')).toMatchObject({ exitCode: 0 });
  expect(await settled(stage)).toBe(true);
  expect(requests.filter((request) => request.includes('first-replica'))).toEqual([]);
  await expectSameHistory(stage, 'shared', 'k');
});
