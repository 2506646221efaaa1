/** Finds out whether the bytes of a version can be read, before anything is written. */
import { ReplicationError } from '../model/errors.ts';
import type { ObjectState, SourceBucket } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import type { Way } from './part-layout.ts';

/**
 * Reads one byte of the source. Throws `archived` or another refusal of S3 before there is an upload, so that converge can pass the
 * version over or ask for its restore. If S3 is to copy the bytes itself, only versions that may be archived are read, because S3
 * reads with other permissions than the function.
 */
export const assertReadable = async (
  { task, source, version }: { task: Pick<Task, 'key'>; source: SourceBucket; version: ObjectState },
  way: Way,
): Promise<void> => {
  if (way === 'server-side' && !MAY_BE_ARCHIVED.has(version.attributes.storageClass ?? '')) return;
  try {
    const { body } = await source.read(task.key, version, { kind: 'range', firstByte: 0, lastByte: 0 });
    body.destroy();
  } catch (error) {
    const isArchived = error instanceof ReplicationError && error.reason === 'archived';
    if (way === 'stream' || isArchived) throw error;
  }
};

const MAY_BE_ARCHIVED: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE', 'INTELLIGENT_TIERING']);
