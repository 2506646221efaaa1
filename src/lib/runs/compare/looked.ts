/** What a closer look at a key finds. */
import type { BothBuckets } from '../../model/ports.ts';
import type { Reason } from '../../model/reasons.ts';
import type { LockNote } from '../../replica/object-lock.ts';
import type { DifferenceKind } from '../report/report-data.ts';
import type { Basis, Ground, ProvePair, Reading } from './basis.ts';

/**
 * The finding `unwanted` means that the rule leaves the object out, and that the destination has none. `kept` means that the rule leaves the
 * object out, but that the destination shows one: replicas made before stay. `left-out` means that the source object is provably a replica,
 * which the rule does not replicate, and that the destination has no such key.
 */
export type KeyFinding = 'same' | 'presumed' | 'unwanted' | 'kept' | 'left-out' | DifferenceKind;

export interface Looked {
  finding: KeyFinding;
  /** What the finding `same` rests on. Null for every other finding, and if neither side shows an object. */
  basis: Basis | null;
  /** Whether the bytes differ although a digest or the stamp says that they do not. */
  isFaked: boolean;
  /** For the finding `attributes`, the id of the source version, if it has one. Otherwise null. */
  version: string | null;
  /** How the replica's lock differs from the source's if the difference is left alone; null: no such difference is known. */
  note: LockNote | null;
  /** Why the key could not be checked and therefore counts as different; null: the key was checked. */
  reason: Reason | null;
}

/** What a look at the content of a key needs besides its task. */
export interface Looking {
  context: BothBuckets;
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

/** Returns the finding for content that rests on this; null: there is no content. */
export const lookedBy = (ground: Ground | 'differs' | 'faked' | null): Looked => {
  if (ground === 'faked') return { ...looked('different'), isFaked: true };
  if (ground === 'differs') return looked('different');
  if (ground === 'presumed') return looked('presumed');
  return { ...looked('same'), basis: ground };
};
