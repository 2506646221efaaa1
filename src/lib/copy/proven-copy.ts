/** The end of every copy: what was written, and why it is right. */
import type { Copied, CopyRequest } from './request.ts';
import type { Written } from '../model/ports.ts';
import { contentProof, proofOf, type Trust } from '../replica/proof.ts';

/** Throws `bad-checksum` when no proof says that the replica is right. */
export const provenCopy = async (request: CopyRequest, written: Written, guard: Trust): Promise<Copied> => {
  const known = await withStoredChecksum(request, written);
  return { written: known, proof: proofOf(request.version, known, guard), byTransfer: false };
};

/** S3 repeats the checksum in its answer; where a server does not, and nothing else can be compared, HEAD shows it. */
const withStoredChecksum = async (request: CopyRequest, written: Written): Promise<Written> => {
  const { version, destination, replicaKey } = request;
  const silent = written.checksum === null && version.checksum !== null;
  if (!silent || contentProof(written, version) !== 'unknown') return written;
  const now = await destination.look(replicaKey);
  return now.kind === 'object' && now.state.etag === written.etag
    ? { ...written, checksum: now.state.checksum }
    : written;
};
