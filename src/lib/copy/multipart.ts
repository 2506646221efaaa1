/**
 * Copies an object part by part within one invocation. The plans for proving the bytes are tried in turn, best first, each with a
 * new upload.
 */
import { ReplicationError } from '../model/errors.ts';
import type { UploadedPart, Written } from '../model/ports.ts';
import { isLocked } from '../replica/object-lock.ts';
import { contentProof, isKms, type Trust } from '../replica/proof.ts';
import { inPairs } from './in-pairs.ts';
import type { TransferVersion, Way } from './part-layout.ts';
import { etagOfParts, partCount, type PartPlan, partPlans, planGuard } from './part-plan.ts';
import { copyParts } from './parts.ts';
import { provenCopy } from './proven-copy.ts';
import { isRefusal } from './refusal.ts';
import { type Copied, type CopyRequest, discardBody } from './request.ts';
import { layoutAtSource } from './source-layout.ts';

export const copyMultipart = async (request: CopyRequest, way: Way): Promise<Copied> => {
  // The object is read part by part, so a GET of the whole object is of no use.
  discardBody(request);
  const { task, source, version, attributes } = request;
  const known = await layoutAtSource(source, task.key, version, way === 'server-side');
  const plans = partPlans(version, known, { isLocked: isLocked(attributes.lock), way });
  for (const [index, plan] of plans.entries()) {
    const isLast = index === plans.length - 1;
    const copied = await copyAs(request, way, plan, isLast);
    if (copied !== 'unsupported') return copied;
  }
  throw new ReplicationError(
    'bad-checksum',
    'the destination accepts no way of checking this multipart upload',
  );
};

/**
 * Makes one upload under one plan. Resolves to `unsupported` if this plan gives no proof at this destination. Unless this is the
 * last plan, also resolves to `unsupported` if the destination refuses a request. In both cases nothing was committed, so the
 * next plan, if there is one, can be tried.
 */
const copyAs = async (
  request: CopyRequest,
  way: Way,
  plan: PartPlan,
  isLast: boolean,
): Promise<Copied | 'unsupported'> => {
  const { task, destination, version, attributes, precondition } = request;
  const key = task.replicaKey;
  const { uploadId, encryption } = await destination.createUpload({
    key,
    attributes,
    checksum: plan.checksum,
    precondition,
  });
  try {
    const parts = isHidden(plan, encryption)
      ? null
      : await copyAll({ ...request, uploadId, plan, way, isLocked: isLocked(attributes.lock) });
    if (parts === null || !isProvable(version, plan, parts)) {
      await destination.abortUpload({ key, uploadId });
      return 'unsupported';
    }
    const written = await commit(request, plan, uploadId, parts);
    return await provenCopy(request, written, trustIn(plan, way));
  } catch (error) {
    // A failure to abort is ignored, so that the original error is thrown. The sweep then aborts the upload later.
    await destination.abortUpload({ key, uploadId }).catch(() => undefined);
    if (!isLast && isRefusal(error)) return 'unsupported';
    throw error;
  }
};

const copyAll = async (copy: Parameters<typeof copyParts>[0]): Promise<UploadedPart[]> => {
  const { sizeBytes } = copy.version;
  const count = partCount(copy.plan.layout, sizeBytes);
  const copied = await copyParts(
    copy,
    Array.from({ length: count }, (_, index) => index + 1),
  );
  const copiedBytes = copied.reduce((sum, part) => sum + part.sizeBytes, 0);
  // Even a server that reports how many parts the object has may ignore the part number of a read. Such a read returns the wrong
  // bytes.
  if (copiedBytes === sizeBytes) return copied;
  throw new ReplicationError('service-error', `the parts have ${copiedBytes} of ${sizeBytes} bytes`);
};

/**
 * Completes the upload. After a failure only the completion is repeated, not the parts. If the response was lost, converge finds
 * out at its next look at the destination whether the upload was completed.
 */
export const commit = async (
  request: CopyRequest,
  plan: PartPlan,
  uploadId: string,
  parts: UploadedPart[],
): Promise<Written> =>
  await inPairs(request, () =>
    request.destination.completeUpload({
      key: request.task.replicaKey,
      uploadId,
      parts: parts.map((part) => withDeclared(part, plan)),
      sizeBytes: request.version.sizeBytes,
      checksum: plan.whole,
      precondition: request.precondition,
    }),
  );

/**
 * Leaves out a checksum that was not declared when the upload was created. S3 adds one by itself, and whether S3 accepts it at the
 * completion is not documented.
 */
const withDeclared = (part: UploadedPart, { checksum }: PartPlan): UploadedPart =>
  part.checksum?.algorithm === checksum?.algorithm ? part : { ...part, checksum: null };

/** Returns true if the encryption of the upload hides the ETags that this plan has to compare. */
export const isHidden = ({ provenBy }: PartPlan, encryption: string | null): boolean =>
  provenBy === 'etag' && isKms(encryption);

/**
 * Called before the upload is completed. Returns true if the completed object can be proven equal to its source. S3 checks a
 * full-object checksum when the upload is completed. If the checksum is composite, S3 has already checked each part. Without a
 * checksum, the ETag that these parts will give must equal the ETag of the source. Throws `bad-checksum` if the ETags differ
 * although the upload has the source's own part layout, because then the bytes differ.
 */
export const isProvable = (version: TransferVersion, plan: PartPlan, parts: UploadedPart[]): boolean => {
  if (plan.provenBy !== 'etag') return true;
  const etag = etagOfParts(parts);
  if (etag === null) return false;
  const proof = contentProof({ etag, encryption: null, checksum: null }, { ...version, checksum: null });
  if (proof === 'same') return true;
  if (!plan.isOwn) return false;
  throw new ReplicationError('bad-checksum', 'the parts that were read do not give the ETag of the source');
};

/**
 * Returns the trust for a replica whose digests cannot be compared: S3 has checked the bytes that we sent, or copied them itself.
 */
export const trustIn = (plan: PartPlan, way: Way): Trust =>
  plan.provenBy === 'computed' && way === 'server-side' ? { kind: 'copied-by-s3' } : planGuard(plan);
