/** The end of every copy: what was written, and the proof that it is right. */
import type { Written } from '../model/ports.ts';
import { contentProof, proofOf, type Trust } from '../replica/proof.ts';
import type { Copied, CopyRequest } from './request.ts';

/** Throws `bad-checksum` if no proof says that the replica is right. */
export const provenCopy = async (request: CopyRequest, written: Written, guard: Trust): Promise<Copied> => {
  const known = await withStoredChecksum(request, written);
  return { written: known, proof: proofOf(request.version, known, guard), byTransfer: false };
};

/** S3 repeats the checksum in its answer. If a server does not, and nothing else can be compared, HEAD shows the checksum. */
const withStoredChecksum = async (request: CopyRequest, written: Written): Promise<Written> => {
  const { task, version, destination } = request;
  const isSilent = written.checksum === null && version.checksum !== null;
  if (!isSilent || contentProof(written, version) !== 'unknown') return written;
  const now = await destination.look(task.replicaKey);
  return now.kind === 'object' && now.state.etag === written.etag
    ? { ...written, checksum: now.state.checksum }
    : written;
};
