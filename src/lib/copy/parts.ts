/** Copies parts of one upload: each is read and written as a pair, or copied by S3 itself. */
import { type Budget, createBudget, mapConcurrently } from '../model/concurrency.ts';
import { copiedInside } from './inside-s3.ts';
import { byteRanges, partGuard, type PartPlan, partSizes, sliceOf } from './part-plan.ts';
import type { Clock, DestinationBucket, Invocation, SourceBucket, UploadedPart } from '../model/ports.ts';
import { inPairs } from './in-pairs.ts';
import type { ServerSide } from './way.ts';
import type { TransferVersion, Way } from './part-layout.ts';
import type { Work } from '../model/work.ts';

/** Parts under way at once. Four saturate one vCPU's worth of network; more only cost memory. */
const STREAMED_AT_ONCE = 4;
/** Those that S3 copies cost the function nothing. */
const COPIED_AT_ONCE = 16;

export interface PartsCopy {
  work: Pick<Work, 'rule' | 'destination'>;
  source: SourceBucket;
  destination: DestinationBucket;
  sourceKey: string;
  replicaKey: string;
  uploadId: string;
  /** Pins every read. */
  version: TransferVersion;
  plan: PartPlan;
  way: Way;
  serverSide: ServerSide;
  invocation: Invocation;
  clock: Clock;
}

/** Whether there is time for more. */
export interface Pace {
  /** False: not beside those under way. Otherwise it has begun. */
  begin(bytes: number): boolean;
  /** They were copied. After a failure nothing more is begun. */
  end(bytes: number): void;
}

export interface CopiedPart extends UploadedPart {
  sizeBytes: number;
}

/** Answers those that were copied, in the order given; those after the first that had no time are left out. */
export const copyParts = async (
  copy: PartsCopy,
  partNumbers: readonly number[],
  pace: Pace | null = null,
): Promise<CopiedPart[]> => {
  const { layout } = copy.plan;
  const sizes = partSizes(layout, copy.version.sizeBytes);
  const ranges = byteRanges(layout, copy.version.sizeBytes);
  const streams = createBudget(STREAMED_AT_ONCE);
  const job: Job = { ...copy, insideS3: copy.way === 'server-side', streams };
  let isOver = false;
  const copyNext = async (partNumber: number): Promise<CopiedPart | null> => {
    const bytes = sizes[partNumber - 1] ?? 0;
    isOver ||= pace !== null && !pace.begin(bytes);
    if (isOver) return null;
    const part = await copyPart(job, partNumber, ranges[partNumber - 1] ?? null);
    pace?.end(bytes);
    return part;
  };
  // Where S3 may refuse, one part finds that out for all.
  const probes = job.insideS3 && copy.work.rule.copy === 'auto' ? 1 : 0;
  const first = await mapConcurrently(partNumbers.slice(0, probes), 1, copyNext);
  const atOnce = job.insideS3 ? COPIED_AT_ONCE : STREAMED_AT_ONCE;
  const others = await mapConcurrently(partNumbers.slice(probes), atOnce, copyNext);
  return [...first, ...others].filter((part) => part !== null);
};

/** `insideS3` false: S3 does not copy this object, or the rest of it. */
type Job = PartsCopy & { insideS3: boolean; streams: Budget };

const copyPart = async (
  job: Job,
  partNumber: number,
  bytes: { first: number; last: number } | null,
): Promise<CopiedPart> => {
  const { work, serverSide, destination, version } = job;
  job.insideS3 &&= serverSide.way(work.rule, work.destination) === 'server-side';
  if (job.insideS3) {
    const part = await copiedInside(job, () =>
      destination.copyPart({
        from: { bucket: work.rule.source.bucket, key: job.sourceKey, pin: version },
        key: job.replicaKey,
        uploadId: job.uploadId,
        partNumber,
        bytes,
      }),
    );
    if (part !== 'refused') return { ...part, sizeBytes: bytes === null ? 0 : bytes.last - bytes.first + 1 };
    job.insideS3 = false;
  }
  return await job.streams.run(1, () => streamPart(job, partNumber, bytes));
};

const streamPart = async (
  job: Job,
  partNumber: number,
  bytes: { first: number; last: number } | null,
): Promise<CopiedPart> => {
  const slice = sliceOf(job.plan, partNumber, bytes);
  return await inPairs(job, async () => {
    const { body, sizeBytes, checksum } = await job.source.read(job.sourceKey, job.version, slice);
    const part = await job.destination.uploadPart({
      key: job.replicaKey,
      uploadId: job.uploadId,
      partNumber,
      body,
      sizeBytes,
      guard: partGuard(job.plan, checksum),
    });
    return { ...part, sizeBytes };
  });
};
