/** Which objects a rule is for, where they go, and that each destination is on its own. */
import { PutObjectTaggingCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { refuseWrites } from '../../demo/refusal.ts';
import { startFidelityStage } from './support/fidelity.ts';
import { expectReplicas, put, seen } from './support/objects.ts';
import { watchRequests } from './support/operations.ts';
import { cli, deadLetters, purge } from './support/queues.ts';
import { settled, type Stage } from './support/stage.ts';
import { expectSameHistory, tagsOf } from './support/versions.ts';

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

test('tags, sizes, prefix and suffix decide, and the prefix is rewritten', async () => {
  const Tagging = tagging({ ...WANTED, more: 'x' });
  await put(stage, 'filtered', 'in/wanted.csv', '4444', { Tagging });
  await put(stage, 'filtered', 'in/smallest.csv', '333', { Tagging });
  await put(stage, 'filtered', 'in/largest.csv', '0123456789', { Tagging });
  await put(stage, 'filtered', 'in/too small.csv', '22', { Tagging });
  await put(stage, 'filtered', 'in/too large.csv', '0123456789a', { Tagging });
  await put(stage, 'filtered', 'in/no tags.csv', '4444');
  await put(stage, 'filtered', 'in/other value.csv', '4444', {
    Tagging: tagging({ ...WANTED, class: 'Public' }),
  });
  await put(stage, 'filtered', 'in/one of two.csv', '4444', { Tagging: 'class=public' });
  await put(stage, 'filtered', 'in/other.txt', '4444', { Tagging });
  await put(stage, 'filtered', 'other/wanted.csv', '4444', { Tagging });
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

test('an object is replicated when it gets the tags the rule asks for', async () => {
  const where = { Bucket: 'filtered', Key: 'in/later.csv' };
  const setTags = (tags: Record<string, string>) =>
    stage.source.s3().send(
      new PutObjectTaggingCommand({
        ...where,
        Tagging: { TagSet: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) },
      }),
    );
  await put(stage, 'filtered', where.Key, '4444');
  expect(await settled(stage)).toBe(true);
  const replica = () => seen(stage.destination.s3(), 'filtered-replica', 'out/later.csv');
  expect(await replica()).toBeNull();
  await setTags(WANTED);
  expect(await settled(stage)).toBe(true);
  await expectReplicas(stage, 'filtered', where.Key);
  // What has been replicated stays when the rule is not for it any more.
  await setTags({});
  expect(await settled(stage)).toBe(true);
  expect(await replica()).not.toBeNull();
});

test('only wanted versions become part of the history', async () => {
  for (const body of ['one', 'is too large for the rule', 'three']) {
    await put(stage, 'filtered', 'in/versions.csv', body, { Tagging: tagging(WANTED) });
  }
  expect(await settled(stage)).toBe(true);
  await expectReplicas(stage, 'filtered', 'in/versions.csv');
});

test('one denied destination keeps nobody waiting; the redrive copies its history to it alone', async () => {
  const allow = await refuseWrites(stage.destination.s3(), 'second-replica', 'k');
  const requests = watchRequests(stage);
  for (const body of ['one', 'two', 'three']) await put(stage, 'shared', 'k', body, { Tagging: 'a=b' });
  expect(await settled(stage)).toBe(true);
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
