/** The limits of the protocol, which both modes (`latest` and `all`) share. */
import type { Clock, ObjectState } from '../model/ports.ts';

/** The fields of the object at the destination on which a write is conditional. */
export type Shown = Pick<ObjectState, 'etag' | 'versionId'>;

/**
 * Maximum size of an object that is written as new without first looking at the destination. If the object is not new, S3 refuses
 * the write, which costs little at this size.
 */
export const TRIED_AS_NEW_BYTES = 4 * 1024 * 1024;

/** Maximum number of rounds before a key that keeps changing is given back to the queue. */
export const MAX_ROUNDS = 8;

/** Waits after a lost race. The winner works on the same key, and may complete all the work in the meantime. */
export const restAfterRace = async ({ clock }: { clock: Clock }, round: number): Promise<void> => {
  await clock.sleep(Math.random() * Math.min(300, 10 * 2 ** round));
};
