/** The outcomes of converge: what became of one task. */
import type { Copied } from '../copy/request.ts';
import type { ObjectState } from '../model/ports.ts';
import type { Shown } from './protocol.ts';

export type Convergence =
  /** `copies` versions with `bytes` in all were written; the newest of them is given. `newer`: what became of later ones. */
  | {
      outcome: 'replicated';
      version: ObjectState;
      copied: Copied;
      copies: number;
      bytes: number;
      newer: 'transferring' | null;
    }
  /** The replica was deleted, as the source is. */
  | { outcome: 'deleted'; replicaVersion: string | null }
  /** Tags, ACL or lock of the replica were changed. */
  | { outcome: 'updated'; sourceVersion: string | null; replicaVersion: string | null }
  /** The destination was right already. */
  | { outcome: 'unchanged'; sourceVersion: string | null; replica: Shown | null }
  /** Nothing is at the source, and there is no delete to replicate. */
  | { outcome: 'source-gone' }
  /** The rule's filter leaves the object out by its size or tags. */
  | { outcome: 'filtered' }
  /** A replicator wrote the source object, and the rule leaves such objects out. */
  | { outcome: 'replica' }
  /** The object is archived; the event at the end of its restore brings it back here. */
  | { outcome: 'restore-requested' }
  /** Many invocations move the object; the one that finds it complete sends a hint. */
  | { outcome: 'transferring' };

/** Whether many invocations will continue the work, and send a hint at its end. */
export const isTransferring = (convergence: Convergence): boolean =>
  convergence.outcome === 'transferring' ||
  (convergence.outcome === 'replicated' && convergence.newer === 'transferring');
