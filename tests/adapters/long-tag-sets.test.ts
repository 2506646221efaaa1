/**
 * Tag sets that are too long for a header. S3 allows 8 KB of headers, and ten times as much for tags in a
 * document.
 */
import { PutObjectCommand, PutObjectTaggingCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTask } from '../../src/lib/model/task.ts';
import { converge } from '../../src/lib/converge/converge.ts';
import { noBrakes } from '../model/memory-brakes.ts';
import { noTransfers } from '../model/memory-transfers.ts';
import { memoryVersionReceipts } from '../model/memory-version-receipts.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

let local: LocalBuckets;
beforeAll(async () => {
  local = await startLocalBuckets();
  local.createSource('source');
  local.createDestination('replica');
});
afterAll(async () => {
  await local[Symbol.asyncDispose]();
});

const tagSet = (letter: string, valueCharacters: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: 10 }, (_, index) => [
      `${letter.repeat(100)}${index}`,
      letter.repeat(valueCharacters),
    ]),
  );

const putSource = async (key: string, tags: Record<string, string>, metadata: Record<string, string>) => {
  const Bucket = 'source';
  await local.sourceOwner.send(new PutObjectCommand({ Bucket, Key: key, Body: 'a', Metadata: metadata }));
  const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  await local.sourceOwner.send(new PutObjectTaggingCommand({ Bucket, Key: key, Tagging: { TagSet } }));
};

/**
 * Replicates a key. Returns the total length of the headers in the S3 request with the longest headers, and
 * how many times tags were written by a separate request.
 */
const replicate = async (key: string) => {
  const seen = { headerCharacters: 0, taggings: 0 };
  local.aws.faults.plan = ({ headers, operation, caller }) => {
    if (operation?.startsWith('s3:') && caller.kind === 'session') {
      const length = Object.entries(headers).reduce(
        (sum, [name, value]) => sum + name.length + String(value).length,
        0,
      );
      seen.headerCharacters = Math.max(seen.headerCharacters, length);
      if (operation === 's3:PutObjectTagging') seen.taggings += 1;
    }
    return undefined;
  };
  try {
    const rule = testRule();
    const destination = testDestination();
    const { outcome } = await converge(createTask({ rule, destination, key }, { expectedBytes: 1 }), {
      source: local.buckets.source(rule),
      destination: local.buckets.destination(destination),
      invocation: {
        requestId: 'r',
        deadlineMs: Date.now() + 900_000,
        fullTimeMs: 900_000,
        bytesUnderWay: 0,
        heldBytes: 0,
      },
      clock: { now: Date.now, sleep: async () => undefined },
      ...noTransfers(),
      versionReceipts: memoryVersionReceipts(),
      brake: noBrakes,
      passOver: async () => undefined,
    });
    expect(outcome).toBe('replicated');
    return seen;
  } finally {
    local.aws.faults.plan = undefined;
  }
};

test.each([
  ['of letters that take nine characters in a header', tagSet('株', 250), {}],
  ['next to much user metadata', tagSet('a', 240), { much: 'm'.repeat(1_900) }],
])('a tag set %s is written right after the object', async (name, tags, metadata) => {
  await putSource(name, tags, metadata);
  const { headerCharacters, taggings } = await replicate(name);
  expect(headerCharacters).toBeLessThan(8_192);
  expect(taggings).toBe(1);
  expect(await local.buckets.destination(testDestination()).tags(name, null)).toEqual(tags);
});

test('tags that fit into a header are written with the object', async () => {
  const tags = tagSet('a', 100);
  await putSource('fits', tags, {});
  expect((await replicate('fits')).taggings).toBe(0);
  expect(await local.buckets.destination(testDestination()).tags('fits', null)).toEqual(tags);
});
