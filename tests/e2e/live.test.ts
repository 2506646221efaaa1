/** Live replication, from upload to replica, by the packaged functions with permissions enforced. */
import { randomBytes } from 'node:crypto';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { STAMP, stampOf } from '../../demo/stamp.ts';
import { expectReplicas, openUploads, put, seen } from './support/objects.ts';
import { PROPERTY_SEED } from './support/seed.ts';
import { settled, startStage, type Stage } from './support/stage.ts';
import { putParts } from './support/uploads.ts';

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

const replicated = async (bucket: string, ...keys: string[]): Promise<void> => {
  expect(await settled(stage)).toBe(true);
  for (const key of keys) await expectReplicas(stage, bucket, key);
};

describe('what a replica takes over', () => {
  test('the bytes of a new object, with a stamp that names its version', async () => {
    await put(stage, 'main', 'new', 'hello');
    expect(await settled(stage)).toBe(true);
    const [replica] = await expectReplicas(stage, 'main', 'new');
    const source = await seen(stage.source.s3(), 'main', 'new');
    const stamp = source && stampOf(source, { bucket: 'main-replica', key: 'new' });
    expect(replica?.Metadata).toEqual({ [STAMP]: stamp });
  });

  test('the bytes of each overwrite', async () => {
    for (const body of ['one', 'two', '', 'three']) {
      await put(stage, 'main', 'overwritten', body);
      await replicated('main', 'overwritten');
    }
  });

  test('the last of several overwrites in a row', async () => {
    for (let i = 0; i < 12; i++) await put(stage, 'main', 'busy', `body ${i}`);
    await replicated('main', 'busy');
  });

  test('new metadata over the same bytes', async () => {
    await put(stage, 'main', 'relabelled', 'same', { Metadata: { label: 'old' } });
    await replicated('main', 'relabelled');
    await put(stage, 'main', 'relabelled', 'same', { Metadata: { label: 'new' } });
    await replicated('main', 'relabelled');
  });

  test('all headers, metadata and the redirect, Expires as it was written', async () => {
    await put(
      stage,
      'main',
      'described',
      'text',
      {
        CacheControl: 'max-age=60, public',
        ContentDisposition: 'attachment; filename="a b.txt"',
        ContentEncoding: 'gzip',
        ContentLanguage: 'de-AT',
        ContentType: 'text/plain; charset=utf-8',
        WebsiteRedirectLocation: '/elsewhere',
        Metadata: { author: 'Ann', 'with-hyphen': 'x', empty: '' },
      },
      { expires: 'when hell freezes over' },
    );
    expect(await settled(stage)).toBe(true);
    const [replica] = await expectReplicas(stage, 'main', 'described');
    expect(replica).toMatchObject({
      ContentLanguage: 'de-AT',
      ExpiresString: 'when hell freezes over',
      WebsiteRedirectLocation: '/elsewhere',
    });
  });

  test('two kilobytes of metadata, without a stamp since there is no room for it', async () => {
    await put(stage, 'main', 'talkative', 'x', { Metadata: { long: 'm'.repeat(2_044) } });
    expect(await settled(stage)).toBe(true);
    const [replica] = await expectReplicas(stage, 'main', 'talkative');
    expect(replica?.Metadata).not.toHaveProperty(STAMP);
    await put(stage, 'main', 'talkative', 'y', { Metadata: { long: 'n'.repeat(2_044) } });
    await replicated('main', 'talkative');
  });

  test.each(['STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER_IR'] as const)(
    'the storage class %s',
    async (storageClass) => {
      await put(stage, 'main', storageClass, 'cold', { StorageClass: storageClass });
      await replicated('main', storageClass);
    },
  );

  test('nothing at all, where the object is empty or a folder', async () => {
    await put(stage, 'main', 'empty', '');
    await put(stage, 'main', 'folder/', '');
    await put(stage, 'main', 'folder/inside/', '', { ContentType: 'application/x-directory' });
    await replicated('main', 'empty', 'folder/', 'folder/inside/');
  });
});

