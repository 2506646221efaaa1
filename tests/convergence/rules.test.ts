/** Small rules the protocol stands on: filters, session names, stamps. */
import { describe, expect, test } from 'vitest';
import { asksForTags, sizeIsWanted, tagsAreWanted } from '../../src/lib/model/filter.ts';
import { isReplicator, sessionName } from '../../src/lib/hint/session-name.ts';
import { names, stampedMetadata, stampOn, withoutStamp } from '../../src/lib/replica/stamp.ts';
import { createMemoryBucket, NO_ATTRIBUTES } from '../model/memory-buckets.ts';

describe('filters', () => {
  const filter = { tags: {}, minimumBytes: null, maximumBytes: null };
  const object = createMemoryBucket('enabled', () => 0).put('k', Buffer.from('12345'));

  test.each([
    [null, null, true],
    [5, 5, true],
    [6, null, false],
    [null, 4, false],
    [0, 0, false],
  ])('from %s to %s bytes: an object of five is wanted: %s', (minimumBytes, maximumBytes, wanted) => {
    expect(sizeIsWanted({ ...filter, minimumBytes, maximumBytes }, object)).toBe(wanted);
  });

  test('every tag must be there with its value, and others may', () => {
    const wanted = { ...filter, tags: { a: '1', b: '' } };
    expect(tagsAreWanted(wanted, { a: '1', b: '', c: '3' })).toBe(true);
    expect(tagsAreWanted(wanted, { a: '1' })).toBe(false);
    expect(tagsAreWanted(wanted, { a: '1', b: '2' })).toBe(false);
    expect(tagsAreWanted({ ...filter, tags: { toString: 'x' } }, {})).toBe(false);
  });

  test('tags cost a call only where they decide', () => {
    expect(asksForTags(filter)).toBe(false);
    expect(asksForTags({ ...filter, tags: { a: '1' } })).toBe(true);
  });
});

describe('session names', () => {
  test('are what STS takes, and known again in the principal S3 tells', () => {
    const name = sessionName(`${'long-'.repeat(20)}prod`);
    expect(name).toMatch(/^[\w+=,.@-]{2,64}$/);
    expect(isReplicator(`AWS:AROAEXAMPLE:${name}`)).toBe(true);
  });

  test.each([
    ['AWS:AROAEXAMPLE:billing-export', false],
    ['AWS:AIDAEXAMPLE', false],
    ['AWS:AROAEXAMPLE:not-s3r@x', false],
    ['s3.amazonaws.com', false],
    // EventBridge tells the account, which is as good as nothing.
    ['111111111111', null],
    [null, null],
  ])('%s: %s', (principalId, expected) => {
    expect(isReplicator(principalId)).toBe(expected);
  });
});

describe('stamps', () => {
  const place = { bucket: 'replica', key: 'k' };
  const source = {
    ...createMemoryBucket('enabled', () => 5_000).put('k', Buffer.from('x')),
    versionId: 'v1',
  };
  const withMetadata = (metadata: Record<string, string>) => ({
    ...source,
    attributes: { ...NO_ATTRIBUTES, metadata },
  });

  test('say which version, when it was modified, and where they belong', () => {
    const stamped = withMetadata(stampedMetadata(source, place));
    expect(stampOn(stamped, place)).toEqual({ identity: 'v/v1', modifiedMs: 5_000 });
    expect(stampOn(stamped, { ...place, bucket: 'other' })).toBeNull();
    expect(withoutStamp(stamped)).toEqual({});
  });

  test('of a replica are replaced by those of its own replica', () => {
    const stamped = withMetadata({ ...stampedMetadata(source, place), note: 'kept' });
    const next = { bucket: 'third', key: 'k' };
    const chained = withMetadata(stampedMetadata({ ...stamped, versionId: 'v2' }, next));
    expect(stampOn(chained, next)?.identity).toBe('v/v2');
    expect(stampOn(chained, place)).toBeNull();
    expect(withoutStamp(chained)).toEqual({ note: 'kept' });
  });

  test.each(['', 'v/v1', 'v/v1/zz', 'x/v1/1@00000000', 'v/a/b/1@00000000'])(
    'somebody else’s entry of the same name is none: %s',
    (s3r) => {
      expect(stampOn(withMetadata({ s3r }), place)).toBeNull();
    },
  );

  test('name a version by its id alone, and others by ETag and second', () => {
    expect(names({ identity: 'v/v1', modifiedMs: 0 }, source)).toBe(true);
    const inPlace = { ...source, versionId: 'null', etag: '"x"' };
    expect(names({ identity: 'e/x', modifiedMs: 5_000 }, inPlace)).toBe(true);
    expect(names({ identity: 'e/x', modifiedMs: 4_000 }, inPlace)).toBe(false);
  });
});
