/** The outcomes of converge for one task. */
import type { Copied } from '../copy/request.ts';
import type { ObjectState } from '../model/ports.ts';
import type { Destination } from '../model/rule.ts';
import { isLockCapped } from '../replica/object-lock.ts';
import type { Shown } from './protocol.ts';

export type Convergence =
  /**
   * `copies` versions with `bytes` bytes in all were written. `version` is the newest of them. `newer` is set if still newer
   * versions are being transferred.
   */
  | {
      outcome: 'replicated';
      version: ObjectState;
      copied: Copied;
      copies: number;
      bytes: number;
      newer: 'transferring' | null;
    }
  /** The replica was deleted, because the source object was deleted. */
  | { outcome: 'deleted'; replicaVersion: string | null }
  /** Tags, ACL or lock of the replica of `version` were changed. */
  | { outcome: 'updated'; version: ObjectState; replicaVersion: string | null }
  /** The destination already agreed with the source. */
  | { outcome: 'unchanged'; sourceVersion: string | null; replica: Shown | null }
  /** The source has no object, and there is no delete to replicate. */
  | { outcome: 'source-gone' }
  /** The source object was deleted, but the object at the destination is not provably our replica, so it stays visible. */
  | { outcome: 'not-ours' }
  /** The brake is closed: the replica stays as it is, and the key is on the list that an operator releases. */
  | { outcome: 'held' }
  /** The rule leaves the object out by its size or tags. */
  | { outcome: 'filtered' }
  /** A replicator wrote the source object, and the rule leaves such objects out. */
  | { outcome: 'replica' }
  /** The object is archived, and its restore was requested. The event at the end of the restore causes another try. */
  | { outcome: 'restore-requested' }
  /** Many invocations move the object. The invocation that finds all parts uploaded sends a hint. */
  | { outcome: 'transferring' };

/** Returns true if converge wrote a shorter retention than the source version has. */
export const hasCappedLock = (convergence: Convergence, destination: Destination, nowMs: number): boolean =>
  (convergence.outcome === 'replicated' || convergence.outcome === 'updated') &&
  isLockCapped(destination, convergence.version.lock, nowMs);

/** Returns true if many invocations continue the work and send a hint at its end. */
export const isTransferring = (convergence: Convergence): boolean =>
  convergence.outcome === 'transferring' ||
  (convergence.outcome === 'replicated' && convergence.newer === 'transferring');
