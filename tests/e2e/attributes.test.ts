/** Replicas keep the headers, metadata and storage class of their objects. The destination determines the encryption. */
import { randomBytes } from 'node:crypto';
import {
  CopyObjectCommand,
  ListObjectVersionsCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { STAMP } from '../../demo/stamp.ts';
import { withHeaders } from '../../src/lib/aws/s3/client/command-hooks.ts';
import { signHeaderBytes } from '../../src/lib/aws/s3/client/header-bytes.ts';
import { expectReplicated, seen } from './support/objects.ts';
import { watchRequests, writesIn } from './support/operations.ts';
import { deadLetters, purge } from './support/queues.ts';
import { startFidelityStage } from './support/stages/fidelity.ts';
import { settled, type Stage } from './support/stages/stage.ts';
import { setTags, tagsOf } from './support/tags.ts';
import { expectSameHistory, historyOf } from './support/versions.ts';

const MIB = 1024 * 1024;

let stage: Stage;
beforeAll(async () => {
  stage = await startFidelityStage();
  // Makes the client sign the header bytes that it sends. By default, the SDK would sign other bytes.
  signHeaderBytes(stage.source.s3());
});
afterAll(async () => {
  await stage?.stop();
});
afterEach(async () => {
  stage.aws.faults.plan = undefined;
  expect(await deadLetters(stage)).toEqual([]);
  purge(stage);
});

/**
 * Encodes the text in UTF-8 and returns each byte as a character. Clients send such bytes in headers, and S3 stores them unchanged.
 */
const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
const HEADERS = {
  CacheControl: 'max-age=60, public',
  ContentDisposition: utf8('attachment; filename="Größe – 株式.pdf"'),
  ContentEncoding: 'gzip',
  ContentLanguage: 'de-AT, en',
  ContentType: 'text/plain; charset=utf-8',
  WebsiteRedirectLocation: 'https://example.com/elsewhere?a=b#c',
  Metadata: { author: 'Ann', 'with-hyphen': 'x', empty: '', title: utf8('Größe – 株式') },
};

test('every header is replicated in any encoding, with small and with large objects', async () => {
  await stage.put('everything', 'described', 'text');
  // The next state has the same bytes and so the same ETag. Two functions that run at the same time might write it twice, so the
  // test waits for the first state.
  await expectReplicated(stage, 'everything', 'described');
  const copy = new CopyObjectCommand({
    Bucket: 'everything',
    Key: 'described',
    CopySource: 'everything/described',
    MetadataDirective: 'REPLACE',
    ...HEADERS,
  });
  // This state is written by a copy, because a copy request has no body. If a request has a body, Node rewrites the request's
  // Content-Disposition.
  await stage.source.s3().send(withHeaders(copy, { expires: 'when hell freezes over' }));
  await stage.put('everything', 'redirect only', '', { WebsiteRedirectLocation: '/there' });
  const Expires = new Date('2030-01-01T00:00:00Z');
  const parts = [randomBytes(5 * MIB), randomBytes(1)];
  await stage.putParts('everything', 'described, large', parts, { ...HEADERS, Expires });
  await expectReplicated(stage, 'everything', 'described', 'redirect only', 'described, large');
  await expectSameHistory(stage, 'everything', 'described');
  expect(await seen(stage.destination.s3(), 'everything-replica', 'described')).toMatchObject({
    ContentDisposition: HEADERS.ContentDisposition,
    ExpiresString: 'when hell freezes over',
    WebsiteRedirectLocation: HEADERS.WebsiteRedirectLocation,
  });
});

test.each([
  ['with room for the stamp', 1_900, true],
  ['without room for the stamp', 2_036, false],
])(
  'metadata close to 2 KB, %s, are replicated with each version exactly once',
  async (_what, bytes, isStamped) => {
    const key = `metadata ${bytes}`;
    for (const letter of ['a', 'b', 'c']) {
      const Metadata = { long: letter.repeat(bytes), case: 'x' };
      await stage.put('everything', key, `${letter} is what it says`, { Metadata });
    }
    await expectReplicated(stage, 'everything', key);
    const replica = await seen(stage.destination.s3(), 'everything-replica', key);
    expect(STAMP in (replica?.Metadata ?? {})).toBe(isStamped);
    await expectSameHistory(stage, 'everything', key);
  },
);

test('metadata that change by a copy of the object onto itself are replicated', async () => {
  await stage.put('everything', 'renamed', 'x', { Metadata: { v: '1' } });
  await expectReplicated(stage, 'everything', 'renamed');
  await stage.source.s3().send(
    new CopyObjectCommand({
      Bucket: 'everything',
      Key: 'renamed',
      CopySource: 'everything/renamed',
      MetadataDirective: 'REPLACE',
      Metadata: { v: '2' },
    }),
  );
  await expectReplicated(stage, 'everything', 'renamed');
  await expectSameHistory(stage, 'everything', 'renamed');
});

test('each version of a replica keeps its storage class', async () => {
  const classes = ['STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER_IR', 'STANDARD'] as const;
  for (const StorageClass of classes) {
    await stage.put('everything', 'classes', StorageClass, { StorageClass });
  }
  expect(await settled(stage)).toBe(true);
  await expectSameHistory(stage, 'everything', 'classes');
});

test('a replica has the storage class that its destination maps to', async () => {
  await stage.put('mapped', 'small', 'x', { StorageClass: 'STANDARD_IA' });
  await stage.putParts('mapped', 'large', [randomBytes(5 * MIB), randomBytes(1)]);
  await expectReplicated(stage, 'mapped', 'small', 'large');
  expect(await seen(stage.destination.s3(), 'mapped-replica', 'large')).toMatchObject({
    StorageClass: 'GLACIER_IR',
  });
});

const KEY = 'arn:aws:kms:us-east-1:222222222222:key/22222222-2222-2222-2222-222222222222';
const replicaIn = (bucket: string, key: string) => seen(stage.destination.s3(), bucket, key);

test('each destination replaces the encryption of the source by its own, with its key and Bucket Keys', async () => {
  await stage.put('encrypted', 'small', 'secret');
  await stage.putParts('encrypted', 'large', [randomBytes(5 * MIB), randomBytes(1)]);
  await stage.put('encrypted', 'dual', 'secret', {
    ServerSideEncryption: 'aws:kms:dsse',
    SSEKMSKeyId: 'arn:aws:kms:us-east-1:111111111111:key/11111111-1111-1111-1111-111111111111',
  });
  await stage.put('encrypted', 'none', 'secret', { ServerSideEncryption: 'AES256' });
  expect(await settled(stage)).toBe(true);
  for (const key of ['small', 'large', 'dual', 'none']) {
    const source = await seen(stage.source.s3(), 'encrypted', key);
    const replicas = [await replicaIn('sse-s3', key), await replicaIn('sse-kms', key)];
    const dual = await replicaIn('sse-dsse', key);
    for (const replica of [...replicas, dual]) expect(replica?.sha256, key).toBe(source?.sha256);
    expect(replicas[0]).toMatchObject({ ServerSideEncryption: 'AES256' });
    expect(replicas[0]).not.toHaveProperty('SSEKMSKeyId');
    expect(replicas[1]).toMatchObject({
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: KEY,
      BucketKeyEnabled: true,
    });
    expect(dual).toMatchObject({ ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId: KEY });
  }
});

test('a second check recognizes an encrypted replica and does not copy it again', async () => {
  await stage.put('encrypted', 'again', 'one');
  await stage.put('encrypted', 'again', 'two');
  expect(await settled(stage)).toBe(true);
  for (const bucket of ['sse-s3', 'sse-kms', 'sse-dsse']) {
    expect(await historyOf(stage.destination.s3(), bucket, 'again'), bucket).toHaveLength(2);
  }
  const requests = watchRequests(stage);
  await setTags(stage, { bucket: 'encrypted', key: 'again' }, { a: 'b' });
  expect(await settled(stage)).toBe(true);
  expect(writesIn(requests).toSorted()).toEqual([
    's3:PutObjectTagging sse-dsse/again',
    's3:PutObjectTagging sse-kms/again',
    's3:PutObjectTagging sse-s3/again',
  ]);
  for (const bucket of ['sse-s3', 'sse-kms', 'sse-dsse']) {
    expect(await historyOf(stage.destination.s3(), bucket, 'again'), bucket).toHaveLength(2);
    expect(await tagsOf(stage.destination.s3(), bucket, 'again')).toEqual({ a: 'b' });
  }
});

const CUSTOMER = {
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: Buffer.alloc(32, 7).toString('base64'),
} as const;

test('an object with a customer-provided key is quarantined, and passed over once it has newer versions', async () => {
  const { VersionId: versionId } = await stage.put('kept', 'sse-c', 'secret', CUSTOMER);
  expect(await settled(stage)).toBe(true);
  const [letter] = await deadLetters(stage);
  expect(letter?.attributes).toMatchObject({ reason: 'sse-c', key: 'sse-c', version: versionId });
  purge(stage);
  await stage.put('kept', 'sse-c', 'readable');
  await expectReplicated(stage, 'kept', 'sse-c');
  const letters = await deadLetters(stage);
  expect(letters.map(({ attributes }) => [attributes['reason'], attributes['version']])).toEqual([
    ['sse-c', versionId],
  ]);
  purge(stage);
  expect(await historyOf(stage.destination.s3(), 'kept-replica', 'sse-c')).toHaveLength(1);
});

test('an object that somebody else wrote at the destination with a customer-provided key does not block its key', async () => {
  const there = stage.destination.s3();
  const ServerSideEncryptionConfiguration = {
    Rules: [{ BlockedEncryptionTypes: { EncryptionType: ['NONE' as const] } }],
  };
  for (const bucket of ['kept', 'plain']) {
    const Bucket = `${bucket}-replica`;
    await there.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration }));
    await there.send(new PutObjectCommand({ Bucket, Key: 'sealed', Body: 'theirs', ...CUSTOMER }));
    await stage.put(bucket, 'sealed', 'ours');
    expect(await settled(stage)).toBe(true);
    await expectReplicated(stage, bucket, 'sealed');
  }
  const { Versions: kept } = await there.send(
    new ListObjectVersionsCommand({ Bucket: 'kept-replica', Prefix: 'sealed' }),
  );
  expect(kept?.map(({ Size: size }) => size)).toEqual([4, 6]);
});
