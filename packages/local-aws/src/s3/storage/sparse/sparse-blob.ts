import type { Generator } from './generator.ts';
import type { Blob, GeneratedBlob } from '../blob.ts';

/** Creates a blob for a piece of generated content. The blob needs no storage, whatever its size. */
export const sparseBlob = (generator: Generator, position: number, sizeBytes: number): GeneratedBlob => ({
  sizeBytes,
  retain: () => undefined,
  release: () => undefined,
  read: async function* (offset, lengthBytes) {
    yield* generator.read(position + offset, lengthBytes);
  },
  generated: {
    etag: (offset, lengthBytes) => generator.etag(position + offset, lengthBytes),
    crc: (algorithm, offset, lengthBytes) => generator.crc(algorithm, position + offset, lengthBytes),
    piece: (offset, lengthBytes) => sparseBlob(generator, position + offset, lengthBytes),
    followedBy: (next) => joined(generator, position, sizeBytes, next),
    seed: generator.seed,
    position,
  },
});

/** Merges a piece with `next`. Returns null unless `next` follows the piece directly in the content. */
const joined = (generator: Generator, position: number, sizeBytes: number, next: Blob): Blob | null => {
  const { generated } = next;
  if (generated?.seed !== generator.seed || generated.position !== position + sizeBytes) return null;
  return sparseBlob(generator, position, sizeBytes + next.sizeBytes);
};
