/**
 * Opens the sink for the bytes of an upload. Normal sinks store the bytes and compute digests. For replicas of sparse objects, the sink
 * compares the bytes with the expected content instead.
 */
import type { BlobStore } from '../storage/blobs.ts';
import type { DigestName } from '../storage/digests.ts';
import type { S3Request } from './request.ts';
import { SMALLEST_SPARSE_BYTES } from '../storage/sparse/generator.ts';
import { generatorOf } from '../storage/sparse/sparse-replica.ts';
import { createSparseSink } from '../storage/sparse/sparse-sink.ts';
import type { S3State } from '../model/state.ts';
import type { BodySink } from '../storage/blob.ts';

/** Opens the sink for a request's body. `claimsMd5` is true if the client sent an MD5 of the body. */
export const openSink = (
  state: S3State,
  request: S3Request,
  lengthBytes: number,
  wanted: { digests: Set<DigestName>; claimsMd5: boolean },
): BodySink => {
  const replica = state.sparseReplicas.find(
    ({ bucket, prefix = '' }) => bucket === request.bucketName && request.key?.startsWith(prefix),
  );
  if (replica !== undefined && lengthBytes >= SMALLEST_SPARSE_BYTES) {
    const computed = new Set(wanted.digests);
    if (!wanted.claimsMd5) computed.delete('MD5');
    return createSparseSink(generatorOf(state.generators, replica.seed), computed);
  }
  return createStoringSink(state.blobs, lengthBytes, wanted.digests);
};

const createStoringSink = (blobs: BlobStore, lengthBytes: number, names: Set<DigestName>): BodySink => {
  const writer = blobs.writer(lengthBytes, new Set([...names, 'MD5']));
  return {
    write: (chunk) => writer.write(chunk),
    finish: async () => {
      const { blob, digests } = await writer.finish();
      return { blob, digests, etag: digests.get('MD5')?.toString('hex') ?? '' };
    },
    abort: () => writer.abort(),
  };
};
