/** What a finding `same` rests on. */
import type { ObjectState } from '../../model/ports.ts';
import type { Task } from '../../model/task.ts';
import { contentProof, type Digest, sameDigest } from '../../replica/proof.ts';
import { receiptCovers, type VersionReceipts } from '../../replica/version-receipt.ts';
import type { CompareCounters } from '../run.ts';

/**
 * What proves that a replica has the bytes of its source, the strongest first: both were read, the receipt of the write of exactly this
 * version, or a digest that S3 stores on both sides.
 */
export type Basis = 'bytes' | 'receipt' | Digest;

/** What two versions rest on that look the same. `presumed`: nothing proves it. */
export type Ground = Basis | 'presumed';

const STRONGEST_FIRST: readonly Ground[] = ['bytes', 'receipt', 'sha', 'md5', 'crc', 'presumed'];

/** The whole history of a key rests on the weakest of its grounds. `null`: nothing has to be proven. */
export const weakest = (one: Ground | null, other: Ground | null): Ground | null => {
  if (one === null || other === null) return one ?? other;
  return STRONGEST_FIRST.indexOf(one) > STRONGEST_FIRST.indexOf(other) ? one : other;
};

/** The counter of the keys that rest on this. */
export const COUNTER_OF = {
  bytes: 'byBytes',
  receipt: 'byReceipt',
  sha: 'bySha',
  md5: 'byMd5',
  crc: 'byCrc',
} as const satisfies Record<Basis, keyof CompareCounters>;

/** A source version and the version at the destination that looks like its replica. */
export interface VersionPair {
  source: ObjectState;
  replica: ObjectState;
}

/**
 * Resolves to what the pair rests on, to `differs` if its digests differ, or to `faked` if its bytes differ although a digest or the stamp
 * says that they do not.
 */
export type ProvePair = (task: Task, pair: VersionPair) => Promise<Ground | 'differs' | 'faked'>;

/** Which pairs are read on both sides: `weak` are those that would rest on a CRC or on nothing. */
export type Reading = 'none' | 'weak' | 'all';

/**
 * Looks for a receipt only where no digest can be compared, so that most keys need no call. Somebody else may have put other bytes
 * under the same stamp, but not under the version id that the receipt names, because S3 gives each id to one version.
 */
export const proveBy =
  (receipts: Pick<VersionReceipts, 'find'>): ProvePair =>
  async (task, { source, replica }) => {
    const content = contentProof(replica, source);
    if (content !== 'unknown') return sameDigest(replica, source) ?? 'differs';
    const receipt = await receipts.find(task.destination, task.replicaKey, replica.versionId);
    return receiptCovers(receipt, task, source) ? 'receipt' : 'presumed';
  };
