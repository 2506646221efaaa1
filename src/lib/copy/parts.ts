/** Copies parts of one upload. Each part is read and written as a pair, or copied by S3 itself. */
import { Readable } from 'node:stream';
import { type Budget, createBudget, mapConcurrently } from '../model/concurrency.ts';
import type { SourceBucket, UploadedPart } from '../model/ports.ts';
import { copySourceOf, type Task } from '../model/task.ts';
import { uploadChecked } from './checked-upload.ts';
import { inPairs } from './in-pairs.ts';
import { copiedInside } from './inside-s3.ts';
import type { TransferVersion, Way } from './part-layout.ts';
import { type ByteRange, byteRanges, partGuard, type PartPlan, partSizes, sliceOf } from './part-plan.ts';
import { etagIsDigest } from '../replica/proof.ts';
import type { CopyContext } from './request.ts';
import { etagOfBytes, isSilent, otherBytes } from './silent-service.ts';

/** How many parts are streamed at once. Four saturate the network of one vCPU, so more would only cost memory. */
const STREAMED_AT_ONCE = 4;
/** How many parts S3 copies at once. These copies use neither memory nor network of the function. */
const COPIED_AT_ONCE = 16;

export interface PartsCopy extends Omit<CopyContext, 'transfers'> {
  task: Task;
  uploadId: string;
  /** The source version, to which every read is pinned. */
  version: TransferVersion;
  plan: PartPlan;
  way: Way;
  /** Whether the upload itself is locked. If it is not, the bucket may still lock it by default. */
  isLocked: boolean;
}

/** Decides whether there is time for more parts. */
export interface PartPace {
  /**
   * Returns false if the time left is too short for a part of this size, beside the parts that are being copied. Otherwise counts
   * the part as begun and returns true.
   */
  begin(bytes: number): boolean;
  /** Counts a part of this size as copied. Not called for a part that failed, because no other part begins after a failure. */
  end(bytes: number): void;
}

export interface CopiedPart extends UploadedPart {
  sizeBytes: number;
}

/**
 * Copies these parts, and resolves to those that were copied, in the given order. The first part for which there is no time, and
 * all parts after it, are left out.
 */
export const copyParts = async (
  copy: PartsCopy,
  partNumbers: readonly number[],
  pace: PartPace | null = null,
): Promise<CopiedPart[]> => {
  const { layout } = copy.plan;
  const sizes = partSizes(layout, copy.version.sizeBytes);
  const ranges = byteRanges(layout, copy.version.sizeBytes);
  const streams = createBudget(STREAMED_AT_ONCE);
  const mover: PartMover = { ...copy, insideS3: copy.way === 'server-side', streams };
  let isOver = false;
  const copyNext = async (partNumber: number): Promise<CopiedPart | null> => {
    const bytes = sizes[partNumber - 1] ?? 0;
    isOver ||= pace !== null && !pace.begin(bytes);
    if (isOver) return null;
    const part = await movePart(mover, partNumber, ranges[partNumber - 1] ?? null);
    pace?.end(bytes);
    return part;
  };
  // With `copy: auto`, one part is tried alone first, so that a refusal by S3 does not concern many parts at once.
  const probes = mover.insideS3 && copy.task.rule.copy === 'auto' ? 1 : 0;
  const first = await mapConcurrently(partNumbers.slice(0, probes), 1, copyNext);
  const atOnce = mover.insideS3 ? COPIED_AT_ONCE : STREAMED_AT_ONCE;
  const others = await mapConcurrently(partNumbers.slice(probes), atOnce, copyNext);
  return [...first, ...others].filter((part) => part !== null);
};

/**
 * `insideS3` is true while S3 itself copies the parts. It becomes false when S3 refuses to copy a part. The remaining parts are
 * then streamed.
 */
type PartMover = PartsCopy & { insideS3: boolean; streams: Budget };

const movePart = async (
  mover: PartMover,
  partNumber: number,
  bytes: ByteRange | null,
): Promise<CopiedPart> => {
  const { task, serverSide, destination, version, uploadId } = mover;
  mover.insideS3 &&= serverSide.way(task.rule, task.destination) === 'server-side';
  // Without a range S3 would copy the whole object, so an empty part is always streamed.
  const isEmpty = bytes === null && version.sizeBytes > 0;
  if (mover.insideS3 && !isEmpty) {
    const from = copySourceOf(task, version);
    const part = await copiedInside(mover, () =>
      destination.copyPart({ from, key: task.replicaKey, uploadId, partNumber, bytes }),
    );
    if (part !== 'refused') return { ...part, sizeBytes: bytes === null ? 0 : bytes.last - bytes.first + 1 };
    mover.insideS3 = false;
  }
  return await mover.streams.run(1, () => streamPart(mover, partNumber, bytes));
};

const streamPart = async (
  mover: PartMover,
  partNumber: number,
  bytes: ByteRange | null,
): Promise<CopiedPart> => {
  const { task, destination, uploadId, plan } = mover;
  const part = await inPairs(mover, () =>
    uploadChecked(mover, {
      isLocked: mover.isLocked,
      async read() {
        const { body, sizeBytes, checksum } = await readPart(mover, partNumber, bytes);
        return { body, sizeBytes, guard: partGuard(plan, checksum) };
      },
      async write(payload) {
        const request = { key: task.replicaKey, uploadId, partNumber, ...payload };
        return { ...(await destination.uploadPart(request)), sizeBytes: payload.sizeBytes };
      },
    }),
  );
  await assertStored(mover, [part]);
  return part;
};

const readPart = async (
  { task, source, version, plan }: Pick<PartsCopy, 'plan' | 'source' | 'task' | 'version'>,
  partNumber: number,
  bytes: ByteRange | null,
): ReturnType<SourceBucket['read']> => {
  const slice = sliceOf(plan, partNumber, bytes);
  // There is no range of no bytes, and a read without a range would return the whole object.
  if (slice.kind === 'whole' && version.sizeBytes > 0)
    return { body: Readable.from([]), sizeBytes: 0, checksum: null };
  return await source.read(task.key, version, slice);
};

/**
 * Throws `bad-checksum` if a part does not hold the bytes of the source. Checks only parts for which the service shows no checksum,
 * and only if the ETag of the completed object will not show whether the bytes are right.
 */
export const assertStored = async (copy: PartsCopy, parts: readonly UploadedPart[]): Promise<void> => {
  const { task, version, plan } = copy;
  if (plan.provenBy === 'etag' || (plan.isOwn && etagIsDigest(version))) return;
  const silent = parts.filter(({ checksum }) => isSilent(task, checksum));
  if (silent.length === 0) return;
  const ranges = byteRanges(plan.layout, version.sizeBytes);
  await mapConcurrently(silent, STREAMED_AT_ONCE, async ({ partNumber, etag }) => {
    const range = ranges[partNumber - 1] ?? null;
    const expected = await inPairs(copy, async () => etagOfBytes(await readPart(copy, partNumber, range)));
    if (etag !== expected) throw otherBytes();
  });
};
