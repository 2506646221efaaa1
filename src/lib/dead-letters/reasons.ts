/** All reasons that a dead letter can have, with their texts for the command line and for `docs/reasons.md`. */
import { ALL_REASONS, type Reason, type ReasonEntry, reasonEntry } from '../model/reasons.ts';

/** The reason of a message that SQS itself moved to the dead-letter queue, so that the function could not give a reason. */
export const CRASHED = 'crashed-or-timed-out' satisfies Reason;

export const DEAD_LETTER_REASONS: ReadonlyMap<string, ReasonEntry> = new Map(
  ALL_REASONS.map((reason) => [reason, reasonEntry(reason)] as const).filter(
    ([, { disposition }]) => disposition === 'quarantine',
  ),
);
