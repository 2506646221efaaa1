/** The content of an object or a part, which is a list of slices of blobs. */
import type { CrcAlgorithm } from './crc-combine.ts';
import type { Blob } from './blob.ts';

interface Slice {
  blob: Blob;
  offset: number;
  lengthBytes: number;
}

export interface Content {
  slices: Slice[];
  sizeBytes: number;
}

export const contentOfBlob = (blob: Blob): Content => ({
  slices: [{ blob, offset: 0, lengthBytes: blob.sizeBytes }],
  sizeBytes: blob.sizeBytes,
});

/** Concatenates contents. The result takes over their references to blobs. */
export const joinContents = (contents: Content[]): Content => ({
  slices: mergeGenerated(contents.flatMap((content) => content.slices)),
  sizeBytes: contents.reduce((sum, content) => sum + content.sizeBytes, 0),
});

/** Merges adjacent pieces of generated content, so that a replica of a sparse object has as few slices as its source. */
const mergeGenerated = (slices: Slice[]): Slice[] => {
  const merged: Slice[] = [];
  for (const slice of slices) {
    const before = merged.at(-1);
    const blob =
      before !== undefined && isWhole(before) && isWhole(slice)
        ? (before.blob.generated?.followedBy(slice.blob) ?? null)
        : null;
    if (blob === null) merged.push(slice);
    else merged[merged.length - 1] = { blob, offset: 0, lengthBytes: blob.sizeBytes };
  }
  return merged;
};

const isWhole = ({ blob, offset, lengthBytes }: Slice): boolean =>
  offset === 0 && lengthBytes === blob.sizeBytes;

/** Returns the digests of a content that is a single piece of generated content; null for any other content. */
export const knownDigests = (
  content: Content,
  algorithm: CrcAlgorithm,
): { md5: string; checksum: string } | null => {
  const [slice, second] = content.slices;
  if (slice?.blob.generated === undefined || second !== undefined) return null;
  const { offset, lengthBytes } = slice;
  const { generated } = slice.blob;
  return {
    md5: generated.etag(offset, lengthBytes),
    checksum: generated.crc(algorithm, offset, lengthBytes).toString('base64'),
  };
};

/** Returns a part of a content. The part holds no references to its blobs until {@link retainContent} is called. */
export const sliceContent = (content: Content, offset: number, lengthBytes: number): Content => {
  const slices: Slice[] = [];
  let skip = offset;
  let wanted = lengthBytes;
  for (const slice of content.slices) {
    const taken = Math.min(slice.lengthBytes - skip, wanted);
    if (taken > 0) {
      slices.push(narrowed(slice, skip, taken));
      wanted -= taken;
    }
    skip = Math.max(skip - slice.lengthBytes, 0);
    if (wanted === 0) break;
  }
  return { slices, sizeBytes: lengthBytes - wanted };
};

/** Returns a part of a slice. A part of generated content becomes a blob of its own, so that copied parts can be merged again. */
const narrowed = ({ blob, offset }: Slice, skip: number, lengthBytes: number): Slice =>
  blob.generated === undefined
    ? { blob, offset: offset + skip, lengthBytes }
    : { blob: blob.generated.piece(offset + skip, lengthBytes), offset: 0, lengthBytes };

export const retainContent = (content: Content): Content => {
  for (const slice of content.slices) slice.blob.retain();
  return content;
};

export const releaseContent = (content: Content): void => {
  for (const slice of content.slices) slice.blob.release();
};

/** Reads the whole content. {@link Blob.read} describes how long a yielded buffer stays valid. */
export async function* readContent(content: Content): AsyncIterable<Buffer> {
  for (const slice of content.slices) yield* slice.blob.read(slice.offset, slice.lengthBytes);
}
