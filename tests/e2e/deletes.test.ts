/** A delete at the source reaches the replica if the rule replicates deletes. history.test.ts tests deletes between versions. */
import { DeleteObjectCommand, DeleteObjectsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startFidelityStage } from './support/stages/fidelity.ts';
import { expectReplicas, seen } from './support/objects.ts';
import { settled, type Stage } from './support/stages/stage.ts';
import { expectSameHistory, historyOf } from './support/versions.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startFidelityStage();
});
afterAll(async () => {
  await stage?.stop();
});
afterEach(() => {
  expect(stage.dead.counts()).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
});

const remove = (bucket: string, Key: string, VersionId?: string) =>
  stage.source.s3().send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId }));

const replica = (bucket: string, key: string) => seen(stage.destination.s3(), `${bucket}-replica`, key);

const replicatedIn = async (bucket: string, ...keys: string[]): Promise<void> => {
  for (const key of keys) await stage.put(bucket, key, 'x');
  expect(await settled(stage)).toBe(true);
  for (const key of keys) await expectReplicas(stage, bucket, key);
};

test.each(['everything', 'bridged', 'unstamped', 'suspended', 'plain'])(
  'an object that is deleted in bucket %s is deleted at the destination, and may come back',
  async (bucket) => {
    await replicatedIn(bucket, 'deleted', 'stays', 'one of many', 'another');
    await remove(bucket, 'deleted');
    const Objects = [{ Key: 'one of many' }, { Key: 'another' }, { Key: 'never there' }];
    await stage.source.s3().send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
    expect(await settled(stage)).toBe(true);
    for (const key of ['deleted', 'one of many', 'another']) expect(await replica(bucket, key)).toBeNull();
    await expectReplicas(stage, bucket, 'stays');
    expect(await historyOf(stage.destination.s3(), `${bucket}-replica`, 'never there')).toEqual([]);
    await replicatedIn(bucket, 'deleted');
  },
);

test.each(['kept', 'plain-kept'])(
  'bucket %s: a replica stays when its object is deleted and the rule has `deletes: ignore`',
  async (bucket) => {
    await replicatedIn(bucket, 'deleted');
    await remove(bucket, 'deleted');
    expect(await settled(stage)).toBe(true);
    expect(await replica(bucket, 'deleted')).not.toBeNull();
    await replicatedIn(bucket, 'deleted');
  },
);

test('the permanent deletion of versions is not replicated, even if all versions are deleted', async () => {
  const ids: (string | undefined)[] = [];
  for (const body of ['1', '22', '333']) ids.push((await stage.put('everything', 'emptied', body)).VersionId);
  expect(await settled(stage)).toBe(true);
  await expectSameHistory(stage, 'everything', 'emptied');
  for (const id of ids.toReversed()) await remove('everything', 'emptied', id);
  expect(await settled(stage)).toBe(true);
  const history = await historyOf(stage.destination.s3(), 'everything-replica', 'emptied');
  expect(history.map((entry) => entry.kind === 'version' && entry.seen.ContentLength)).toEqual([1, 2, 3]);
});

test('an object that somebody else wrote to an unversioned destination is not deleted', async () => {
  await replicatedIn('plain', 'replaced');
  const s3 = stage.destination.s3();
  await s3.send(new DeleteObjectCommand({ Bucket: 'plain-replica', Key: 'replaced' }));
  await putForeign('replaced');
  await remove('plain', 'replaced');
  expect(await settled(stage)).toBe(true);
  expect(await replica('plain', 'replaced')).toMatchObject({ ContentLength: 7 });
});

const putForeign = async (Key: string): Promise<void> => {
  await stage.destination.s3().send(new PutObjectCommand({ Bucket: 'plain-replica', Key, Body: 'foreign' }));
};
