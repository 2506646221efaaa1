/** The kind of change that an event reports, for the events of every service that delivers them. */
import { expect, test } from 'vitest';
import { absenceIsDeletion, concernOf } from '../../src/lib/hint/hint.ts';
import { parseMessage } from '../../src/lib/hint/parse-message.ts';

const eventBridge = (type: string, detail: Record<string, unknown> = {}): string => {
  const named = { bucket: { name: 'b' }, object: { key: 'k' }, ...detail };
  return JSON.stringify({ source: 'aws.s3', 'detail-type': type, detail: named });
};

test.each([
  ['Object Created', { reason: 'PutObject' }, 'ObjectCreated:Put'],
  ['Object Created', { reason: 'POST Object' }, 'ObjectCreated:Post'],
  ['Object Created', { reason: 'CopyObject' }, 'ObjectCreated:Copy'],
  ['Object Created', { reason: 'CompleteMultipartUpload' }, 'ObjectCreated:CompleteMultipartUpload'],
  ['Object Created', {}, 'ObjectCreated:unknown'],
  // Names that every object of JavaScript has.
  ['Object Created', { reason: 'constructor' }, 'ObjectCreated:constructor'],
  ['__proto__', {}, '__proto__'],
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
  ['Object Retention Updated', {}, 'ObjectRetention:Put'],
  ['Object Retention Put', {}, 'ObjectRetention:Put'],
  ['Object Storage Class Changed', {}, 'Object Storage Class Changed'],
])('the EventBridge event %s %o is %s', (type, detail, kind) => {
  expect(parseMessage(eventBridge(type, detail))).toMatchObject([{ hint: { kind } }]);
});

test.each([
  ['ObjectTagging:Put', 'tags'],
  ['ObjectTagging:Delete', 'tags'],
  ['ObjectAcl:Put', 'acl'],
  ['ObjectRetention:Put', 'lock'],
  ['ObjectCreated:Put', 'content'],
  ['ObjectRestore:Completed', 'content'],
  ['hint', 'content'],
  ['extra', 'content'],
  ['repair', 'attributes'],
])('a hint of kind %s concerns %s', (kind, concern) => {
  expect(concernOf({ kind })).toBe(concern);
});

test.each([
  ['a delete in an unversioned bucket', 'ObjectRemoved:Delete', null, true],
  ['a write in an unversioned bucket', 'ObjectCreated:Put', null, true],
  ['an expiration in an unversioned bucket', 'LifecycleExpiration:Delete', null, true],
  ['the permanent deletion of a version, which is not replicated', 'ObjectRemoved:Delete', 'v1', false],
  ['a hint, whose key may never have existed', 'hint', null, false],
  ['a comparison that found other attributes', 'repair', null, false],
])('after %s (kind %s, version %s), an absent key counts as deleted: %s', (_, kind, versionId, expected) => {
  expect(absenceIsDeletion({ kind, versionId })).toBe(expected);
});
