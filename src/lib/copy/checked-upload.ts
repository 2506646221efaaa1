/**
 * Uploads bytes with the check that S3 requires. Under Object Lock, S3 accepts an upload or a part only with Content-MD5 or a
 * checksum in a request header ("PutObject" and "UploadPart", S3 API reference). A header is sent before the bytes. If the source has
 * no stored checksum of these bytes, the bytes have to be seen before they are sent: a small body is held in memory, and a larger
 * one is read twice.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import type { Guard } from '../model/ports.ts';
import { HELD_BYTES } from '../replica/object-lock.ts';
import { inOneBuffer, readThrough } from './in-one-buffer.ts';
import { isRefusal } from './refusal.ts';
import type { CopyContext } from './request.ts';

/** Maximum size of all bodies that one invocation holds at the same time. If the limit is reached, a small body is read twice too. */
const ALL_HELD_BYTES = 4 * HELD_BYTES;

interface Payload {
  body: Readable | Buffer;
  sizeBytes: number;
  guard: Guard;
}

interface CheckedUpload<T> {
  /** Whether the upload is known to be under Object Lock. If it is not, the bucket may still have a default retention. */
  isLocked: boolean;
  /** Reads the bytes. Each call reads the same bytes from the source again. */
  read(): Promise<Payload>;
  write(payload: Payload): Promise<T>;
}

/**
 * Reads the bytes and writes them. The default retention of the bucket is asked for once in each execution environment, and only
 * if a body has no checksum in its header. If the role may not ask, S3 refuses the first such upload, which is then repeated with
 * a header. Throws what `read` and `write` throw.
 */
export const uploadChecked = async <T>(
  context: Pick<CopyContext, 'destination' | 'invocation'>,
  upload: CheckedUpload<T>,
): Promise<T> => {
  const { destination } = context;
  const payload = await upload.read();
  if (isInHeader(payload.guard)) return await upload.write(payload);
  if (upload.isLocked || (await destination.locksByDefault()))
    return await writeWithHeader(context, upload, payload);
  try {
    return await upload.write(payload);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const written = await writeWithHeader(context, upload, await upload.read());
    destination.foundLocked();
    return written;
  }
};

const isInHeader = ({ kind }: Guard): boolean => kind === 'checksum' || kind === 'md5';

const writeWithHeader = async <T>(
  { invocation }: Pick<CopyContext, 'invocation'>,
  { read, write }: CheckedUpload<T>,
  payload: Payload,
): Promise<T> => {
  const { body, sizeBytes } = payload;
  const digest = createDigest(payload.guard);
  if (Buffer.isBuffer(body)) {
    digest.update(body);
    return await write({ ...payload, guard: digest.guard() });
  }
  if (sizeBytes > HELD_BYTES || invocation.heldBytes + sizeBytes > ALL_HELD_BYTES) {
    await readThrough(body, sizeBytes, digest.update);
    return await write({ ...(await read()), guard: digest.guard() });
  }
  invocation.heldBytes += sizeBytes;
  try {
    const held = await inOneBuffer(body, sizeBytes);
    digest.update(held);
    return await write({ ...payload, body: held, guard: digest.guard() });
  } finally {
    invocation.heldBytes -= sizeBytes;
  }
};

/**
 * Returns a digest that becomes a guard in the header. An upload for which a CRC32 was declared gets a CRC32. Any other upload gets
 * Content-MD5, which S3 accepts whatever checksum was declared.
 */
const createDigest = ({ kind }: Guard): { update(chunk: Buffer): void; guard(): Guard } => {
  if (kind !== 'compute') {
    const md5 = createHash('md5');
    return {
      update: (chunk) => void md5.update(chunk),
      guard: () => ({ kind: 'md5', md5: md5.digest('base64') }),
    };
  }
  let crc = 0;
  return {
    update(chunk) {
      crc = crc32(chunk, crc);
    },
    guard() {
      const value = Buffer.alloc(4);
      value.writeUInt32BE(crc);
      const checksum = { algorithm: 'CRC32', type: 'FULL_OBJECT', value: value.toString('base64') } as const;
      return { kind: 'checksum', checksum };
    },
  };
};
