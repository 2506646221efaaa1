/** Replicates every key that S3 allows, and objects with every kind of checksum. */
import { hash, randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { expectReplicas, expectReplicated, openUploads } from './support/objects.ts';
import { PROPERTY_SEED } from './support/seed.ts';
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

test('keys of 1,024 bytes are replicated', async () => {
  const keys = ['k'.repeat(1_024), 'ü'.repeat(512), '語'.repeat(341) + 'x', '😀'.repeat(256)];
  for (const key of keys) await stage.put('main', key, 'long');
  await expectReplicated(stage, 'main', ...keys);
});

test('keys with characters that need encoding are replicated', async () => {
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
  for (const key of keys) await stage.put('main', key, `body of ${JSON.stringify(key)}`);
  await expectReplicated(stage, 'main', ...keys);
});

test('keys of arbitrary characters are replicated', async () => {
  const character = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 });
  const awkward = fc.constantFrom('/', '+', '%', ' ', '.', '%2F', '\n', '&', '=', '?', '\u0000');
  const key = fc
    .array(fc.oneof(character, awkward), { minLength: 1, maxLength: 60 })
    .map((characters) => `any/${characters.join('')}`.toWellFormed())
    .filter((text) => Buffer.byteLength(text) <= 1_024);
  const property = fc.asyncProperty(fc.uniqueArray(key, { minLength: 60, maxLength: 60 }), async (keys) => {
    await Promise.all(keys.map((name) => stage.put('main', name, `body of ${JSON.stringify(name)}`)));
    await expectReplicated(stage, 'main', ...keys);
  });
  await fc.assert(property, { seed: PROPERTY_SEED, numRuns: 1, endOnFailure: true });
});

test('multipart objects keep irregular part boundaries, and with them the ETag', async () => {
  const sizes = [5 * MIB + 7, 6 * MIB, 5 * MIB, 3];
  const { ETag: etag } = await stage.putParts(
    'main',
    'irregular',
    sizes.map((size) => randomBytes(size)),
  );
  expect(etag).toMatch(/-4"$/);
  await expectReplicated(stage, 'main', 'irregular');
});

test.each([
  ['SHA256', 'COMPOSITE'],
  ['CRC32', 'FULL_OBJECT'],
  ['CRC32C', 'FULL_OBJECT'],
  ['CRC64NVME', 'FULL_OBJECT'],
  ['CRC32', 'COMPOSITE'],
] as const)('multipart objects keep their %s checksum of type %s', async (algorithm, type) => {
  const key = `${algorithm} ${type}`;
  await stage.putParts('main', key, [randomBytes(5 * MIB), randomBytes(12_345)], {
    ChecksumAlgorithm: algorithm,
    ChecksumType: type,
  });
  await settled(stage);
  const [replica] = await expectReplicas(stage, 'main', key);
  expect(replica).toMatchObject({ [`Checksum${algorithm}`]: expect.any(String), ChecksumType: type });
});

test('multipart objects of one part remain multipart', async () => {
  const { ETag: etag } = await stage.putParts('main', 'one part', [randomBytes(10)], {
    StorageClass: 'STANDARD_IA',
  });
  expect(etag).toMatch(/-1"$/);
  await expectReplicated(stage, 'main', 'one part');
});

test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
  'a small object keeps its %s checksum',
  async (algorithm) => {
    await stage.put('main', algorithm, 'checked', { ChecksumAlgorithm: algorithm });
    expect(await settled(stage)).toBe(true);
    const [replica] = await expectReplicas(stage, 'main', algorithm);
    expect(replica).toMatchObject({ [`Checksum${algorithm}`]: expect.any(String) });
  },
);

/** The bodies of two parts. The tests give their checksums, because the SDK computes none of those below. Node computes no xxHash. */
const PARTS = [Buffer.alloc(5 * MIB), Buffer.from('end')];
const hashed = (name: string): string[] => PARTS.map((part) => hash(name, part, 'base64'));

test.each([
  ['SHA512', hashed('sha512')],
  ['MD5', hashed('md5')],
  ['XXHASH64', ['hUXCHTdzbX4=', 'dpmM3l7nCWI=']],
  ['XXHASH3', ['JprF9uH7f8A=', '9m2MxdJ19BY=']],
  ['XXHASH128', ['q1ASIMZI7BYmmsX24ft/wA==', 'FUw4u4jC3pH2bYzF0nX0Fg==']],
] as const)('objects keep their %s checksum, in one piece and in parts', async (algorithm, values) => {
  const s3 = stage.source.s3();
  const checksum = (index: number) => ({ [`Checksum${algorithm}`]: values[index] });
  await stage.put('main', `${algorithm}, whole`, 'end', checksum(1));
  const where = { Bucket: 'main', Key: `${algorithm}, parts` };
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({ ...where, ChecksumAlgorithm: algorithm }),
  );
  const Parts = [];
  for (const [index, Body] of PARTS.entries()) {
    const part = { PartNumber: index + 1, ...checksum(index) };
    const { ETag } = await s3.send(new UploadPartCommand({ ...where, UploadId, Body, ...part }));
    Parts.push({ ETag, ...part });
  }
  await s3.send(new CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload: { Parts } }));
  expect(await settled(stage)).toBe(true);
  expect(await expectReplicas(stage, 'main', `${algorithm}, whole`)).toMatchObject([checksum(1)]);
  expect(await expectReplicas(stage, 'main', where.Key)).toMatchObject([
    { [`Checksum${algorithm}`]: expect.stringMatching(/-2$/), ChecksumType: 'COMPOSITE' },
  ]);
});
