/**
 * Copies a multipart object part by part within one invocation, each part read and written as it was uploaded.
 */
import { createHash } from 'node:crypto';
import type { Copied, CopyRequest } from './copy-request.ts';
import { ReplicationError } from './errors.ts';
import { mapConcurrently } from './concurrency.ts';
import type { Checksum, Guard, ObjectState, Slice, UploadChecksum, UploadedPart } from './ports.ts';
import { contentProof, isKms, partsInEtag } from './proof.ts';
import { provenCopy } from './proven-copy.ts';
import { inPairs } from './retry-pair.ts';

/** Parts under way at once. Four saturate one vCPU's worth of network; more only cost memory. */
const PARTS_AT_ONCE = 4;

const MIB = 1024 * 1024;
/** Limits of multipart uploads: at most 10,000 parts, at least 5 MiB each but for the last. */
const MAX_PARTS = 10_000;
const MIN_PART_BYTES = 5 * MIB;
/** The AWS CLI's and the SDKs' own first. */
const COMMON_PART_BYTES = [8, 5, 16, 64, 10, 32, 100, 128].map((mebibytes) => mebibytes * MIB);
/** For objects whose ETag says nothing about parts: few requests, and still four of them at once. */
const DEFAULT_PART_BYTES = 64 * MIB;

/** How the bytes of an upload are proven. */
interface UploadPlan {
  provenBy: 'checksum' | 'etag' | 'computed';
  slices: Slice[];
  /** Declared when the upload is created; null: S3's own default. */
  checksum: UploadChecksum | null;
  /** The whole object's value, which S3 checks when the upload is completed. */
  whole: Checksum | null;
  /** What S3 checks of a part whose own checksum the source does not know. */
  otherwise: Guard;
}

export const copyMultipart = async (request: CopyRequest): Promise<Copied> => {
  destroy(request);
  const { retention, legalHold } = request.attributes.lock;
  const plans = uploadPlans(request.version, await planSlices(request))
    // S3 takes parts of a locked object with a checksum only ("Uploading an object to a bucket with Object Lock").
    .filter(({ provenBy }) => provenBy !== 'etag' || (retention === null && !legalHold));
  for (const [index, plan] of plans.entries()) {
    const isLast = index === plans.length - 1;
    const copied = await copyAs(request, plan, isLast);
    if (copied !== 'unsupported') return copied;
  }
  throw new ReplicationError('bad-checksum', 'no way of checking this multipart upload is open');
};

/** A multipart object is read by its parts; the GET of the whole is of no use. */
const destroy = (request: CopyRequest): void => {
  if (request.opened !== null && !Buffer.isBuffer(request.opened)) request.opened.destroy();
};

/**
 * The boundaries of the source's own upload. Servers that do not know `partNumber` on GET are read in equal ranges; the
 * ETag then tells whether the guess was right.
 */
const planSlices = async (request: CopyRequest): Promise<Slice[]> => {
  const { version } = request;
  const parts = partsInEtag(version.etag);
  const known = parts === null ? null : await request.source.partsCount(request.sourceKey, version);
  if (parts !== null && known === parts) {
    return Array.from({ length: parts }, (_, index) => ({ kind: 'part', partNumber: index + 1 }));
  }
  return equalRanges(version.sizeBytes, parts);
};

/** Cuts `sizeBytes` into equal ranges, as many as `parts` where that is possible. */
export const equalRanges = (sizeBytes: number, parts: number | null): Slice[] => {
  if (sizeBytes === 0) return [{ kind: 'whole' }];
  const partBytes = likelyPartBytes(sizeBytes, parts);
  return Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, index) => ({
    kind: 'range',
    firstByte: index * partBytes,
    lastByte: Math.min((index + 1) * partBytes, sizeBytes) - 1,
  }));
};

/** A part size that uploaders commonly choose and that gives this number of parts; else the smallest whole mebibytes. */
const likelyPartBytes = (sizeBytes: number, parts: number | null): number => {
  const common = COMMON_PART_BYTES.find((bytes) => Math.ceil(sizeBytes / bytes) === parts);
  if (common !== undefined) return common;
  const wanted = Math.ceil(sizeBytes / (parts ?? MAX_PARTS));
  const leastBytes = parts === null ? DEFAULT_PART_BYTES : MIN_PART_BYTES;
  return Math.max(Math.ceil(wanted / MIB) * MIB, leastBytes);
};

/** Ways to have the upload checked, best first. */
const uploadPlans = (version: ObjectState, slices: Slice[]): UploadPlan[] => {
  const parts = slices[0]?.kind === 'part';
  const ranges = parts ? equalRanges(version.sizeBytes, null) : slices;
  return [
    ...plansFor(version, slices),
    // Where part numbers have gaps the documentation does not say which number reads which part: then without them.
    ...(parts ? plansFor(version, ranges).filter(({ provenBy }) => provenBy !== 'etag') : []),
  ];
};

