/**
 * Continues unfinished multipart uploads at the destination, so that a process that starts again moves few bytes twice.
 * ListMultipartUploads and ListParts report which parts are done; no other state is stored.
 */
import { ReplicationError } from '../model/errors.ts';
import type {
  DestinationBucket,
  ListedPart,
  ListedUpload,
  ObjectState,
  UploadedPart,
} from '../model/ports.ts';
import type { Reason } from '../model/reasons.ts';
import type { Task } from '../model/task.ts';
import { etagIsDigest, isKms } from '../replica/proof.ts';
import { etagOfParts, partCount, type PartPlan, partSizes } from './part-plan.ts';

/** An upload to continue, and the parts that it has. */
export interface Leftover {
  uploadId: string;
  parts: ListedPart[];
}

/** The copy for which an upload was begun. */
interface Begun {
  task: Pick<Task, 'replicaKey'>;
  version: ObjectState;
  destination: DestinationBucket;
}

export interface Leftovers {
  /** Returns whether unfinished uploads of this key are known. */
  has(replicaKey: string): boolean;
  /**
   * Resolves to an upload that the same caller began after the version was written, and forgets it. Resolves to null if there is
   * none, or if nothing could prove, before its completion, that its parts are those of the version. `fresh` is an upload for the
   * same version that was just created.
   */
  take(copy: Begun, plan: PartPlan, fresh: NewUpload): Promise<Leftover | null>;
  /** Returns true if the upload can be continued later, and remembers it. Returns false if this failure makes the upload useless. */
  keep(upload: Pick<ListedUpload, 'key' | 'uploadId' | 'checksum'>, error: unknown): boolean;
}

interface NewUpload {
  uploadId: string;
  encryption: string | null;
}

/** The failures after which the parts of an upload are still usable. */
const PASSING: ReadonlySet<Reason> = new Set<Reason>([
  'out-of-time',
  'throttled',
  'service-error',
  'connection-lost',
  'no-answer',
  'expired-credentials',
]);

/**
 * Maximum number of uploads that are remembered. Further uploads stay as they are, and their objects are copied from the beginning.
 */
const MAX_REMEMBERED = 100_000;

/**
 * Lists the unfinished uploads under the prefix. Resolves to no leftovers if the caller may not list them: every upload is then begun anew.
 */
export const findLeftovers = async (
  destination: DestinationBucket,
  prefix: string,
  clock: { now(): number },
): Promise<Leftovers> => {
  const known = new Map<string, ListedUpload[]>();
  const remember = (upload: ListedUpload): void => {
    if (known.size < MAX_REMEMBERED) known.set(upload.key, [...(known.get(upload.key) ?? []), upload]);
  };
  try {
    for await (const upload of destination.uploads(prefix)) remember(upload);
  } catch (error) {
    if (!(error instanceof ReplicationError) || !REFUSED.has(error.reason)) throw error;
  }
  return {
    has: (replicaKey) => known.has(replicaKey),
    async take(request, plan, fresh) {
      const { replicaKey } = request.task;
      const found = known.get(replicaKey);
      if (found === undefined || !isProvableLater(request, plan, fresh)) return null;
      known.delete(replicaKey);
      return await best(request, plan, await ownOf(request, plan, found, fresh));
    },
    keep({ key, uploadId, checksum }, error) {
      if (!(error instanceof ReplicationError) || !PASSING.has(error.reason)) return false;
      remember({ key, uploadId, checksum, initiatedMs: clock.now(), initiator: null });
      return true;
    },
  };
};

const REFUSED: ReadonlySet<Reason> = new Set<Reason>(['access-denied', 'invalid-request']);

/**
 * Returns true if the parts are proven to hold the bytes of the version before the upload is completed. Either S3 checks the
 * checksum of the whole object, or the ETags of the parts give the ETag of the source.
 */
const isProvableLater = ({ version }: Begun, { whole }: PartPlan, { encryption }: NewUpload): boolean =>
  whole !== null || (etagIsDigest(version) && !isKms(encryption));

/** Throws `bad-checksum` if parts that somebody else may have uploaded do not give the ETag of the version. */
export const assertOfVersion = (
  { version }: Pick<Begun, 'version'>,
  { whole }: PartPlan,
  parts: readonly UploadedPart[],
): void => {
  if (whole !== null || etagOfParts(parts) === version.etag) return;
  throw new ReplicationError(
    'bad-checksum',
    'the parts of an unfinished upload are not those of this version',
  );
};

/**
 * Returns the uploads that may hold parts of the version. S3 reports who began an upload. The uploads of other callers are left
 * alone, because they may still be in progress. An upload that began before the version was written holds another version.
 */
const ownOf = async (
  { destination, version, task }: Begun,
  { checksum }: PartPlan,
  found: readonly ListedUpload[],
  { uploadId }: NewUpload,
): Promise<ListedUpload[]> => {
  const sinceMs = Math.floor(version.lastModifiedMs / 1_000) * 1_000;
  const fitting = found.filter(
    (upload) =>
      upload.initiatedMs >= sinceMs &&
      (checksum === null ||
        (upload.checksum?.algorithm === checksum.algorithm && upload.checksum.type === checksum.type)),
  );
  if (fitting.every(({ initiator }) => initiator === null)) return fitting;
  let own: string | null = null;
  for await (const upload of destination.uploads(task.replicaKey))
    if (upload.uploadId === uploadId) own = upload.initiator;
  return fitting.filter(({ initiator }) => initiator === null || initiator === own);
};

/** Resolves to the upload that already has the most parts. */
const best = async (
  request: Begun,
  plan: PartPlan,
  uploads: readonly ListedUpload[],
): Promise<Leftover | null> => {
  let most: Leftover | null = null;
  for (const { key, uploadId } of uploads) {
    const parts = await listed(request.destination, key, uploadId);
    if (parts.length > (most?.parts.length ?? 0) && isLaidOut(request, plan, parts))
      most = { uploadId, parts };
  }
  return most;
};

/** Resolves to no parts if the upload is gone. */
const listed = async (
  destination: DestinationBucket,
  key: string,
  uploadId: string,
): Promise<ListedPart[]> => {
  const parts: ListedPart[] = [];
  try {
    for await (const part of destination.parts({ key, uploadId, after: 0 })) parts.push(part);
    return parts;
  } catch (error) {
    if (error instanceof ReplicationError && error.reason === 'lost-race') return [];
    throw error;
  }
};

/** Returns true if the parts have the sizes that the plan gives them. The sizes of numbered parts are not known. */
const isLaidOut = ({ version }: Begun, { layout }: PartPlan, parts: readonly ListedPart[]): boolean => {
  const count = partCount(layout, version.sizeBytes);
  const sizes = layout.kind === 'numbered' ? null : partSizes(layout, version.sizeBytes);
  return parts.every(
    ({ partNumber, sizeBytes }) =>
      partNumber <= count && (sizes === null || sizes[partNumber - 1] === sizeBytes),
  );
};
