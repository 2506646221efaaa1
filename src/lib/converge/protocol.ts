/** What both modes of the protocol share: its limits, and when a replica may be deleted. */
import type { Clock, ObjectState } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { replicaPlace, stampOn } from '../replica/stamp.ts';

/** What the destination shows, as far as a write is conditional on it. */
export type Shown = Pick<ObjectState, 'etag' | 'versionId'>;

/**
 * Maximum size of an object that is written as new without a request to the destination first. S3 answers if it was not new,
 * which costs little at this size.
 */
export const TRIED_AS_NEW_BYTES = 4 * 1024 * 1024;

/** Maximum number of rounds before a key that keeps changing is given back to the queue. */
export const MAX_ROUNDS = 8;

/** Waits after a lost race: the winner works on the same key, and may well do all there is to do. */
export const restAfterRace = async ({ clock }: { clock: Clock }, round: number): Promise<void> => {
  await clock.sleep(Math.random() * Math.min(300, 10 * 2 ** round));
};

/** If a delete would be permanent, only an object that is provably a replica may be deleted. */
export const mayRemove = (task: Task, replica: ObjectState): boolean =>
  (!task.onlyStamped && (replica.versionId !== null || !task.rule.stamp)) ||
  stampOn(replica, replicaPlace(task)) !== null;
