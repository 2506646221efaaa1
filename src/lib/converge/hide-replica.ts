/** Passes a delete on: removes the replica, or hides it under a delete marker. */
import { ReplicationError } from '../model/errors.ts';
import type { HistoryEntry } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { replicaLock } from '../replica/object-lock.ts';
import { namesOneState } from '../replica/stamp.ts';
import type { ConvergeContext } from './context.ts';
import { proofOf } from './ownership.ts';
import type { Shown } from './protocol.ts';

/**
 * Deletes `shown`, on condition that the destination still shows it. S3 compares only the ETag, so the delete may hide an object
 * with the same bytes that somebody else wrote in the meantime. In a versioned bucket, such an object is put back, unless it
 * is a replica that the delete at the source also applies to. Whether or not it is put back, the function throws `lost-race`.
 */
export const hideReplica = async (
  task: Task,
  context: ConvergeContext,
  shown: Shown,
): Promise<{ versionId: string | null }> => {
  const { destination } = context;
  const { replicaKey: key } = task;
  const removed = await destination.remove({ key, etag: shown.etag });
  if (removed.versionId === null || !namesOneState(shown)) return removed;
  const [newest, hidden] = await newestTwo(destination.history(key));
  const isOther = newest?.versionId === removed.versionId && hidden?.kind === 'version';
  if (!isOther || hidden.versionId === shown.versionId) return removed;
  if (!(await isDeletedToo(task, context, hidden.versionId))) await putBack(task, context, hidden.versionId);
  throw new ReplicationError('lost-race', 'somebody else wrote the same bytes before the delete');
};

/**
 * Resolves to true if the source shows a delete now, and the hidden version is a replica that this delete applies to. Such a
 * replica is not put back. The copy might have another ETag, which would no longer prove that it is a replica, so it would stay
 * visible.
 */
const isDeletedToo = async (
  task: Task,
  context: ConvergeContext,
  hiddenVersion: string,
): Promise<boolean> => {
  const [newest, ...before] = await context.source.history(task.key);
  if (newest?.kind !== 'marker') return false;
  const hidden = await context.destination.head(task.replicaKey, hiddenVersion);
  const deletion = { before, markedMs: newest.lastModifiedMs };
  return hidden !== null && (await proofOf(task, context, hidden, deletion)) === 'replica';
};

const newestTwo = async (entries: AsyncIterable<HistoryEntry>): Promise<HistoryEntry[]> => {
  const found: HistoryEntry[] = [];
  for await (const entry of entries) if (found.push(entry) === 2) break;
  return found;
};

/** Copies a hidden version over its delete marker. The role cannot remove a delete marker. */
const putBack = async (
  { destination: { bucket, account, maxRetentionDays }, replicaKey: key }: Task,
  { destination, clock }: ConvergeContext,
  versionId: string,
): Promise<void> => {
  const pin = await destination.head(key, versionId);
  const tags = await destination.tags(key, versionId);
  if (pin === null || tags === null) return;
  const lock = replicaLock({ objectLock: 'replicate', maxRetentionDays }, pin.lock, clock.now());
  await destination.copyObject({
    from: { bucket, account, key, pin },
    key,
    attributes: { ...pin.attributes, tags, lock },
    precondition: { kind: 'absent' },
    unchecked: 'look',
  });
};
