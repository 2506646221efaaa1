/** Copies an object part by part within one invocation: one upload, under the best plan that proves it. */
import { ReplicationError } from '../model/errors.ts';
import type { UploadedPart, Written } from '../model/ports.ts';
import { contentProof, isKms, type Trust } from '../replica/proof.ts';
import { inPairs } from './in-pairs.ts';
import type { TransferVersion, Way } from './part-layout.ts';
import { etagOfParts, partCount, type PartPlan, partPlans, planGuard } from './part-plan.ts';
import { copyParts } from './parts.ts';
import { provenCopy } from './proven-copy.ts';
import { type Copied, type CopyRequest, discardBody } from './request.ts';
import { layoutAtSource } from './source-layout.ts';

export const copyMultipart = async (request: CopyRequest, way: Way): Promise<Copied> => {
  // The object is read part by part, so the GET of the whole is of no use.
  discardBody(request);
  const { task, source, version, attributes } = request;
  const known = await layoutAtSource(source, task.key, version, way === 'server-side');
  const plans = partPlans(version, known, attributes.lock);
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

/** One upload under one plan. `unsupported`: this plan proves nothing here, nothing was committed, try the next. */
const copyAs = async (
  request: CopyRequest,
  way: Way,
  plan: PartPlan,
  isLast: boolean,
): Promise<Copied | 'unsupported'> => {
  const { task, destination, version, attributes } = request;
  const key = task.replicaKey;
  const { uploadId, encryption } = await destination.createUpload({
    key,
    attributes,
    checksum: plan.checksum,
  });
  try {
    const parts = isHidden(plan, encryption) ? null : await copyAll({ ...request, uploadId, plan, way });
    if (parts === null || !isProvable(version, plan, parts)) {
      await destination.abortUpload({ key, uploadId });
      return 'unsupported';
    }
    const written = await commit(request, plan, uploadId, parts);
    return await provenCopy(request, written, trustIn(plan, way));
  } catch (error) {
    // The first failure is the one that matters. The sweep aborts an upload that cannot be aborted now.
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
  // A server that knows how many parts the object has may still ignore the part number of a read.
  if (copiedBytes === sizeBytes) return copied;
  throw new ReplicationError('service-error', `the parts have ${copiedBytes} of ${sizeBytes} bytes`);
};

/** The completion is repeated on its own: after a lost answer, the fresh look tells what the request did. */
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
      parts,
      sizeBytes: request.version.sizeBytes,
      checksum: plan.whole,
      precondition: request.precondition,
    }),
  );

/** True: the encryption of the upload hides the ETags that this plan wants to compare. */
export const isHidden = ({ provenBy }: PartPlan, encryption: string | null): boolean =>
  provenBy === 'etag' && isKms(encryption);

/**
 * Tells before anything is committed whether there will be a proof. S3 checks a full-object checksum on completion, and has checked
 * each composite part; otherwise the ETag that these parts will give must be the source's. Throws `bad-checksum` if it is another
 * although the parts are the source's own: other bytes are the only explanation.
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

/** The trust where nothing can be compared: S3 has checked the bytes that we sent, or copied them itself. */
export const trustIn = (plan: PartPlan, way: Way): Trust =>
  plan.provenBy === 'computed' && way === 'server-side' ? { kind: 'copied-by-s3' } : planGuard(plan);

/** A server may not know full-object checksums, may want a checksum with each part, or may not have a part of this number. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof ReplicationError && error.reason === 'invalid-request';
