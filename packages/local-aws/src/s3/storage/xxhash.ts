/**
 * The three xxHash checksums. Node has no xxHash, so they come from the classes that AWS's SDK for JavaScript
 * uses.
 */
import { Xxh3_128, Xxh3_64, Xxh64 } from '@aws-sdk/checksums/xxh';

const CLASSES = { XXHASH64: Xxh64, XXHASH3: Xxh3_64, XXHASH128: Xxh3_128 };

/** Creates a hash. Its `digest` resolves to big-endian bytes, as S3 encodes these checksums. */
export const createXxHash = (algorithm: keyof typeof CLASSES) => {
  const hash = new CLASSES[algorithm]();
  return {
    update: (chunk: Buffer): void => hash.update(chunk),
    digest: async (): Promise<Buffer> => Buffer.from(await hash.digest()),
  };
};
