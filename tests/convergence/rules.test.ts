/** Small functions that convergence depends on: session names and stamps. */
import { describe, expect, test } from 'vitest';
import { isReplicator, sessionName } from '../../src/lib/hint/session-name.ts';
import { isFrom, names, stampedMetadata, stampOn, withoutStamp } from '../../src/lib/replica/stamp.ts';
import { createMemoryBucket, NO_ATTRIBUTES } from '../model/memory-buckets.ts';

describe('session names', () => {
  test('a session name is valid for STS and is recognized in the principal that S3 reports', () => {
    const name = sessionName(`${'long-'.repeat(20)}prod`, 'eu-central-1');
    expect(name).toMatch(/^[\w+=,.@-]{2,64}$/);
    expect(isReplicator(`AWS:AROAEXAMPLE:${name}`)).toBe(true);
  });

  test.each([
    ['AWS:AROAEXAMPLE:billing-export', false],
    ['AWS:AIDAEXAMPLE', false],
    ['AWS:AROAEXAMPLE:not-s3r@x', false],
    ['s3.amazonaws.com', false],
    // EventBridge reports only the account. An account does not show which role made the change.
    ['111111111111', null],
    [null, null],
  ])('the principal %s is a replicator: %s', (principalId, expected) => {
    expect(isReplicator(principalId)).toBe(expected);
  });
});

describe('stamps', () => {
  const place = { bucket: 'replica', key: 'k' };
  const from = { bucket: 'source', key: 'k' };
  const source = {
    ...createMemoryBucket('enabled', () => 5_000).put('k', Buffer.from('x')),
    versionId: 'v1',
  };
  const withMetadata = (metadata: Record<string, string>) => ({
    ...source,
    attributes: { ...NO_ATTRIBUTES, metadata },
  });

  test('a stamp names the version, its modification time and the place that it belongs to', () => {
    const stamped = withMetadata(stampedMetadata(source, { at: place, from }));
    const stamp = stampOn(stamped, place)!;
    expect(stamp).toMatchObject({ identity: 'v/v1', modifiedMs: 5_000 });
    expect([isFrom(stamp, from), isFrom(stamp, { ...from, bucket: 'other' })]).toEqual([true, false]);
    expect(stampOn(stamped, { ...place, bucket: 'other' })).toBeNull();
    expect(withoutStamp(stamped)).toEqual({});
  });

  test('the stamp of a replica is replaced by another one in the replica of that replica', () => {
    const stamped = withMetadata({ ...stampedMetadata(source, { at: place, from }), note: 'kept' });
    const next = { bucket: 'third', key: 'k' };
    const chained = withMetadata(stampedMetadata({ ...stamped, versionId: 'v2' }, { at: next, from: place }));
    expect(stampOn(chained, next)?.identity).toBe('v/v2');
    expect(stampOn(chained, place)).toBeNull();
    expect(withoutStamp(chained)).toEqual({ note: 'kept' });
  });

  test.each(['', 'v/v1', 'v/v1/zz', 'x/v1/1@0000000000000000', 'v/a/b/1@00000000'])(
    'a foreign metadata entry of the same name is not a stamp: %s',
    (s3r) => {
      expect(stampOn(withMetadata({ s3r }), place)).toBeNull();
    },
  );

  test('a stamp names a version by its id alone, and an object without a version id by ETag and second', () => {
    expect(names({ identity: 'v/v1', modifiedMs: 0 }, source)).toBe(true);
    const inPlace = { ...source, versionId: 'null', etag: '"x"' };
    expect(names({ identity: 'e/x', modifiedMs: 5_000 }, inPlace)).toBe(true);
    expect(names({ identity: 'e/x', modifiedMs: 4_000 }, inPlace)).toBe(false);
  });
});
