/** Copies inside S3 of objects whose keys have unusual characters, against the local S3. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Precondition } from '../../src/lib/model/ports.ts';
import { collected } from './collected.ts';
import {
  contentOf,
  copy,
  destination,
  newUpload,
  putSource,
  startCopyBuckets,
  stopCopyBuckets,
} from './copy-buckets.ts';

beforeAll(startCopyBuckets);
afterAll(stopCopyBuckets);

const ODD = [
  'a b+c%20d%2Be',
  '?versionId=x',
  'a?versionId=null&b#c',
  '/leading//double/trailing/',
  'ü/株/🙂/\u200b',
  "!'()*~-._",
  '\u0001\t\n',
  '%',
  '%25',
  '+',
  'source/replica',
];

const arrives = async (key: string): Promise<void> => {
  const body = `content of ${key}`;
  const from = await putSource(key, { Body: body });
  const replica = `odd-keys/${key}`;
  await copy(from, { key: replica, precondition: await preconditionOf(replica) });
  expect(await contentOf(replica)).toBe(body);
  const uploadId = await newUpload(replica);
  const part = await destination().copyPart({ from, key: replica, uploadId, partNumber: 1, bytes: null });
  expect(part.etag).toBe(from.pin.etag);
  const listed = await collected(destination().uploads(replica));
  expect(listed).toContainEqual(expect.objectContaining({ key: replica, uploadId }));
  await destination().abortUpload({ key: replica, uploadId });
};

const preconditionOf = async (key: string): Promise<Precondition> => {
  const current = await destination().look(key);
  return current.kind === 'object' ? { kind: 'unchanged', etag: current.state.etag } : { kind: 'absent' };
};

test.each(ODD)('copies and uploads of the key %j keep the key', arrives);

test('copies and uploads keep any key that S3 allows', async () => {
  const key = fc
    .string({
      unit: fc.oneof(
        fc.constantFrom(...Array.from('/?+%&#= .~\'"\\')),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
      ),
      minLength: 1,
      maxLength: 40,
    })
    // HTTP clients resolve the segments `.` and `..` as folders.
    .filter((text) => !text.split('/').some((segment) => segment === '.' || segment === '..'));
  await fc.assert(fc.asyncProperty(key, arrives), { numRuns: 40 });
});
