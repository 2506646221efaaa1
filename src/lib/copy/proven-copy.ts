/** The last step of every copy: the proof that the stored object equals the source. */
import type { Written } from '../model/ports.ts';
import { contentProof, etagIsDigest, proofOf, type Trust } from '../replica/proof.ts';
import type { Copied, CopyRequest } from './request.ts';
import { isSilent, otherBytes } from './silent-service.ts';

/**
 * Adds the proof to the stored object. `holdsBytes` is called if the service shows no checksum. It resolves to true if the ETags
 * that the service computed show that the object has the bytes of the source. Throws `bad-checksum` if nothing proves that the
 * replica is right.
 */
export const provenCopy = async (
  request: CopyRequest,
  written: Written,
  guard: Trust,
  holdsBytes: (written: Written) => Promise<boolean>,
): Promise<Copied> => {
  const known = await withStoredChecksum(request, written);
  const { task, version } = request;
  if (isSilent(task, known.checksum) && etagIsDigest(known) && contentProof(known, version) === 'unknown') {
    if (!(await holdsBytes(known))) throw otherBytes();
    return { written: known, proof: 'md5', byTransfer: false };
  }
  return { written: known, proof: proofOf(request.version, known, guard), byTransfer: false };
};

/**
 * Adds the stored checksum, read with HEAD, if the response did not contain it and nothing else can be compared. S3 sends the
 * checksum in its response, but some servers do not.
 */
const withStoredChecksum = async (request: CopyRequest, written: Written): Promise<Written> => {
  const { task, version, destination } = request;
  const isMissing = written.checksum === null && version.checksum !== null;
  if (!isMissing || contentProof(written, version) !== 'unknown') return written;
  const now = await destination.look(task.replicaKey);
  return now.kind === 'object' && now.state.etag === written.etag
    ? { ...written, checksum: now.state.checksum }
    : written;
};
