/** Keeps the board true to the buckets while replication goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ListMultipartUploadsCommand, ListPartsCommand } from '@aws-sdk/client-s3';
import { upload } from './upload.ts';
import { entryIsSettled } from './board.ts';
import type { Board, Entry, Replica } from './board.ts';
import { isReplicated } from './replica-places.ts';
import type { TwoAccounts } from './two-accounts.ts';

const LOOK_EVERY_MS = 200;

/**
 * Uploads everything while {@link follow} watches: the large object when the others have arrived, because bytes moved on this
 * machine take processor time from everything else on it. Resolves when the last upload has ended.
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
 * Until every object is replicated or in the dead-letter queue. `onLook` is called after each look.
 * @throws Error after `timeoutMs`
 */
export const follow = async (
  accounts: TwoAccounts,
  board: Board,
  options: { onLook: () => void; timeoutMs: number; signal: AbortSignal },
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
      await Promise.race([accounts.outcomes.next(), sleep(LOOK_EVERY_MS)]);
      await Promise.all([...reported].map(([replica, report]) => judge(accounts, replica, report, reported)));
      await lookAtCopies(accounts, board);
      options.onLook();
    }
  } finally {
    unsubscribe();
  }
};

const unsettled = ({ entries }: Board): string[] =>
  entries
    .filter(({ replicas }) => replicas.some(({ state }) => state === 'waiting' || state === 'copying'))
    .map(({ object }) => object.key);

/** The report says when, the buckets say whether. */
const judge = async (
  accounts: TwoAccounts,
  replica: Replica,
  { entry, atMs }: { entry: Entry; atMs: number },
  reported: Map<Replica, unknown>,
): Promise<void> => {
  // Until the last write is in, a replica of an earlier one is not what we wait for.
  if (entry.uploadedMs === null) return;
  reported.delete(replica);
  if (replica.state === 'replicated') return;
  if (!(await isReplicated(accounts, replica.place))) return;
  Object.assign(replica, { state: 'replicated', replicatedMs: atMs, reason: null });
};

/** How far multipart copies are: S3 itself can say. */
const lookAtCopies = async (accounts: TwoAccounts, { entries }: Board): Promise<void> => {
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
  // It may end between the two looks.
  const listed = await client.send(new ListPartsCommand({ Bucket, Key, UploadId })).catch(() => null);
  return listed === null ? null : (listed.Parts ?? []).reduce((sum, part) => sum + (part.Size ?? 0), 0);
};
