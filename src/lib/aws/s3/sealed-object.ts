/**
 * Sealed objects, which S3 does not show without the key of the customer that encrypted them (SSE-C). S3 refuses a HEAD of such an object
 * as a whole. At the source, sealed objects cannot be replicated. At the destination, somebody else wrote them, because the product never
 * sends such a key. A replica may replace them like every other object of somebody else. The condition of that write is the ETag in the
 * listing.
 */
import { ReplicationError } from '../../model/errors.ts';
import type { Current, ObjectState } from '../../model/ports.ts';
import { sealedState } from '../../replica/sealed-state.ts';
import { isSseC } from '../errors.ts';
import { type Heads, headCurrent, headVersion } from './object/head-object.ts';
import { objectHistory } from './listing/object-history.ts';

/** Throws `sse-c` if S3 demands the key of the customer. */
export const refuseSseC = (error: unknown): void => {
  if (!isSseC(error)) return;
  throw new ReplicationError('sse-c', 'S3 wants the key this object was encrypted with (SSE-C)', {
    cause: error,
  });
};

/** Reads the current version of a key, as `headCurrent` does. A sealed object has the state that its listing shows. */
export const lookThroughSeal = async (heads: Heads, key: string): Promise<Current> =>
  (await unlessSealed(headCurrent(heads, key))) ?? (await newestListed(heads, key));

/** Reads one version. Resolves to null when the version is gone, or when it is sealed, because a sealed version is no replica. */
export const headUnsealed = async (
  heads: Heads,
  key: string,
  versionId: string,
): Promise<ObjectState | null> => await unlessSealed(headVersion(heads, key, versionId));

const unlessSealed = async <T>(answer: Promise<T>): Promise<T | null> => {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ReplicationError && error.reason === 'sse-c') return null;
    throw error;
  }
};

/**
 * Reads the newest version from the listing. It is read once more by its id, because somebody may have written it after the
 * refusal.
 */
const newestListed = async (heads: Heads, key: string): Promise<Current> => {
  for await (const entry of objectHistory(heads.target, heads.bucket, key)) {
    if (entry.kind === 'marker') return entry;
    const state = await headUnsealed(heads, key, entry.versionId);
    return { kind: 'object', state: state ?? sealedState(entry) };
  }
  return { kind: 'absent' };
};
