/** Copies an object part by part within one invocation: one upload, under the best plan that proves it. */
import type { Copied, CopyRequest } from './request.ts';
import { copyParts } from './parts.ts';
import { ReplicationError } from '../model/errors.ts';
import { etagOfParts, partCount, type PartPlan, partPlans, planGuard } from './part-plan.ts';
import type { UploadedPart } from '../model/ports.ts';
import { contentProof, isKms, type Trust } from '../replica/proof.ts';
import { provenCopy } from './proven-copy.ts';
import { inPairs } from './in-pairs.ts';
import { layoutAtSource } from './source-layout.ts';
import type { TransferVersion, Way } from './part-layout.ts';

export const copyMultipart = async (request: CopyRequest, way: Way): Promise<Copied> => {
  closeBody(request);
  const { source, sourceKey, version, attributes } = request;
  const known = await layoutAtSource(source, sourceKey, version, way === 'server-side');
  const plans = partPlans(version, known, attributes.lock);
  for (const [index, plan] of plans.entries()) {
    const isLast = index === plans.length - 1;
    const copied = await copyAs(request, way, plan, isLast);
    if (copied !== 'unsupported') return copied;
  }
  throw new ReplicationError('bad-checksum', 'no way of checking this multipart upload is open');
};

/** What is copied in parts is read by its parts; the GET of the whole is of no use. */
export const closeBody = ({ opened }: CopyRequest): void => {
  if (opened !== null && !Buffer.isBuffer(opened)) opened.destroy();
};

/** One upload under one plan. `unsupported`: this plan proves nothing here, nothing was committed, try the next. */
const copyAs = async (
  request: CopyRequest,
  way: Way,
  plan: PartPlan,
  isLast: boolean,
): Promise<Copied | 'unsupported'> => {
  const { destination, replicaKey: key, version } = request;
  const { uploadId, encryption } = await destination.createUpload({
    key,
    attributes: request.attributes,
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
    // The first failure is what matters; an upload that cannot be aborted now falls to the sweep of uploads.
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
  // A server that knows how many parts there are need not honour the part number of a read.
  if (copiedBytes === sizeBytes) return copied;
  throw new ReplicationError('service-error', `the parts have ${copiedBytes} of ${sizeBytes} bytes`);
};

/** Tried again on its own: what an answer that was lost had done, the next look tells. */
export const commit = async (request: CopyRequest, plan: PartPlan, uploadId: string, parts: UploadedPart[]) =>
  await inPairs(request, () =>
    request.destination.completeUpload({
      key: request.replicaKey,
      uploadId,
      parts,
      sizeBytes: request.version.sizeBytes,
      checksum: plan.whole,
      precondition: request.precondition,
    }),
  );

/** Does the encryption of the upload hide the ETags that this plan wants to compare? */
export const isHidden = ({ provenBy }: PartPlan, encryption: string | null): boolean =>
  provenBy === 'etag' && isKms(encryption);

/**
 * Before anything is committed: will there be a proof? A full-object checksum is checked by S3 on completion, composite
 * parts were each checked, and otherwise the ETag that these parts will give must be the source's. Throws `bad-checksum`
 * where it is not: with the source's own parts, other bytes are the only explanation.
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

/** Where nothing can be compared, S3 has computed what we sent, or what it copied. */
export const trustIn = (plan: PartPlan, way: Way): Trust =>
  plan.provenBy === 'computed' && way === 'server-side' ? { kind: 'copied-by-s3' } : planGuard(plan);

/** A server may not know full-object checksums, want a checksum with each part, or not have a part of this number. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof ReplicationError && error.reason === 'invalid-request';
