/** The result of a closer look at a key. */
import type { BothBuckets, Clock } from '../../model/ports.ts';
import type { Reason } from '../../model/reasons.ts';
import type { LockNote } from '../../replica/object-lock.ts';
import type { DifferenceKind } from '../report/report-data.ts';
import type { Basis, Ground, ProvePair, Reading } from './basis.ts';

/**
 * `unwanted`: the rule leaves the object out, and the destination has no replica. `kept`: the rule leaves the object out, but the
 * destination shows a replica that was made before. Such replicas stay. `left-out`: the source object is provably a replica, the rule does
 * not replicate replicas, and the destination does not have the key.
 */
export type KeyFinding = 'same' | 'presumed' | 'unwanted' | 'kept' | 'left-out' | DifferenceKind;

export interface Looked {
  finding: KeyFinding;
  /** The ground of the finding `same`. Null for every other finding, and if neither side shows an object. */
  basis: Basis | null;
  /** Whether the bytes differ although a digest or the stamp claims that they are the same. */
  isFaked: boolean;
  /** For the finding `attributes`, the id of the source version, if it has one. Otherwise null. */
  version: string | null;
  /** A difference of the locks that is left as it is; null: none is known. */
  note: LockNote | null;
  /** Why the key could not be checked and therefore counts as different; null: the key was checked. */
  reason: Reason | null;
}

/** The input of a look at the content of a key, besides the task. */
export interface Looking {
  context: BothBuckets & { clock: Clock };
  prove: ProvePair;
  reading: Reading;
}

/** Returns a finding without further details. */
export const looked = (finding: KeyFinding): Looked => ({
  finding,
  basis: null,
  isFaked: false,
  version: null,
  note: null,
  reason: null,
});

/** Returns the finding for content with this ground; null: there is no content. */
export const lookedBy = (ground: Ground | 'differs' | 'faked' | null): Looked => {
  if (ground === 'faked') return { ...looked('different'), isFaked: true };
  if (ground === 'differs') return looked('different');
  if (ground === 'presumed') return looked('presumed');
  return { ...looked('same'), basis: ground };
};
