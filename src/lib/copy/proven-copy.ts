/** The last step of every copy: the proof that the stored object equals the source. */
import type { Written } from '../model/ports.ts';
import { contentProof, proofOf, type Trust } from '../replica/proof.ts';
import type { Copied, CopyRequest } from './request.ts';

/** Adds the proof to the stored object. Throws `bad-checksum` if nothing proves that the replica is right. */
export const provenCopy = async (request: CopyRequest, written: Written, guard: Trust): Promise<Copied> => {
  const known = await withStoredChecksum(request, written);
  return { written: known, proof: proofOf(request.version, known, guard), byTransfer: false };
};

/**
 * Adds the stored checksum, read with HEAD, if the response did not contain it and nothing else can be compared. S3 sends the
 * checksum in its response, but some servers do not.
 */
const withStoredChecksum = async (request: CopyRequest, written: Written): Promise<Written> => {
  const { task, version, destination } = request;
  const isSilent = written.checksum === null && version.checksum !== null;
  if (!isSilent || contentProof(written, version) !== 'unknown') return written;
  const now = await destination.look(task.replicaKey);
  return now.kind === 'object' && now.state.etag === written.etag
    ? { ...written, checksum: now.state.checksum }
    : written;
};
