/**
 * Headers with characters beyond ASCII, against a server that verifies signatures over the bytes that it
 * received.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { testDestination } from '../model/settings.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

let local: LocalBuckets;
beforeAll(async () => {
  local = await startLocalBuckets();
  local.createDestination('replica');
});
afterAll(async () => {
  await local[Symbol.asyncDispose]();
});

// Node returns each byte of a UTF-8 header as one Latin-1 character.
const RAW_UTF8 = Buffer.from('attachment; filename=Prüfung – 株.pdf').toString('latin1');

test('a Content-Disposition in raw UTF-8 arrives byte for byte with a whole body and with a multipart upload', async () => {
  const destination = local.buckets.destination(testDestination());
  const attributes = { ...REPLICA_ATTRIBUTES, contentDisposition: RAW_UTF8 };
  await destination.put({
    key: 'whole',
    body: Buffer.from('a'),
    sizeBytes: 1,
    attributes,
    precondition: { kind: 'absent' },
    guard: { kind: 'none' },
  });
  expect(await destination.look('whole')).toMatchObject({
    state: { attributes: { contentDisposition: RAW_UTF8 } },
  });
  const { uploadId } = await destination.createUpload({ key: 'parts', attributes, checksum: null });
  await destination.abortUpload({ key: 'parts', uploadId });
});
