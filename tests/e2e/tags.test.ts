/** Tags of every kind reach the replica, whether they are set with the object or later. */
import { randomBytes } from 'node:crypto';
import { DeleteObjectTaggingCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { expectReplicated } from './support/objects.ts';
import { watchRequests, writesIn } from './support/operations.ts';
import { beforeEvents, deadLetters, purge } from './support/queues.ts';
import { startFidelityStage } from './support/stages/fidelity.ts';
import { settled, type Stage } from './support/stages/stage.ts';
import { setTags, tagsOf } from './support/tags.ts';
import { expectSameHistory, historyOf } from './support/versions.ts';

const MIB = 1024 * 1024;

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

const replicaTags = (bucket: string, key: string, versionId?: string) =>
  tagsOf(stage.destination.s3(), `${bucket}-replica`, key, versionId);

/**
 * Tags with every kind of legal character: letters and digits of any language, spaces, and `+ - = . _ : / @`. The longest key has
 * 128 characters, and the longest value 256 ("Object tagging", S3 User Guide).
 */
const ALL_KINDS: Record<string, string> = {
  'plus+minus-equals=': 'dot.under_colon:slash/at@',
  'with spaces': ' and around ',
  Größe: '株式会社 счёт ½',
  empty: '',
  'percent 20': '%20'.replace('%', ' '),
  ['k'.repeat(128)]: 'v'.repeat(256),
  ['ü'.repeat(128)]: 'é'.repeat(256),
};

test('tags of every legal character are replicated with small and with large objects', async () => {
  const Tagging = new URLSearchParams(ALL_KINDS).toString();
  await stage.put('everything', 'tags/small', 'x', { Tagging });
  await stage.putParts('everything', 'tags/large', [randomBytes(5 * MIB), randomBytes(1)], { Tagging });
  await expectReplicated(stage, 'everything', 'tags/small', 'tags/large');
  expect(await replicaTags('everything', 'tags/small')).toEqual(ALL_KINDS);
  expect(await replicaTags('everything', 'tags/large')).toEqual(ALL_KINDS);
});

test.each(['everything', 'bridged', 'unstamped', 'plain', 'suspended'])(
  'tags that change later reach the replica of bucket %s without another copy of the object',
  async (bucket) => {
    await stage.put(bucket, 'tags/later', 'x', { Tagging: 'a=1' });
    await expectReplicated(stage, bucket, 'tags/later');
    const requests = watchRequests(stage);
    await setTags(stage, { bucket, key: 'tags/later' }, ALL_KINDS);
    expect(await settled(stage)).toBe(true);
    expect(await replicaTags(bucket, 'tags/later')).toEqual(ALL_KINDS);
    expect(await historyOf(stage.destination.s3(), `${bucket}-replica`, 'tags/later')).toHaveLength(1);
    expect(writesIn(requests)).toEqual([`s3:PutObjectTagging ${bucket}-replica/tags/later`]);
    await stage.source.s3().send(new DeleteObjectTaggingCommand({ Bucket: bucket, Key: 'tags/later' }));
    expect(await settled(stage)).toBe(true);
    expect(await replicaTags(bucket, 'tags/later')).toEqual({});
    expect(await historyOf(stage.destination.s3(), `${bucket}-replica`, 'tags/later')).toHaveLength(1);
  },
);

test('tags of an older version reach its replica, whether they change before or after its replication', async () => {
  const { VersionId: first } = await stage.put('everything', 'tags/old', 'one', { Tagging: 'v=1' });
  await stage.put('everything', 'tags/old', 'two', { Tagging: 'v=2' });
  expect(await settled(stage)).toBe(true);
  await setTags(stage, { bucket: 'everything', key: 'tags/old', versionId: first }, { v: 'new' });
  expect(await settled(stage)).toBe(true);
  await expectSameHistory(stage, 'everything', 'tags/old');
  await beforeEvents(stage, async () => {
    const { VersionId: third } = await stage.put('everything', 'tags/old', 'three', { Tagging: 'v=3' });
    await stage.put('everything', 'tags/old', 'four');
    await setTags(stage, { bucket: 'everything', key: 'tags/old', versionId: third }, { v: 'changed' });
  });
  expect(await settled(stage)).toBe(true);
  await expectSameHistory(stage, 'everything', 'tags/old');
});

test('the replica ends with the tags of the last of many changes', async () => {
  await stage.put('everything', 'tags/busy', 'x');
  for (let i = 0; i < 10; i++)
    await setTags(stage, { bucket: 'everything', key: 'tags/busy' }, { number: String(i) });
  expect(await settled(stage)).toBe(true);
  expect(await replicaTags('everything', 'tags/busy')).toEqual({ number: '9' });
  await expectSameHistory(stage, 'everything', 'tags/busy');
});