describe('keys', () => {
  test('of 1,024 bytes', async () => {
    const keys = ['k'.repeat(1_024), 'ü'.repeat(512), '語'.repeat(341) + 'x', '😀'.repeat(256)];
    for (const key of keys) await put(stage, 'main', key, 'long');
    await replicated('main', ...keys);
  });

  test('with characters that encodings stumble over', async () => {
    const keys = [
      'a b',
      ' leading',
      'trailing ',
      'a+b',
      'a%2Bb',
      '100%',
      'a&b=c?d#e',
      `quote"'<>`,
      'back\\slash',
      'tab\tline\nreturn\r',
      '\u0001\u001f\u007f',
      '\ufffe',
      'e\u0301 and \u00e9',
      '..',
      '//double//',
      '*',
      '~!@$^(){}[];:,|`',
      '\u202eright to left',
      '👩‍👩‍👧‍👦',
      '+',
      '%',
      '.',
      'ends/with/..',
    ];
    for (const key of keys) await put(stage, 'main', key, `body of ${JSON.stringify(key)}`);
    await replicated('main', ...keys);
  });

  test('of any characters', async () => {
    const character = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 });
    const awkward = fc.constantFrom('/', '+', '%', ' ', '.', '%2F', '\n', '&', '=', '?', '\u0000');
    const key = fc
      .array(fc.oneof(character, awkward), { minLength: 1, maxLength: 60 })
      .map((characters) => `any/${characters.join('')}`.toWellFormed())
      .filter((text) => Buffer.byteLength(text) <= 1_024);
    const property = fc.asyncProperty(fc.uniqueArray(key, { minLength: 60, maxLength: 60 }), async (keys) => {
      await Promise.all(keys.map((name) => put(stage, 'main', name, `body of ${JSON.stringify(name)}`)));
      await replicated('main', ...keys);
    });
    await fc.assert(property, { seed: PROPERTY_SEED, numRuns: 1, endOnFailure: true });
  });
});

