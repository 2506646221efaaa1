/** What came of looking at one key of one rule for one destination. */
import type { Copied } from '../copy/request.ts';
import type { Reason } from '../model/reasons.ts';
import type { Clock, DestinationBucket, Invocation, ObjectState, SourceBucket } from '../model/ports.ts';
import type { Work } from '../model/work.ts';
import type { ServerSide } from '../copy/way.ts';
import { type Place, stampOn } from '../replica/stamp.ts';
import type { Transfers } from '../copy/transfer/transfer.ts';

/** The two buckets of a rule and a destination. */
export interface BothBuckets {
  source: SourceBucket;
  destination: DestinationBucket;
}

export interface ConvergeContext extends BothBuckets {
  invocation: Invocation;
  clock: Clock;
  transfers: Transfers;
  serverSide: ServerSide;
  /** Resolves when it is reported where a person will see it. Nothing newer is written before. */
  passOver(version: PassedOver): Promise<void>;
}

/** A version that stays missing in the replica's history because it cannot be read, while newer ones are there. */
export interface PassedOver {
  versionId: string;
  reason: Reason;
}

/** What the destination shows, as far as a write is conditional on it. */
export type Shown = Pick<ObjectState, 'etag' | 'versionId'>;

/** How the look at one key ended. */
export type Convergence =
  /** `copies` versions were written, `bytes` in all; the newest of them is given. `newer`: what becomes of those after it. */
  | {
      outcome: 'replicated';
      version: ObjectState;
      copied: Copied;
      copies: number;
      bytes: number;
      newer: 'transferring' | null;
    }
  /** The replica is deleted as the source is. */
  | { outcome: 'deleted'; replicaVersion: string | null }
  /** Tags, ACL or lock of the replica were changed. */
  | { outcome: 'updated'; sourceVersion: string | null; replicaVersion: string | null }
  /** The destination held it already. */
  | { outcome: 'unchanged'; sourceVersion: string | null; replica: Shown | null }
  /** There is nothing at the source, and no delete to replicate. */
  | { outcome: 'source-gone' }
  /** The rule's size or tags leave it out. */
  | { outcome: 'filtered' }
  /** A replicator wrote it, and the rule is not for such. */
  | { outcome: 'replica' }
  /** It is archived; the event of its return will bring it back here. */
  | { outcome: 'restore-requested' }
  /** Many invocations move it; the one that finds all of it there sends a hint. */
  | { outcome: 'transferring' };

/** Where the replica is. */
export const placeOf = (work: Work, replicaKey: string): Place => ({
  bucket: work.destination.bucket,
  key: replicaKey,
});

/** Up to this size what is written is tried as new, without a look at the destination: S3 says if it was not, which costs little. */
export const TRIED_AS_NEW_BYTES = 4 * 1024 * 1024;

/** Rounds before a key that keeps changing is given back to the queue. */
export const MAX_ROUNDS = 8;

/** After a lost race: whoever won it is at work on the same key, and may well do all there is to do. */
export const restAfterRace = async ({ clock }: ConvergeContext, round: number): Promise<void> => {
  await clock.sleep(Math.random() * Math.min(300, 10 * 2 ** round));
};

/** Where a delete is for good, only replicas are deleted. */
export const mayRemove = (work: Work, replicaKey: string, replica: ObjectState): boolean =>
  (!work.onlyStamped && (replica.versionId !== null || !work.rule.stamp)) ||
  stampOn(replica, placeOf(work, replicaKey)) !== null;

/** Will many invocations go on with it, and send a hint when they are done? */
export const isTransferring = (convergence: Convergence): boolean =>
  convergence.outcome === 'transferring' ||
  (convergence.outcome === 'replicated' && convergence.newer === 'transferring');
