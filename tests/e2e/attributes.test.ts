/** What a replica takes over besides its bytes, and what reaches it later. */
import { randomBytes } from 'node:crypto';
import { CopyObjectCommand, DeleteObjectTaggingCommand, PutObjectTaggingCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { STAMP } from '../../demo/stamp.ts';
import { withHeaders } from '../../src/lib/aws/s3/command-hooks.ts';
import { signHeaderBytes } from '../../src/lib/aws/s3/header-bytes.ts';
import { startFidelityStage } from './support/fidelity.ts';
import { expectReplicas, put, seen } from './support/objects.ts';
import { watchRequests } from './support/operations.ts';
import { beforeEvents, deadLetters, purge } from './support/queues.ts';
import { settled, type Stage } from './support/stage.ts';
import { putParts } from './support/uploads.ts';
import { expectSameHistory, historyOf, tagsOf } from './support/versions.ts';

const MIB = 1024 * 1024;

let stage: Stage;
beforeAll(async () => {
  stage = await startFidelityStage();
  // The SDK by itself signs other bytes than it sends.
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

const replicated = async (bucket: string, ...keys: string[]): Promise<void> => {
  expect(await settled(stage)).toBe(true);
  for (const key of keys) await expectReplicas(stage, bucket, key);
};

const setTags = (bucket: string, key: string, tags: Record<string, string>, VersionId?: string) =>
  stage.source.s3().send(
    new PutObjectTaggingCommand({
      Bucket: bucket,
      Key: key,
      VersionId,
      Tagging: { TagSet: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) },
    }),
  );

const replicaTags = (bucket: string, key: string, versionId?: string) =>
  tagsOf(stage.destination.s3(), `${bucket}-replica`, key, versionId);

/** What the functions wrote to S3. */
const writes = (requests: string[]): string[] =>
  requests.filter((request) => /s3:Put|Upload|s3:Delete/.test(request));

describe('tags', () => {
  /** Letters, digits, spaces and `+ - = . _ : / @` of any language; 128 and 256 characters ("Object tagging"). */
  const ALL_KINDS: Record<string, string> = {
    'plus+minus-equals=': 'dot.under_colon:slash/at@',
    'with spaces': ' and around ',
    Größe: '株式会社 счёт ½',
    empty: '',
    'percent 20': '%20'.replace('%', ' '),
    ['k'.repeat(128)]: 'v'.repeat(256),
    ['ü'.repeat(128)]: 'é'.repeat(256),
  };

  test('of every legal character travel with small and with large objects', async () => {
    const Tagging = new URLSearchParams(ALL_KINDS).toString();
    await put(stage, 'everything', 'tags/small', 'x', { Tagging });
    await putParts(stage, 'everything', 'tags/large', [randomBytes(5 * MIB), randomBytes(1)], { Tagging });
    await replicated('everything', 'tags/small', 'tags/large');
    expect(await replicaTags('everything', 'tags/small')).toEqual(ALL_KINDS);
    expect(await replicaTags('everything', 'tags/large')).toEqual(ALL_KINDS);
  });

  test.each(['everything', 'bridged', 'unstamped', 'plain', 'suspended'])(
    'that change later reach the replica in %s without the object being copied again',
    async (bucket) => {
      await put(stage, bucket, 'tags/later', 'x', { Tagging: 'a=1' });
      await replicated(bucket, 'tags/later');
      const requests = watchRequests(stage);
      await setTags(bucket, 'tags/later', ALL_KINDS);
      expect(await settled(stage)).toBe(true);
      expect(await replicaTags(bucket, 'tags/later')).toEqual(ALL_KINDS);
      expect(await historyOf(stage.destination.s3(), `${bucket}-replica`, 'tags/later')).toHaveLength(1);
      expect(writes(requests)).toEqual([`s3:PutObjectTagging ${bucket}-replica/tags/later`]);
      await stage.source.s3().send(new DeleteObjectTaggingCommand({ Bucket: bucket, Key: 'tags/later' }));
      expect(await settled(stage)).toBe(true);
      expect(await replicaTags(bucket, 'tags/later')).toEqual({});
      expect(await historyOf(stage.destination.s3(), `${bucket}-replica`, 'tags/later')).toHaveLength(1);
    },
  );

  test('of an older version reach its replica, whether it was replicated before or is with them', async () => {
    const { VersionId: first } = await put(stage, 'everything', 'tags/old', 'one', { Tagging: 'v=1' });
    await put(stage, 'everything', 'tags/old', 'two', { Tagging: 'v=2' });
    expect(await settled(stage)).toBe(true);
    await setTags('everything', 'tags/old', { v: 'new' }, first);
    expect(await settled(stage)).toBe(true);
    await expectSameHistory(stage, 'everything', 'tags/old');
    await beforeEvents(stage, async () => {
      const { VersionId: third } = await put(stage, 'everything', 'tags/old', 'three', { Tagging: 'v=3' });
      await put(stage, 'everything', 'tags/old', 'four');
      await setTags('everything', 'tags/old', { v: 'changed' }, third);
    });
    expect(await settled(stage)).toBe(true);
    await expectSameHistory(stage, 'everything', 'tags/old');
  });

  test('end as the last of many changes', async () => {
    await put(stage, 'everything', 'tags/busy', 'x');
    for (let i = 0; i < 15; i++) await setTags('everything', 'tags/busy', { number: String(i) });
    expect(await settled(stage)).toBe(true);
    expect(await replicaTags('everything', 'tags/busy')).toEqual({ number: '14' });
    await expectSameHistory(stage, 'everything', 'tags/busy');
  });
});

describe('headers and metadata', () => {
  /** As the bytes of UTF-8, which is how S3 stores what clients send so. */
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

  test('every header, in any encoding, of small and large objects', async () => {
    await put(stage, 'everything', 'described', 'text');
    // One after the other: the same bytes have the same ETag, and two functions at once might write the second state twice.
    await replicated('everything', 'described');
    const copy = new CopyObjectCommand({
      Bucket: 'everything',
      Key: 'described',
      CopySource: 'everything/described',
      MetadataDirective: 'REPLACE',
      ...HEADERS,
    });
    // Node would rewrite a Content-Disposition that goes out together with a body.
    await stage.source.s3().send(withHeaders(copy, { expires: 'when hell freezes over' }));
    await put(stage, 'everything', 'redirect only', '', { WebsiteRedirectLocation: '/there' });
    const Expires = new Date('2030-01-01T00:00:00Z');
    const parts = [randomBytes(5 * MIB), randomBytes(1)];
    await putParts(stage, 'everything', 'described, large', parts, { ...HEADERS, Expires });
    await replicated('everything', 'described', 'redirect only', 'described, large');
    await expectSameHistory(stage, 'everything', 'described');
    expect(await seen(stage.destination.s3(), 'everything-replica', 'described')).toMatchObject({
      ContentDisposition: HEADERS.ContentDisposition,
      ExpiresString: 'when hell freezes over',
      WebsiteRedirectLocation: HEADERS.WebsiteRedirectLocation,
    });
  });

  test.each([
    ['with room for the stamp', 1_900, true],
    ['without room for it', 2_036, false],
  ])('close to 2 KB of metadata, %s: each version once', async (_what, bytes, isStamped) => {
    const key = `metadata ${bytes}`;
    for (const letter of ['a', 'b', 'c']) {
      const Metadata = { long: letter.repeat(bytes), case: 'x' };
      await put(stage, 'everything', key, `${letter} is what it says`, { Metadata });
    }
    await replicated('everything', key);
    const replica = await seen(stage.destination.s3(), 'everything-replica', key);
    expect(STAMP in (replica?.Metadata ?? {})).toBe(isStamped);
    await expectSameHistory(stage, 'everything', key);
  });

  test('metadata changed by a copy of the object onto itself', async () => {
    await put(stage, 'everything', 'renamed', 'x', { Metadata: { v: '1' } });
    await replicated('everything', 'renamed');
    await stage.source.s3().send(
      new CopyObjectCommand({
        Bucket: 'everything',
        Key: 'renamed',
        CopySource: 'everything/renamed',
        MetadataDirective: 'REPLACE',
        Metadata: { v: '2' },
      }),
    );
    await replicated('everything', 'renamed');
    await expectSameHistory(stage, 'everything', 'renamed');
  });
});

describe('storage classes', () => {
  test('are kept, also per version', async () => {
    const classes = ['STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER_IR', 'STANDARD'] as const;
    for (const StorageClass of classes) {
      await put(stage, 'everything', 'classes', StorageClass, { StorageClass });
    }
    expect(await settled(stage)).toBe(true);
    await expectSameHistory(stage, 'everything', 'classes');
  });

  test('are mapped to the one of the destination', async () => {
    await put(stage, 'mapped', 'small', 'x', { StorageClass: 'STANDARD_IA' });
    await putParts(stage, 'mapped', 'large', [randomBytes(5 * MIB), randomBytes(1)]);
    await replicated('mapped', 'small', 'large');
    expect(await seen(stage.destination.s3(), 'mapped-replica', 'large')).toMatchObject({
      StorageClass: 'GLACIER_IR',
    });
  });
});

describe('encryption', () => {
  const KEY = 'arn:aws:kms:us-east-1:222222222222:key/22222222-2222-2222-2222-222222222222';
  const replicaIn = (bucket: string, key: string) => seen(stage.destination.s3(), bucket, key);

  test('of the source is replaced by that of each destination, with its key and Bucket Keys', async () => {
    await put(stage, 'encrypted', 'small', 'secret');
    await putParts(stage, 'encrypted', 'large', [randomBytes(5 * MIB), randomBytes(1)]);
    await put(stage, 'encrypted', 'dual', 'secret', {
      ServerSideEncryption: 'aws:kms:dsse',
      SSEKMSKeyId: 'arn:aws:kms:us-east-1:111111111111:key/11111111-1111-1111-1111-111111111111',
    });
    await put(stage, 'encrypted', 'none', 'secret', { ServerSideEncryption: 'AES256' });
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

  test('does not hide from a second look that the replica is there', async () => {
    await put(stage, 'encrypted', 'again', 'one');
    await put(stage, 'encrypted', 'again', 'two');
    expect(await settled(stage)).toBe(true);
    for (const bucket of ['sse-s3', 'sse-kms', 'sse-dsse']) {
      expect(await historyOf(stage.destination.s3(), bucket, 'again'), bucket).toHaveLength(2);
    }
    const requests = watchRequests(stage);
    await setTags('encrypted', 'again', { a: 'b' });
    expect(await settled(stage)).toBe(true);
    expect(writes(requests).toSorted()).toEqual([
      's3:PutObjectTagging sse-dsse/again',
      's3:PutObjectTagging sse-kms/again',
      's3:PutObjectTagging sse-s3/again',
    ]);
    for (const bucket of ['sse-s3', 'sse-kms', 'sse-dsse']) {
      expect(await historyOf(stage.destination.s3(), bucket, 'again'), bucket).toHaveLength(2);
      expect(await tagsOf(stage.destination.s3(), bucket, 'again')).toEqual({ a: 'b' });
    }
  });

  test('with a key that only its writer has is quarantined, and passed over where newer versions are', async () => {
    const customer = {
      SSECustomerAlgorithm: 'AES256',
      SSECustomerKey: Buffer.alloc(32, 7).toString('base64'),
    };
    const { VersionId: versionId } = await put(stage, 'kept', 'sse-c', 'secret', customer);
    expect(await settled(stage)).toBe(true);
    const [letter] = await deadLetters(stage);
    expect(letter?.attributes).toMatchObject({ reason: 'sse-c', key: 'sse-c', version: versionId });
    purge(stage);
    await put(stage, 'kept', 'sse-c', 'readable');
    await replicated('kept', 'sse-c');
    const letters = await deadLetters(stage);
    expect(letters.map(({ attributes }) => [attributes['reason'], attributes['version']])).toEqual([
      ['sse-c', versionId],
    ]);
    purge(stage);
    expect(await historyOf(stage.destination.s3(), 'kept-replica', 'sse-c')).toHaveLength(1);
  });
});
