/**
 * How a multipart copy proves that the replica is correct: by the parts of the source, or by computed
 * checksums. Otherwise the copy fails.
 */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { copyMultipart } from '../../src/lib/copy/multipart.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { DestinationBucket, SourceBucket } from '../../src/lib/model/ports.ts';
import { createMemoryBucket, REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { memoryDestination } from '../model/memory-destination.ts';
import { memorySource } from '../model/memory-source.ts';
import { noTransfers } from '../model/memory-transfers.ts';
import { md5Hex, objectState, OPAQUE } from '../model/object-state.ts';
import { testDestination, testInvocation, testTask } from '../model/settings.ts';

const parts = [Buffer.alloc(5, 'a'), Buffer.alloc(3, 'b')];
const digest = md5Hex(Buffer.from(parts.map(md5Hex).join(''), 'hex'));
const OWN = objectState({ etag: `"${digest}-2"`, sizeBytes: 8 });

/** A service that stores no checksums. The source is encrypted with KMS, so its ETag does not show the bytes either. */
const SILENT = {
  task: testTask({
    destination: {
      ...testDestination(),
      roleArn: null,
      externalId: null,
      account: null,
      service: { endpoint: 'https://ceph.example.com', addressing: 'path', secretArn: 'arn' },
      conditionalWrites: 'required',
    },
  }),
  version: objectState({
    etag: `"${'0'.repeat(31)}1-2"`,
    encryption: 'aws:kms',
    sizeBytes: 8,
    checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'AAAAAAAAAAA=' },
  }),
};

const world = (
  read: (partNumber: number) => Buffer,
  encryption = 'AES256',
  { task, version } = { task: testTask(), version: OWN },
) => {
  const calls: string[] = [];
  let repeated: unknown[] = [];
  const unused = createMemoryBucket('enabled', () => 0);
  const source: SourceBucket = {
    ...memorySource(unused, async () => undefined),
    look: async () => ({ kind: 'object', state: version }),
    part: async () => ({ parts: 2, sizeBytes: 5 }),
    read: async (_key, _pin, slice) => {
      const bytes = read(slice.kind === 'part' ? slice.partNumber : 0);
      return { body: Readable.from([bytes]), sizeBytes: bytes.length, checksum: null };
    },
  };
  const destination: DestinationBucket = {
    ...memoryDestination(unused, async () => undefined),
    put: async () => objectState(),
    createUpload: async ({ checksum }) => {
      calls.push(`create ${checksum?.algorithm ?? 'default'}`);
      return { uploadId: 'u', encryption };
    },
    uploadPart: async ({ partNumber, body, guard }) => {
      calls.push(`part ${partNumber} ${guard.kind}`);
      return {
        partNumber,
        etag: `"${md5Hex(Buffer.isBuffer(body) ? body : await buffer(body))}"`,
        // If an upload declares no checksum, S3 computes and reports one for each part. Other services report none.
        checksum:
          task.destination.service !== null
            ? null
            : { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'AAAAAAAAAAA=' },
      };
    },
    completeUpload: async (request) => {
      calls.push('complete');
      repeated = request.parts.map(({ checksum }) => checksum);
      return objectState(encryption === 'AES256' ? { etag: OWN.etag } : OPAQUE);
    },
    abortUpload: async () => void calls.push('abort'),
  };
  const copy = () =>
    copyMultipart(
      {
        task,
        ...noTransfers(),
        source,
        destination,
        version,
        opened: null,
        attributes: REPLICA_ATTRIBUTES,
        precondition: { kind: 'absent' },
        invocation: testInvocation(),
        clock: { now: () => 0, sleep: async () => undefined },
      },
      'stream',
    );
  return { copy, calls, repeated: () => repeated };
};

test('a copy with the parts of the source has the ETag of the source', async () => {
  const { copy, calls } = world((partNumber) => parts[partNumber - 1]!);
  expect((await copy()).proof).toBe('etag');
  expect(calls).toEqual(['create default', 'part 1 none', 'part 2 none', 'complete']);
});

test('checksums that the upload did not declare are not repeated when it is completed', async () => {
  const { copy, repeated } = world((partNumber) => parts[partNumber - 1]!);
  await copy();
  expect(repeated()).toEqual([null, null]);
});

test('a part that changed during the copy is detected before the upload is completed', async () => {
  const { copy, calls } = world((partNumber) => (partNumber === 1 ? parts[0]! : Buffer.alloc(3, 'c')));
  // The copy must not fall back to computed checksums. They would prove only that the wrong bytes arrived
  // intact.
  await expect(copy()).rejects.toMatchObject({ reason: 'bad-checksum' });
  expect(calls).not.toContain('complete');
});

test('a server that sends the whole object for every part is detected by the sum of the sizes', async () => {
  const { copy, calls } = world(() => Buffer.concat(parts));
  await expect(copy()).rejects.toMatchObject({ reason: 'service-error' });
  expect(calls).not.toContain('complete');
});

test('if KMS hides the ETags, the parts are sent once, with computed checksums', async () => {
  const { copy, calls } = world((partNumber) => parts[partNumber - 1]!, 'aws:kms');
  expect((await copy()).proof).toBe('computed');
  expect(calls).toEqual([
    'create default',
    'abort',
    'create CRC32',
    'part 1 compute',
    'part 2 compute',
    'complete',
  ]);
});

test('a copy falls back to byte ranges if the source refuses part numbers', async () => {
  const { copy, calls } = world(() => {
    throw new ReplicationError('invalid-request', 'InvalidPartNumber');
  });
  await expect(copy()).rejects.toMatchObject({ reason: 'invalid-request' });
  // The copy first tries part numbers twice, with the ETag and with computed checksums as proof. Then it
  // tries byte ranges, which fail here too.
  expect(calls.filter((call) => call.startsWith('create'))).toHaveLength(3);
  expect(calls).not.toContain('complete');
});

test('on a service without checksums the parts are read once more, and their MD5s prove them', async () => {
  const { copy, calls } = world((partNumber) => parts[partNumber - 1]!, 'AES256', SILENT);
  expect((await copy()).proof).toBe('md5');
  expect(calls).toEqual(['create CRC64NVME', 'part 1 none', 'part 2 none', 'complete']);
});

test('on a service without checksums a damaged part is detected before the upload is completed', async () => {
  let reads = 0;
  const damaged = (partNumber: number): Buffer =>
    ++reads === 1 ? Buffer.alloc(5, 'x') : parts[partNumber - 1]!;
  const { copy, calls } = world(damaged, 'AES256', SILENT);
  await expect(copy()).rejects.toMatchObject({ reason: 'bad-checksum' });
  expect(calls).not.toContain('complete');
});
