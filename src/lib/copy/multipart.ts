/**
 * Copies an object part by part within one invocation. The plans for proving the bytes are tried in turn, best first, each with a
 * new upload.
 */
import { ReplicationError } from '../model/errors.ts';
import type { ListedPart, UploadedPart, Written } from '../model/ports.ts';
import { isLocked } from '../replica/object-lock.ts';
import { contentProof, etagIsDigest, isKms, type Trust } from '../replica/proof.ts';
import { sameHeaders } from '../replica/same-state.ts';
import { inPairs } from './in-pairs.ts';
import { assertOfVersion } from './leftovers.ts';
import type { TransferVersion, Way } from './part-layout.ts';
import { etagOfParts, partCount, type PartPlan, partPlans, planGuard } from './part-plan.ts';
import { assertStored, copyParts } from './parts.ts';
import { provenCopy } from './proven-copy.ts';
import { isRefusal } from './refusal.ts';
import { type Copied, type CopyRequest, discardBody } from './request.ts';
import { layoutAtSource } from './source-layout.ts';

export const copyMultipart = async (request: CopyRequest, way: Way): Promise<Copied> => {
  // The object is read part by part, so a GET of the whole object is of no use.
  discardBody(request);
  const { task, source, version, attributes } = request;
  const isExact = way === 'server-side' || request.leftovers?.has(task.replicaKey) === true;
  const known = await layoutAtSource(source, task.key, version, isExact);
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
  const { task, destination, version, attributes, leftovers } = request;
  const key = task.replicaKey;
  const { uploadId, isContinued, parts: done, isHiding } = await beginUpload(request, plan);
  try {
    const parts = isHiding
      ? null
      : await copyAll({ ...request, uploadId, plan, way, isLocked: isLocked(attributes.lock) }, done);
    if (parts !== null && isContinued) assertOfVersion(request, plan, parts);
    if (parts === null || !isProvable(version, plan, parts)) {
      await destination.abortUpload({ key, uploadId });
      return 'unsupported';
    }
    const written = await commit(request, plan, uploadId, parts);
    const copied = await provenCopy(request, written, trustIn(plan, way), partsProve(request, plan, parts));
    return isContinued ? await describedAs(request, copied) : copied;
  } catch (error) {
    const { checksum } = plan;
    if (leftovers?.keep({ key, uploadId, checksum }, error) === true) throw error;
    // Somebody else may have uploaded these parts. They are left alone, and the bytes are moved once more.
    if (isContinued && isOfNoUse(error)) return await copyAs(request, way, plan, isLast);
    // A failure to abort is ignored, so that the original error is thrown. The sweep then aborts the upload later.
    await destination.abortUpload({ key, uploadId }).catch(() => undefined);
    if (!isLast && isRefusal(error)) return 'unsupported';
    throw error;
  }
};

interface BegunUpload {
  uploadId: string;
  /** Whether the upload was found at the destination, with these parts. */
  isContinued: boolean;
  parts: ListedPart[];
  /** Whether the encryption hides the ETags that the plan has to compare. */
  isHiding: boolean;
}

/** Creates the upload. If an unfinished upload was left, it is continued instead of the new one. */
const beginUpload = async (request: CopyRequest, plan: PartPlan): Promise<BegunUpload> => {
  const { task, destination, attributes, precondition, leftovers } = request;
  const { checksum } = plan;
  const key = task.replicaKey;
  const fresh = await destination.createUpload({ key, attributes, checksum, precondition });
  const isHiding = isHidden(plan, fresh.encryption);
  const begun = { uploadId: fresh.uploadId, isContinued: false, parts: [], isHiding };
  if (leftovers === undefined || isHiding) return begun;
  const left = await leftovers.take(request, plan, fresh);
  if (left === null) return begun;
  await destination.abortUpload({ key, uploadId: fresh.uploadId });
  return { ...begun, ...left, isContinued: true };
};

/**
 * Throws `lost-race` if the upload was begun with other headers than those of the version. Converge then looks at both sides again.
 * The tags of the upload may differ too, so the copy counts as made by a transfer, whose tags are compared once more.
 */
const describedAs = async ({ task, destination, version }: CopyRequest, copied: Copied): Promise<Copied> => {
  const now = await destination.look(task.replicaKey);
  if (now.kind !== 'object' || now.state.etag !== copied.written.etag || !sameHeaders(now.state, version))
    throw new ReplicationError('lost-race', 'the upload that was continued has other headers');
  return { ...copied, byTransfer: true };
};

/** Returns true if the parts of the upload are not those of the version, or the server refuses to complete it. */
const isOfNoUse = (error: unknown): boolean =>
  isRefusal(error) || (error instanceof ReplicationError && error.reason === 'bad-checksum');

/** Copies all parts but those that are `done`. */
const copyAll = async (
  copy: Parameters<typeof copyParts>[0],
  done: readonly ListedPart[],
): Promise<UploadedPart[]> => {
  const { sizeBytes } = copy.version;
  const count = partCount(copy.plan.layout, sizeBytes);
  const known = new Map(done.map((part) => [part.partNumber, part]));
  const missing = Array.from({ length: count }, (_, index) => index + 1).filter((each) => !known.has(each));
  await assertStored(copy, done);
  const copied = [...done, ...(await copyParts(copy, missing))].toSorted(
    (one, other) => one.partNumber - other.partNumber,
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
 * Leaves out a checksum that was not declared when the upload was created. S3 adds such a checksum by itself. It is not documented
 * whether S3 accepts it at the completion.
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
 * Returns a function that resolves to true if the service has joined parts that hold the bytes of the version. The parts have been
 * compared one by one (`assertStored`), or their ETags must give the ETag of the source. Some services compute the ETag of the
 * joined object in a way of their own. The size of such an object must be right.
 */
export const partsProve =
  ({ task, destination, version }: CopyRequest, plan: PartPlan, parts: UploadedPart[]) =>
  async (written: Written): Promise<boolean> => {
    const etag = etagOfParts(parts);
    if (etag === null || (plan.isOwn && etagIsDigest(version) && etag !== version.etag)) return false;
    if (etag === written.etag) return true;
    const now = await destination.look(task.replicaKey);
    return (
      now.kind === 'object' && now.state.etag === written.etag && now.state.sizeBytes === version.sizeBytes
    );
  };

/**
 * Returns the trust for a replica whose digests cannot be compared: S3 has checked the bytes that we sent, or copied them itself.
 */
export const trustIn = (plan: PartPlan, way: Way): Trust =>
  plan.provenBy === 'computed' && way === 'server-side' ? { kind: 'copied-by-s3' } : planGuard(plan);
