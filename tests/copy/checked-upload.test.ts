/** Uploads under Object Lock, for which S3 demands a checksum in a header. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { uploadChecked } from '../../src/lib/copy/checked-upload.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Guard } from '../../src/lib/model/ports.ts';
import { createMemoryBucket } from '../model/memory-buckets.ts';
import { memoryDestination } from '../model/memory-destination.ts';

const MIB = 1024 ** 2;
const NONE: Guard = { kind: 'none' };

interface Setting {
  bytes?: Buffer;
  guard?: Guard;
  isLocked?: boolean;
  locksByDefault?: boolean;
  heldBytes?: number;
  /** Called with each guard that is sent. It may throw. */
  judge?(guard: Guard): void;
}

/** Uploads the bytes. Returns the guards that were sent, and how often the source was read. */
const upload = async (setting: Setting) => {
  const { bytes = Buffer.from('abc'), guard = NONE, judge } = setting;
  const seen = { guards: [] as Guard[], bodies: [] as string[], reads: 0, found: 0, error: null as unknown };
  const invocation = { requestId: 'r', deadlineMs: 1, fullTimeMs: 1, bytesUnderWay: 0, heldBytes: 0 };
  invocation.heldBytes = setting.heldBytes ?? 0;
  const destination = {
    ...memoryDestination(
      createMemoryBucket('enabled', () => 0),
      async () => undefined,
    ),
    locksByDefault: async () => setting.locksByDefault ?? false,
    foundLocked: () => void (seen.found += 1),
  };
  const done = uploadChecked(
    { destination, invocation },
    {
      isLocked: setting.isLocked ?? false,
      async read() {
        seen.reads += 1;
        return { body: Readable.from([bytes]), sizeBytes: bytes.length, guard };
      },
      async write(payload) {
        seen.guards.push(payload.guard);
        seen.bodies.push(Buffer.isBuffer(payload.body) ? 'held' : 'stream');
        judge?.(payload.guard);
      },
    },
  );
  await done.catch((error: unknown) => (seen.error = error));
  expect(invocation.heldBytes).toBe(setting.heldBytes ?? 0);
  return seen;
};

const md5 = (bytes: Buffer): Guard => ({
  kind: 'md5',
  md5: createHash('md5').update(bytes).digest('base64'),
});
const refused = (): never => {
  throw new ReplicationError('invalid-request', 'as told');
};
const refuseWithoutHeader = ({ kind }: Guard): void => {
  if (kind === 'none' || kind === 'compute') refused();
};

test('without a lock a body is read once and sent as a stream, with the guard that it came with', async () => {
  const bytes = Buffer.alloc(17 * MIB);
  for (const guard of [NONE, { kind: 'compute' }] as const)
    expect(await upload({ bytes, guard })).toMatchObject({ guards: [guard], bodies: ['stream'], reads: 1 });
});

test.each([
  ['a lock of the upload', { isLocked: true }],
  ['a default retention of the bucket', { locksByDefault: true }],
])('under %s a body that fits into memory is read once, and a larger body twice', async (_lock, lock) => {
  const small = Buffer.alloc(16 * MIB, 'a');
  expect(await upload({ ...lock, bytes: small })).toMatchObject({
    guards: [md5(small)],
    bodies: ['held'],
    reads: 1,
  });
  const large = Buffer.alloc(16 * MIB + 1, 'a');
  const twice = { bodies: ['stream'], reads: 2 };
  expect(await upload({ ...lock, bytes: large })).toMatchObject({ ...twice, guards: [md5(large)] });
  // Other copies of the same invocation hold so much memory that even a small body is read twice.
  expect(await upload({ ...lock, bytes: small, heldBytes: 49 * MIB })).toMatchObject(twice);
});

test('a part of an upload with a CRC32 has its CRC32 in the header', async () => {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32('abc'));
  const checksum = { algorithm: 'CRC32', type: 'FULL_OBJECT', value: value.toString('base64') };
  const { guards } = await upload({ isLocked: true, guard: { kind: 'compute' } });
  expect(guards).toEqual([{ kind: 'checksum', checksum }]);
});

test('a refusal shows a default retention that the role may not ask for', async () => {
  const seen = await upload({ judge: refuseWithoutHeader });
  expect(seen).toMatchObject({ guards: [NONE, md5(Buffer.from('abc'))], reads: 2, found: 1, error: null });
});

test('a refusal that has another cause shows nothing about the bucket', async () => {
  expect(await upload({ judge: refused })).toMatchObject({
    reads: 2,
    found: 0,
    error: { reason: 'invalid-request' },
  });
});