const plansFor = (version: ObjectState, slices: Slice[]): UploadPlan[] => {
  const stored = version.checksum;
  const declared = stored !== null && (stored.type === 'FULL_OBJECT' || slices[0]?.kind === 'part');
  return [
    ...(declared
      ? [
          {
            provenBy: 'checksum' as const,
            slices,
            checksum: { algorithm: stored.algorithm, type: stored.type },
            whole: stored.type === 'FULL_OBJECT' ? stored : null,
            otherwise: { kind: 'none' as const },
          },
        ]
      : []),
    // The source's ETag is compared with the one the uploaded parts will give.
    { provenBy: 'etag', slices, checksum: null, whole: null, otherwise: { kind: 'none' } },
    // KMS on either side hides the ETags: check at least that what was read is what was stored.
    {
      provenBy: 'computed',
      slices,
      checksum: { algorithm: 'CRC32', type: 'COMPOSITE' },
      whole: null,
      otherwise: { kind: 'compute' },
    },
  ];
};

/** One upload under one plan. `unsupported`: this plan proves nothing here, nothing was committed, try the next. */
const copyAs = async (
  request: CopyRequest,
  plan: UploadPlan,
  isLast: boolean,
): Promise<Copied | 'unsupported'> => {
  const { destination, version, replicaKey: key } = request;
  const { uploadId, encryption } = await destination.createUpload({
    key,
    attributes: request.attributes,
    checksum: plan.checksum,
  });
  try {
    const hidden = plan.provenBy === 'etag' && (isKms(encryption) || isKms(version.encryption));
    const parts = hidden ? null : await copyParts(request, plan, uploadId);
    if (parts === null || !isProvable(version, plan, parts)) {
      await destination.abortUpload({ key, uploadId });
      return 'unsupported';
    }
    // Tried again on its own: what an answer that was lost had done, the next look tells.
    const written = await inPairs(request, () =>
      destination.completeUpload({
        key,
        uploadId,
        parts,
        sizeBytes: version.sizeBytes,
        checksum: plan.whole,
        precondition: request.precondition,
      }),
    );
    return await provenCopy(request, written, planGuard(plan));
  } catch (error) {
    // The first failure is what matters; an upload that cannot be aborted now falls to the bucket's lifecycle rule.
    await destination.abortUpload({ key, uploadId }).catch(() => undefined);
    if (!isLast && isRefusal(error)) return 'unsupported';
    throw error;
  }
};

const copyParts = async (
  request: CopyRequest,
  plan: UploadPlan,
  uploadId: string,
): Promise<UploadedPart[]> => {
  const { source, destination, version } = request;
  const copied = await mapConcurrently(plan.slices, PARTS_AT_ONCE, (slice, index) =>
    inPairs(request, async () => {
      const { body, sizeBytes, checksum } = await source.read(request.sourceKey, version, slice);
      const part = await destination.uploadPart({
        key: request.replicaKey,
        uploadId,
        partNumber: index + 1,
        body,
        sizeBytes,
        guard: partGuard(plan, checksum),
      });
      return { part, sizeBytes };
    }),
  );
  const copiedBytes = copied.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  // A server that knows how many parts there are need not honour the part number of a read.
  if (copiedBytes === version.sizeBytes) return copied.map(({ part }) => part);
  throw new ReplicationError('service-error', `the parts have ${copiedBytes} of ${version.sizeBytes} bytes`);
};

/** A part's own stored checksum goes with it where the upload is declared to use that algorithm. */
const partGuard = (plan: UploadPlan, stored: Checksum | null): Guard =>
  stored !== null && stored.algorithm === plan.checksum?.algorithm
    ? { kind: 'checksum', checksum: stored }
    : plan.otherwise;

/**
 * Before anything is committed: will there be a proof? A full-object checksum is checked by S3 on completion, composite
 * parts were each checked, and otherwise the ETag that these parts will give must be the source's. Throws `bad-checksum`
 * where it is not: with the source's own parts, other bytes are the only explanation.
 */
const isProvable = (version: ObjectState, plan: UploadPlan, parts: UploadedPart[]): boolean => {
  if (plan.provenBy !== 'etag') return true;
  const digests = parts.map((part) => /^"?([0-9a-f]{32})"?$/.exec(part.etag)?.[1]);
  if (digests.includes(undefined)) return false;
  const bytes = Buffer.from(digests.join(''), 'hex');
  const etag = `"${createHash('md5').update(bytes).digest('hex')}-${parts.length}"`;
  const proof = contentProof({ etag, encryption: null, checksum: null }, { ...version, checksum: null });
  if (proof === 'same') return true;
  const guessed = plan.slices.some(({ kind }) => kind !== 'part');
  if (guessed) return false;
  throw new ReplicationError('bad-checksum', 'the parts that were read do not give the ETag of the source');
};

const planGuard = (plan: UploadPlan): Guard =>
  plan.whole === null ? plan.otherwise : { kind: 'checksum', checksum: plan.whole };

/** A server may not know full-object checksums, want a checksum with each part, or not have a part of this number. */
const isRefusal = (error: unknown): boolean =>
  error instanceof ReplicationError && error.reason === 'invalid-request';
