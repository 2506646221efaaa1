/** Receives bytes that must equal generated content. Compares them with the content, and stores only their position in it. */
import { createDigester, type DigestName } from '../digests.ts';
import { S3Error } from '../../errors.ts';
import { BLOCK_BYTES, type Generator, STAMP_BYTES } from './generator.ts';
import { sparseBlob } from './sparse-blob.ts';
import type { BodySink } from '../blob.ts';

/** Creates a sink that throws BadDigest at the first byte that differs from the generator's. `wanted` are the digests to return. */
export const createSparseSink = (generator: Generator, wanted: Set<DigestName>): BodySink => {
  const crcs = (['CRC32', 'CRC32C', 'CRC64NVME'] as const).filter((name) => wanted.has(name));
  // The generator provides the CRCs and the ETag. The digester computes only the other digests, such as an MD5 that the client sent.
  const digester = createDigester(new Set([...wanted].filter((name) => !crcs.some((crc) => crc === name))));
  let unlocated: Buffer | null = Buffer.alloc(0);
  let position = 0;
  let sizeBytes = 0;

  const compare = (bytes: Buffer): void => {
    const difference = generator.difference(bytes, position + sizeBytes);
    if (difference >= 0) throw notGenerated(generator, position + sizeBytes + difference);
    sizeBytes += bytes.length;
  };
  const locate = (bytes: Buffer): void => {
    const found = generator.locate(bytes);
    if (found === null) throw notGenerated(generator, null);
    position = found;
    unlocated = null;
    compare(bytes);
  };

  return {
    write: (chunk) => {
      digester.update(chunk);
      if (unlocated === null) {
        compare(chunk);
        return undefined;
      }
      unlocated = Buffer.concat([unlocated, chunk]);
      if (unlocated.length >= BLOCK_BYTES + STAMP_BYTES) locate(unlocated);
      return undefined;
    },
    finish: async () => {
      if (unlocated !== null) locate(unlocated);
      const digests = await digester.digests();
      for (const name of crcs) digests.set(name, generator.crc(name, position, sizeBytes));
      return {
        blob: sparseBlob(generator, position, sizeBytes),
        digests,
        etag: generator.etag(position, sizeBytes),
      };
    },
    abort: () => Promise.resolve(),
  };
};

const notGenerated = (generator: Generator, position: number | null): S3Error =>
  new S3Error('BadDigest', {
    message:
      position === null
        ? `This is not content of the sparse object with seed ${generator.seed}: it contains no stamp of that object.`
        : `This is not content of the sparse object with seed ${generator.seed}: it differs at position ${position}.`,
  });
