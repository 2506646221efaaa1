/** How the replica that the destination shows is related to the source. */
import type { ObjectState } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { contentProof } from '../replica/proof.ts';
import { holds } from '../replica/same-state.ts';
import { isFrom, isProven, names, replicaPlace, sourcePlace, type Stamp, stampOn } from '../replica/stamp.ts';
import { receiptCovers } from '../replica/version-receipt.ts';
import type { InspectDeps } from './action.ts';
import { type SideView, stateIn } from './side.ts';

export interface Relation {
  /** Whether a copy of the shown source version would write exactly this replica; null: one of the sides shows no object. */
  holds: boolean | null;
  /** Whether the bytes are the same, by the digests that both sides show; null: one of the sides shows no object. */
  bytes: 'same' | 'differs' | 'unknown' | null;
  /** The stamp of the replica; null: the destination shows no object, or one without a stamp for this place. */
  stamp: StampView | null;
  /**
   * How many source states are newer than the state that the stamp names; null: unknown, or the source no longer has that state.
   */
  behind: number | null;
  /** What proved the copy, according to the receipt of exactly this version of the replica; null: there is no receipt. */
  receipt: string | null;
}

export interface StampView {
  /** `v/<version id>`, or `e/<ETag>`. */
  identity: string;
  /** Last-Modified of the source version, in ISO 8601. */
  modified: string;
  /** Whether the stamp was written by a rule that copies from exactly this key. */
  isFromHere: boolean;
  /** Whether this deployment, or one that the rule names, has signed the stamp for these bytes. */
  isProven: boolean;
}

export const relationOf = async (
  task: Task,
  sides: Record<'source' | 'replica', SideView>,
  deps: Pick<InspectDeps, 'signer' | 'versionReceipts'>,
): Promise<Relation> => {
  const source = stateIn(sides.source.current);
  const replica = stateIn(sides.replica.current);
  if (replica === null) return { holds: null, bytes: null, stamp: null, behind: null, receipt: null };
  const stamp = stampOn(replica, replicaPlace(task));
  const receipt = await deps.versionReceipts.find(task.destination, task.replicaKey, replica.versionId);
  return {
    holds: source === null ? null : holds(replica, source, replicaPlace(task)),
    bytes: source === null ? null : contentProof(replica, source),
    stamp: stamp === null ? null : await viewStamp(task, replica, stamp, deps),
    behind: stamp === null ? null : statesSince(stamp, sides.source),
    receipt: source !== null && receiptCovers(receipt, task, source) ? (receipt?.proof ?? null) : null,
  };
};

const viewStamp = async (
  task: Task,
  replica: ObjectState,
  stamp: Stamp,
  { signer }: Pick<InspectDeps, 'signer'>,
): Promise<StampView> => {
  const own = await signer();
  const keys = [...task.rule.source.replicators, ...(own === null ? [] : [own.publicKey])];
  return {
    identity: stamp.identity,
    modified: new Date(stamp.modifiedMs).toISOString(),
    isFromHere: isFrom(stamp, sourcePlace(task)),
    isProven: isProven(replica, replicaPlace(task), keys),
  };
};

const statesSince = (stamp: Stamp, { current, versions }: SideView): number | null => {
  const index = versions?.findIndex((entry) => entry.kind === 'version' && names(stamp, entry)) ?? -1;
  if (index !== -1) return index;
  return current?.kind === 'object' && names(stamp, current.state) ? 0 : null;
};
