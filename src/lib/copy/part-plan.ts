/**
 * Decides how an object is cut into the parts of an upload, and how its bytes are proven. The plans are the same for uploads
 * within one invocation and for transfers. They are also the same for streamed bytes and for bytes that S3 copies.
 */
import { createHash } from 'node:crypto';
import type { Checksum, Guard, ObjectState, Slice, UploadChecksum, UploadedPart } from '../model/ports.ts';
import { isKms } from '../replica/proof.ts';
import type { PartLayout, ProvenBy, Way } from './part-layout.ts';

const MIB = 1024 * 1024;
/** The limits of multipart uploads: at most 10,000 parts, each of at least 5 MiB except the last. */
export const MAX_UPLOAD_PARTS = 10_000;
const MIN_PART_BYTES = 5 * MIB;
/** The most common part sizes. The defaults of the AWS CLI and the SDKs come first. */
const COMMON_PART_BYTES = [8, 5, 16, 64, 10, 32, 100, 128].map((mebibytes) => mebibytes * MIB);
/**
 * The part size for objects whose ETag does not show how many parts they had. Parts of this size need few requests, but four
 * parts of an object can still be copied at once.
 */
const DEFAULT_PART_BYTES = 64 * MIB;

/**
 * A layout, and whether its part boundaries are those of the source object. ETags and composite checksums depend on these
 * boundaries.
 */
export interface KnownLayout {
  layout: PartLayout;
  isOwn: boolean;
}

/** How the bytes of an upload are proven. */
export interface PartPlan extends KnownLayout {
  provenBy: ProvenBy;
  /** The checksum declared when the upload is created; null: S3's own default. */
  checksum: UploadChecksum | null;
  /** The checksum of the whole object, which S3 checks when the upload is completed; null: none. */
  whole: Checksum | null;
  /** The guard of a part for which the source has no stored checksum. */
  otherwise: Guard;
}

/** Returns the plans under which the upload can be proven, best first. */
export const partPlans = (
  version: Pick<ObjectState, 'sizeBytes' | 'checksum' | 'encryption'>,
  known: KnownLayout,
  { isLocked, way }: { isLocked: boolean; way: Way },
): PartPlan[] => {
  const plans = waysOfProving(version, known).map((provenBy) => planOf(version, known, provenBy));
  // If the part numbers have gaps, the documentation of S3 does not specify which part each number reads. Plans with byte ranges
  // need no part numbers, so such plans are added.
  const guessed = { layout: uniformLayout(version.sizeBytes, null), isOwn: false };
  const ranges = known.layout.kind === 'numbered' ? waysOfProving(version, guessed) : [];
  return [
    ...plans,
    ...ranges.filter((proof) => proof !== 'etag').map((provenBy) => planOf(version, guessed, provenBy)),
  ].filter(
    ({ provenBy }) =>
      provenBy !== 'etag' ||
      // S3 accepts parts of a locked object only with a checksum ("Uploading an object to a bucket with Object Lock"). A streamed
      // part has a checksum in its header. UploadPartCopy takes no such header, so the upload has to declare an algorithm, which
      // an `etag` plan does not do.
      (!(isLocked && way === 'server-side') && !isKms(version.encryption)),
  );
};

const waysOfProving = ({ checksum }: Pick<ObjectState, 'checksum'>, { isOwn }: KnownLayout): ProvenBy[] => {
  const isComparable = checksum !== null && (checksum.type === 'FULL_OBJECT' || isOwn);
  // `etag` compares the source's ETag with the ETag that the uploaded parts will give. If KMS hides the ETag on either side,
  // `computed` still proves that the stored bytes are the bytes that were read.
  return [...(isComparable ? (['checksum'] as const) : []), 'etag', 'computed'];
};

export const planOf = (
  { checksum: stored }: Pick<ObjectState, 'checksum'>,
  known: KnownLayout,
  provenBy: ProvenBy,
): PartPlan => {
  const plan = { ...known, provenBy };
  if (provenBy === 'checksum' && stored !== null) {
    const { algorithm, type } = stored;
    const whole = type === 'FULL_OBJECT' ? stored : null;
    return { ...plan, checksum: { algorithm, type }, whole, otherwise: { kind: 'none' } };
  }
  return provenBy === 'computed'
    ? {
        ...plan,
        checksum: { algorithm: 'CRC32', type: 'COMPOSITE' },
        whole: null,
        otherwise: { kind: 'compute' },
      }
    : { ...plan, checksum: null, whole: null, otherwise: { kind: 'none' } };
};

