/** Uploads the objects, and keeps the board up to date during replication. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ListMultipartUploadsCommand, ListPartsCommand } from '@aws-sdk/client-s3';
import { upload } from './upload.ts';
import { entryIsSettled } from './board.ts';
import type { Board, Entry, Replica } from './board.ts';
import { isReplicated } from './replica-places.ts';
import type { TwoAccounts } from './two-accounts.ts';

/** Maximum time between two checks of the buckets. */
const CHECK_EVERY_MS = 200;

/**
 * Uploads all objects while {@link follow} watches. The large object is uploaded after all others have been replicated, because moving its
 * bytes takes processor time from everything else on this machine. Resolves at the end of the last upload.
 */
export const uploadAll = async (accounts: TwoAccounts, board: Board, signal: AbortSignal): Promise<void> => {
  const uploadEntry = async (entry: Entry): Promise<void> => {
    entry.isUploading = true;
    await upload(accounts.source.s3(), entry.object, (bytes) => {
      entry.uploadedBytes += bytes;
    });
    Object.assign(entry, { isUploading: false, uploadedMs: performance.now() });
  };
  const [large, ...others] = board.entries.toReversed();
  await Promise.all(others.toReversed().map(uploadEntry));
  while (!others.every(entryIsSettled)) await sleep(50, undefined, { signal });
  if (large !== undefined) await uploadEntry(large);
};

/**
 * Resolves when every object is replicated or in the dead-letter queue. Calls `onCheck` after each check of the buckets.
 * @throws Error after `timeoutMs`
 */
export const follow = async (
  accounts: TwoAccounts,
  board: Board,
  options: { onCheck: () => void; timeoutMs: number; signal: AbortSignal },
): Promise<void> => {
  const deadlineMs = performance.now() + options.timeoutMs;
  const reported = new Map<Replica, { entry: Entry; atMs: number }>();
  const unsubscribe = accounts.outcomes.subscribe((outcome) => {
    const about = board.report(outcome);
    if (about === null || outcome.ending !== 'done') return;
    if (outcome.outcome === 'replicated') about.replica.durationMs = outcome.durationMs;
    reported.set(about.replica, { entry: about.entry, atMs: performance.now() });
  });
  try {
    while (!board.isSettled()) {
      options.signal.throwIfAborted();
      if (performance.now() > deadlineMs) throw new Error(`not replicated: ${unsettled(board).join(', ')}`);
      await Promise.race([accounts.outcomes.next(), sleep(CHECK_EVERY_MS)]);
      await Promise.all([...reported].map(([replica, report]) => judge(accounts, replica, report, reported)));
      await checkCopies(accounts, board);
      options.onCheck();
    }
  } finally {
    unsubscribe();
  }
};

const unsettled = ({ entries }: Board): string[] =>
  entries
    .filter(({ replicas }) => replicas.some(({ state }) => state === 'waiting' || state === 'copying'))
    .map(({ object }) => object.key);

/**
 * Checks in the buckets whether a replica is up to date, and if so marks it as replicated. The time of the replication is that of the
 * function's report.
 */
const judge = async (
  accounts: TwoAccounts,
  replica: Replica,
  { entry, atMs }: { entry: Entry; atMs: number },
  reported: Map<Replica, unknown>,
): Promise<void> => {
  // The object may be written several times. Before the last write, a replica of an earlier write does not count.
  if (entry.uploadedMs === null) return;
  reported.delete(replica);
  if (replica.state === 'replicated') return;
  if (!(await isReplicated(accounts, replica.place))) return;
  Object.assign(replica, { state: 'replicated', replicatedMs: atMs, reason: null });
};

/** Reads the progress of multipart copies from S3. */
const checkCopies = async (accounts: TwoAccounts, { entries }: Board): Promise<void> => {
  const replicas = entries
    .filter(({ object, uploadedMs }) => uploadedMs !== null && (object.partSizesBytes?.length ?? 0) > 1)
    .flatMap((entry) => entry.replicas)
    .filter(({ state }) => state === 'waiting' || state === 'copying');
  await Promise.all(
    replicas.map(async (replica) => {
      const bytes = await copiedBytes(accounts, replica);
      if (bytes !== null && replica.state !== 'replicated') {
        Object.assign(replica, { state: 'copying', copiedBytes: bytes });
      }
    }),
  );
};

const copiedBytes = async (
  accounts: TwoAccounts,
  { place: { bucket: Bucket, key: Key, destination } }: Replica,
): Promise<number | null> => {
  const client = accounts.destination.s3(destination.region);
  const { Uploads: uploads = [] } = await client.send(
    new ListMultipartUploadsCommand({ Bucket, Prefix: Key }),
  );
  const UploadId = uploads.find((each) => each.Key === Key)?.UploadId;
  if (UploadId === undefined) return null;
  // The multipart upload may end between the two calls. In that case, ListParts fails.
  const listed = await client.send(new ListPartsCommand({ Bucket, Key, UploadId })).catch(() => null);
  return listed === null ? null : (listed.Parts ?? []).reduce((sum, part) => sum + (part.Size ?? 0), 0);
};