describe('multipart objects', () => {
  test('keep irregular part boundaries, and with them the ETag', async () => {
    const sizes = [5 * MIB + 7, 6 * MIB, 5 * MIB, 3];
    const { ETag: etag } = await putParts(
      stage,
      'main',
      'irregular',
      sizes.map((size) => randomBytes(size)),
    );
    expect(etag).toMatch(/-4"$/);
    await replicated('main', 'irregular');
  });

  test.each([
    ['SHA256', 'COMPOSITE'],
    ['CRC32', 'FULL_OBJECT'],
    ['CRC32C', 'FULL_OBJECT'],
    ['CRC64NVME', 'FULL_OBJECT'],
    ['CRC32', 'COMPOSITE'],
  ] as const)('keep their %s checksum, %s', async (algorithm, type) => {
    const key = `${algorithm} ${type}`;
    await putParts(stage, 'main', key, [randomBytes(5 * MIB), randomBytes(12_345)], {
      ChecksumAlgorithm: algorithm,
      ChecksumType: type,
    });
    await settled(stage);
    const [replica] = await expectReplicas(stage, 'main', key);
    expect(replica).toMatchObject({ [`Checksum${algorithm}`]: expect.any(String), ChecksumType: type });
  });

  test('of one part remain multipart', async () => {
    const { ETag: etag } = await putParts(stage, 'main', 'one part', [randomBytes(10)], {
      StorageClass: 'STANDARD_IA',
    });
    expect(etag).toMatch(/-1"$/);
    await replicated('main', 'one part');
  });
});

test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
  'a small object keeps its %s checksum',
  async (algorithm) => {
    await put(stage, 'main', algorithm, 'checked', { ChecksumAlgorithm: algorithm });
    expect(await settled(stage)).toBe(true);
    const [replica] = await expectReplicas(stage, 'main', algorithm);
    expect(replica).toMatchObject({ [`Checksum${algorithm}`]: expect.any(String) });
  },
);

describe('buckets of every kind', () => {
  test('KMS keys on both sides, with events through EventBridge', async () => {
    await put(stage, 'secrets', 'small', 'secret', { Metadata: { a: 'b' } });
    await put(stage, 'secrets', 'odd + key/ü', 'secret');
    await putParts(stage, 'secrets', 'large', [randomBytes(5 * MIB), randomBytes(99)]);
    await replicated('secrets', 'small', 'odd + key/ü', 'large');
    await put(stage, 'secrets', 'small', 'other');
    await replicated('secrets', 'small');
    expect(await openUploads(stage, 'secrets-replica')).toEqual([]);
    const replica = await seen(stage.destination.s3(), 'secrets-replica', 'small');
    expect(replica).toMatchObject({
      SSEKMSKeyId: 'arn:aws:kms:us-east-1:222222222222:key/22222222-2222-2222-2222-222222222222',
      BucketKeyEnabled: true,
    });
  });

  test.each(['plain', 'suspended'])('without version ids: %s', async (bucket) => {
    await put(stage, bucket, 'k', 'one');
    await replicated(bucket, 'k');
    await put(stage, bucket, 'k', 'two', { Metadata: { a: '1' } });
    await replicated(bucket, 'k');
    // The same bytes give the same ETag: only the metadata tells the two states apart.
    await put(stage, bucket, 'k', 'two', { Metadata: { a: '2' } });
    await replicated(bucket, 'k');
    await putParts(stage, bucket, 'k', [randomBytes(5 * MIB), randomBytes(1)]);
    await replicated(bucket, 'k');
  });

  test('a source that another role reads', async () => {
    await put(stage, 'lent', 'k', 'one');
    await putParts(stage, 'lent', 'large', [randomBytes(5 * MIB), randomBytes(1)]);
    await replicated('lent', 'k', 'large');
  });
});

describe('rules', () => {
  const archive = () => stage.destination.s3('eu-central-1');

  test('an object goes to every destination of its rule, under rewritten keys and in the mapped class', async () => {
    await put(stage, 'shared', 'reports/2026/a b.pdf', 'pdf');
    await replicated('shared', 'reports/2026/a b.pdf');
    expect(await seen(archive(), 'archive', 'acme/2026/a b.pdf')).toMatchObject({
      StorageClass: 'STANDARD_IA',
    });
  });

  test('the storage class of a large object is mapped too', async () => {
    await putParts(stage, 'shared', 'reports/large.pdf', [randomBytes(5 * MIB), randomBytes(1)]);
    await replicated('shared', 'reports/large.pdf');
  });

  test('each rule of a bucket takes its own keys, and what none wants is left alone', async () => {
    await put(stage, 'shared', 'images/cat', 'meow');
    await put(stage, 'shared', 'reports/notes.txt', 'not a pdf');
    await put(stage, 'shared', 'elsewhere/report.pdf', 'not under reports/');
    await replicated('shared', 'images/cat');
    expect(await seen(stage.destination.s3(), 'shared-replica', 'a-rather-long-prefix/cat')).not.toBeNull();
    for (const key of ['reports/notes.txt', 'elsewhere/report.pdf']) {
      expect(await seen(stage.destination.s3(), 'shared-replica', key)).toBeNull();
    }
  });

  test('deletes are ignored: the replica stays', async () => {
    await put(stage, 'main', 'deleted', 'gone soon');
    await replicated('main', 'deleted');
    await stage.source.s3().send(new DeleteObjectCommand({ Bucket: 'main', Key: 'deleted' }));
    expect(await settled(stage)).toBe(true);
    expect(await seen(stage.destination.s3(), 'main-replica', 'deleted')).not.toBeNull();
    // And an object that comes after a delete marker is new again.
    await put(stage, 'main', 'deleted', 'back');
    await replicated('main', 'deleted');
  });
});

test('each outcome is one log line without object data, and is counted', async () => {
  const before = stage.logs.length;
  await put(stage, 'main', 'logged', 'top secret content', { Metadata: { hush: 'top secret too' } });
  await replicated('main', 'logged');
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
  const metrics = stage.aws.lambda.metrics(stage.names.replicateFunction).at(-1);
  expect(metrics).toMatchObject({
    OperationsReplicated: 1,
    BytesReplicated: 18,
    ReplicationLatency: expect.any(Number),
    SourceBucket: 'main',
    DestinationBucket: 'main-replica',
    RuleId: 'main',
  });
});