/**
 * Returns a layout of equal parts. The number of parts is `parts` if that is possible. If `parts` is null, any number is allowed.
 */
export const uniformLayout = (sizeBytes: number, parts: number | null): PartLayout => {
  const common = COMMON_PART_BYTES.find((bytes) => Math.ceil(sizeBytes / bytes) === parts);
  if (common !== undefined) return { kind: 'uniform', partBytes: common };
  const wanted = Math.ceil(sizeBytes / (parts ?? MAX_UPLOAD_PARTS));
  const leastBytes = parts === null ? DEFAULT_PART_BYTES : MIN_PART_BYTES;
  return { kind: 'uniform', partBytes: Math.max(Math.ceil(wanted / MIB) * MIB, leastBytes) };
};

export const partCount = (layout: PartLayout, sizeBytes: number): number => {
  switch (layout.kind) {
    case 'numbered':
      return layout.parts;
    case 'uniform':
      return Math.max(1, Math.ceil(sizeBytes / layout.partBytes));
    case 'sized':
      return layout.runs.reduce((sum, { parts }) => sum + parts, 0);
  }
};

/** Returns the sizes of the parts, in order. The sizes of numbered parts are unknown, so all of them are assumed to be equal. */
export const partSizes = (layout: PartLayout, sizeBytes: number): number[] => {
  if (layout.kind === 'sized')
    return layout.runs.flatMap(({ parts, bytes }) => Array.from({ length: parts }, () => bytes));
  const count = partCount(layout, sizeBytes);
  const partBytes = layout.kind === 'uniform' ? layout.partBytes : Math.ceil(sizeBytes / count);
  return Array.from({ length: count }, (_, index) =>
    Math.max(0, Math.min(partBytes, sizeBytes - index * partBytes)),
  );
};

/** A range of bytes, both ends included. */
export interface ByteRange {
  first: number;
  last: number;
}

/** Returns the bytes of each part, in order. An entry is null if its part is empty. */
export const byteRanges = (layout: PartLayout, sizeBytes: number): (ByteRange | null)[] => {
  let next = 0;
  return partSizes(layout, sizeBytes).map((bytes) => {
    const first = next;
    next += bytes;
    return bytes === 0 ? null : { first, last: next - 1 };
  });
};

/**
 * Returns the bytes to read for a part. If the proof is a composite checksum, the part is read by its number, because such a read
 * also returns the checksum of the part. The composite checksum is computed from the checksums of all parts.
 */
export const sliceOf = (
  { layout, checksum, provenBy }: PartPlan,
  partNumber: number,
  bytes: ByteRange | null,
): Slice => {
  const byNumber = provenBy === 'checksum' && checksum?.type === 'COMPOSITE';
  if (layout.kind === 'numbered' || byNumber) return { kind: 'part', partNumber };
  return bytes === null ? { kind: 'whole' } : { kind: 'range', firstByte: bytes.first, lastByte: bytes.last };
};

/**
 * Returns the guard of a part. The guard is `stored`, the part's checksum at the source, if it has the algorithm that was
 * declared for the upload.
 */
export const partGuard = (plan: PartPlan, stored: Checksum | null): Guard =>
  stored !== null && stored.algorithm === plan.checksum?.algorithm
    ? { kind: 'checksum', checksum: stored }
    : plan.otherwise;

/** Returns the check that S3 has made on the bytes of the object by the time the upload is completed. */
export const planGuard = (plan: PartPlan): Guard =>
  plan.whole === null ? plan.otherwise : { kind: 'checksum', checksum: plan.whole };

/** Returns the ETag that an upload of these parts will have, or null if KMS hides the digests of the parts. */
export const etagOfParts = (parts: readonly Pick<UploadedPart, 'etag'>[]): string | null => {
  const digests = parts.map((part) => /^"?([0-9a-f]{32})"?$/.exec(part.etag)?.[1]);
  if (digests.includes(undefined)) return null;
  const bytes = Buffer.from(digests.join(''), 'hex');
  return `"${createHash('md5').update(bytes).digest('hex')}-${parts.length}"`;
};
