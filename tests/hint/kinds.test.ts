/** What an event asks to be looked at, by whatever way it came. */
import { describe, expect, test } from 'vitest';
import { absenceIsDeletion, concernOf, parseMessage } from '../../src/lib/hint/hint.ts';

const eventBridge = (type: string, detail: Record<string, unknown> = {}): string => {
  const named = { bucket: { name: 'b' }, object: { key: 'k' }, ...detail };
  return JSON.stringify({ source: 'aws.s3', 'detail-type': type, detail: named });
};

describe('EventBridge', () => {
  test.each([
    ['Object Created', { reason: 'PutObject' }, 'ObjectCreated:Put'],
    ['Object Created', { reason: 'POST Object' }, 'ObjectCreated:Post'],
    ['Object Created', { reason: 'CopyObject' }, 'ObjectCreated:Copy'],
    ['Object Created', { reason: 'CompleteMultipartUpload' }, 'ObjectCreated:CompleteMultipartUpload'],
    ['Object Created', {}, 'ObjectCreated:unknown'],
    [
      'Object Deleted',
      { reason: 'DeleteObject', 'deletion-type': 'Permanently Deleted' },
      'ObjectRemoved:Delete',
    ],
    [
      'Object Deleted',
      { reason: 'DeleteObject', 'deletion-type': 'Delete Marker Created' },
      'ObjectRemoved:DeleteMarkerCreated',
    ],
    [
      'Object Deleted',
      { reason: 'Lifecycle Expiration', 'deletion-type': 'Permanently Deleted' },
      'LifecycleExpiration:Delete',
    ],
    [
      'Object Deleted',
      { reason: 'Lifecycle Expiration', 'deletion-type': 'Delete Marker Created' },
      'LifecycleExpiration:DeleteMarkerCreated',
    ],
    ['Object Tags Added', {}, 'ObjectTagging:Put'],
    ['Object Tags Deleted', {}, 'ObjectTagging:Delete'],
    ['Object ACL Updated', {}, 'ObjectAcl:Put'],
    ['Object Restore Completed', {}, 'ObjectRestore:Completed'],
    ['Object Storage Class Changed', {}, 'Object Storage Class Changed'],
  ])('%s %o is %s', (type, detail, kind) => {
    expect(parseMessage(eventBridge(type, detail))).toMatchObject([{ hint: { kind } }]);
  });
});

describe('what is looked at', () => {
  test.each([
    ['ObjectTagging:Put', 'tags'],
    ['ObjectTagging:Delete', 'tags'],
    ['ObjectAcl:Put', 'acl'],
    ['ObjectCreated:Put', 'content'],
    ['ObjectRestore:Completed', 'content'],
    ['hint', 'content'],
    ['extra', 'content'],
    ['repair', 'attributes'],
  ])('%s: %s', (kind, concern) => {
    expect(concernOf({ kind })).toBe(concern);
  });
});

describe('a key that is absent', () => {
  test.each([
    ['was deleted, in a bucket without versions', 'ObjectRemoved:Delete', null, true],
    ['was there, in a bucket without versions', 'ObjectCreated:Put', null, true],
    ['has expired, in a bucket without versions', 'LifecycleExpiration:Delete', null, true],
    ['has lost its versions, which does not travel', 'ObjectRemoved:Delete', 'v1', false],
    ['may never have been there, where nobody says', 'hint', null, false],
    ['had other attributes when it was compared', 'repair', null, false],
  ])('%s', (_, kind, versionId, expected) => {
    expect(absenceIsDeletion({ kind, versionId })).toBe(expected);
  });
});
