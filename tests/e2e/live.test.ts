/** The packaged functions replicate new objects as they are uploaded, with permissions enforced. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { STAMP, stampIn, stampOf } from '../../demo/stamp.ts';
import { withHeaders } from '../../src/lib/aws/s3/client/command-hooks.ts';
import { expectReplicas, expectReplicated, openUploads, seen } from './support/objects.ts';
import { settled, startStage, type Stage } from './support/stages/stage.ts';

const MIB = 1024 * 1024;

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(async () => {
  await stage?.stop();
});
afterEach(async () => {
  expect(stage.dead.counts()).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
  expect(await openUploads(stage, 'main-replica')).toEqual([]);
});

test('a replica has the bytes of its object and a stamp that names the version', async () => {
  await stage.put('main', 'new', 'hello');
  expect(await settled(stage)).toBe(true);
  const [replica] = await expectReplicas(stage, 'main', 'new');
  const source = await seen(stage.source.s3(), 'main', 'new');
  const stamp =
    source && stampOf(source, { bucket: 'main-replica', key: 'new', source: { bucket: 'main', key: 'new' } });
  expect(Object.keys(replica?.Metadata ?? {})).toEqual([STAMP]);
  expect(replica && stampIn(replica)).toBe(stamp);
});

test('each overwrite of an object reaches its replica', async () => {
  for (const body of ['one', 'two', '', 'three']) {
    await stage.put('main', 'overwritten', body);
    await expectReplicated(stage, 'main', 'overwritten');
  }
});

test('a replica ends as the last of several overwrites in a row', async () => {
  for (let i = 0; i < 12; i++) await stage.put('main', 'busy', `body ${i}`);
  await expectReplicated(stage, 'main', 'busy');
});

test('new metadata with the same bytes reaches the replica', async () => {
  await stage.put('main', 'relabelled', 'same', { Metadata: { label: 'old' } });
  await expectReplicated(stage, 'main', 'relabelled');
  await stage.put('main', 'relabelled', 'same', { Metadata: { label: 'new' } });
  await expectReplicated(stage, 'main', 'relabelled');
});

test('a replica has all headers, metadata and the redirect, with Expires exactly as written', async () => {
  const command = new PutObjectCommand({
    Bucket: 'main',
    Key: 'described',
    Body: 'text',
    CacheControl: 'max-age=60, public',
    ContentDisposition: 'attachment; filename="a b.txt"',
    ContentEncoding: 'gzip',
    ContentLanguage: 'de-AT',
    ContentType: 'text/plain; charset=utf-8',
    WebsiteRedirectLocation: '/elsewhere',
    Metadata: { author: 'Ann', 'with-hyphen': 'x', empty: '' },
  });
  await stage.source.s3().send(withHeaders(command, { expires: 'when hell freezes over' }));
  expect(await settled(stage)).toBe(true);
  const [replica] = await expectReplicas(stage, 'main', 'described');
  expect(replica).toMatchObject({
    ContentLanguage: 'de-AT',
    ExpiresString: 'when hell freezes over',
    WebsiteRedirectLocation: '/elsewhere',
  });
});

test('a replica has two kilobytes of metadata, without a stamp because there is no room for it', async () => {
  await stage.put('main', 'talkative', 'x', { Metadata: { long: 'm'.repeat(2_044) } });
  expect(await settled(stage)).toBe(true);
  const [replica] = await expectReplicas(stage, 'main', 'talkative');
  expect(replica?.Metadata).not.toHaveProperty(STAMP);
  await stage.put('main', 'talkative', 'y', { Metadata: { long: 'n'.repeat(2_044) } });
  await expectReplicated(stage, 'main', 'talkative');
});

test.each(['STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER_IR'] as const)(
  'a replica keeps the storage class %s',
  async (storageClass) => {
    await stage.put('main', storageClass, 'cold', { StorageClass: storageClass });
    await expectReplicated(stage, 'main', storageClass);
  },
);

test('empty objects and folders are replicated', async () => {
  await stage.put('main', 'empty', '');
  await stage.put('main', 'folder/', '');
  await stage.put('main', 'folder/inside/', '', { ContentType: 'application/x-directory' });
  await expectReplicated(stage, 'main', 'empty', 'folder/', 'folder/inside/');
});

test('a bucket with KMS keys on both sides and events through EventBridge is replicated', async () => {
  await stage.put('secrets', 'small', 'secret', { Metadata: { a: 'b' } });
  await stage.put('secrets', 'odd + key/ü', 'secret');
  await stage.putParts('secrets', 'large', [randomBytes(5 * MIB), randomBytes(99)]);
  await expectReplicated(stage, 'secrets', 'small', 'odd + key/ü', 'large');
  await stage.put('secrets', 'small', 'other');
  await expectReplicated(stage, 'secrets', 'small');
  expect(await openUploads(stage, 'secrets-replica')).toEqual([]);
  const replica = await seen(stage.destination.s3(), 'secrets-replica', 'small');
  expect(replica).toMatchObject({
    SSEKMSKeyId: 'arn:aws:kms:us-east-1:222222222222:key/22222222-2222-2222-2222-222222222222',
    BucketKeyEnabled: true,
  });
});

test.each(['plain', 'suspended'])(
  'the bucket %s, which has no version ids, is replicated',
  async (bucket) => {
    await stage.put(bucket, 'k', 'one');
    await expectReplicated(stage, bucket, 'k');
    await stage.put(bucket, 'k', 'two', { Metadata: { a: '1' } });
    await expectReplicated(stage, bucket, 'k');
    // The same bytes have the same ETag, so only the metadata distinguishes the two states.
    await stage.put(bucket, 'k', 'two', { Metadata: { a: '2' } });
    await expectReplicated(stage, bucket, 'k');
    await stage.putParts(bucket, 'k', [randomBytes(5 * MIB), randomBytes(1)]);
    await expectReplicated(stage, bucket, 'k');
  },
);

test('a source that is read with another role is replicated', async () => {
  await stage.put('lent', 'k', 'one');
  await stage.putParts('lent', 'large', [randomBytes(5 * MIB), randomBytes(1)]);
  await expectReplicated(stage, 'lent', 'k', 'large');
});

const archive = () => stage.destination.s3('eu-central-1');

test('an object goes to every destination of its rule, under rewritten keys and in the mapped class', async () => {
  await stage.put('shared', 'reports/2026/a b.pdf', 'pdf');
  await expectReplicated(stage, 'shared', 'reports/2026/a b.pdf');
  expect(await seen(archive(), 'archive', 'acme/2026/a b.pdf')).toMatchObject({
    StorageClass: 'STANDARD_IA',
  });
});

test('the storage class of a large object is mapped too', async () => {
  await stage.putParts('shared', 'reports/large.pdf', [randomBytes(5 * MIB), randomBytes(1)]);
  await expectReplicated(stage, 'shared', 'reports/large.pdf');
});

test('each rule of a bucket replicates its own keys, and keys of no rule stay behind', async () => {
  await stage.put('shared', 'images/cat', 'meow');
  await stage.put('shared', 'reports/notes.txt', 'not a pdf');
  await stage.put('shared', 'elsewhere/report.pdf', 'not under reports/');
  await expectReplicated(stage, 'shared', 'images/cat');
  expect(await seen(stage.destination.s3(), 'shared-replica', 'a-rather-long-prefix/cat')).not.toBeNull();
  for (const key of ['reports/notes.txt', 'elsewhere/report.pdf']) {
    expect(await seen(stage.destination.s3(), 'shared-replica', key)).toBeNull();
  }
});

test('a replica stays when its object is deleted and the rule ignores deletes', async () => {
  await stage.put('main', 'deleted', 'gone soon');
  await expectReplicated(stage, 'main', 'deleted');
  await stage.source.s3().send(new DeleteObjectCommand({ Bucket: 'main', Key: 'deleted' }));
  expect(await settled(stage)).toBe(true);
  expect(await seen(stage.destination.s3(), 'main-replica', 'deleted')).not.toBeNull();
  // An object that is written after a delete counts as new.
  await stage.put('main', 'deleted', 'back');
  await expectReplicated(stage, 'main', 'deleted');
});

test('each outcome is logged in one line without object data, and is counted', async () => {
  const before = stage.logs.length;
  await stage.put('main', 'logged', 'top secret content', { Metadata: { hush: 'top secret too' } });
  await expectReplicated(stage, 'main', 'logged');
  const lines = stage.logs.slice(before);
  const outcomes = lines.filter(({ line }) => line.includes('"ending":"done"'));
  expect(outcomes).toHaveLength(1);
  expect(JSON.parse(outcomes[0]?.line ?? '')).toMatchObject({
    outcome: 'replicated',
    key: 'logged',
    bytes: 18,
    rule: 'main',
    proof: 'checksum',
  });
  expect(JSON.stringify(lines)).not.toContain('top secret');
  expect(lines.every(({ delivered }) => delivered)).toBe(true);
  const metrics = stage.aws.lambda
    .metrics(stage.names.replicateFunction)
    .findLast((line) => 'OperationsReplicated' in line);
  expect(metrics).toMatchObject({
    OperationsReplicated: 1,
    BytesReplicated: 18,
    ReplicationLatency: expect.any(Number),
    SourceBucket: 'main',
    DestinationBucket: 'main-replica',
    RuleId: 'main',
  });
  // CloudWatch finds a metric only by all of its dimensions, so an alarm made from the documents needs exactly these.
  expect(metrics?._aws).toMatchObject({
    CloudWatchMetrics: [
      { Namespace: 's3-replicator', Dimensions: [await dimensionsIn('docs/operations.md')] },
    ],
  });
  expect(await dimensionsIn('README.md')).toEqual(await dimensionsIn('docs/operations.md'));
});

/** Returns the dimensions that a document names for all metrics. */
const dimensionsIn = async (document: string): Promise<string[]> => {
  const [, names = ''] = /dimensions[^`]*((?:`\w+`[,\s]*)+)/.exec(await readFile(document, 'utf8')) ?? [];
  return [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
};
