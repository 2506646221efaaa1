/** Copies of model buckets, with which a test can try something without changing the original buckets. */
import { createMemoryBucket, type MemoryBucket } from './memory-buckets.ts';

/** Returns a bucket with the same content, whose clock stands still. */
export const copyOfBucket = (bucket: MemoryBucket): MemoryBucket => {
  const nowMs = bucket.now();
  const copy = createMemoryBucket(bucket.versioning, () => nowMs, bucket.options);
  for (const [key, entries] of bucket.history)
    copy.history.set(
      key,
      entries.map((entry) => ({ ...entry })),
    );
  for (const [id, upload] of bucket.uploads)
    copy.uploads.set(id, { ...upload, parts: new Map(upload.parts) });
  return copy;
};

/** Returns everything that the bucket shows, as a value that can be compared. */
export const contentOf = ({ history, uploads }: MemoryBucket): object =>
  structuredClone({ history: [...history], uploads: [...uploads] });
