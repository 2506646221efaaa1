/** All reasons that a dead letter can have, with their texts for the command line and for `docs/operations.md`. */
import { ALL_REASONS, type ReasonEntry, reasonEntry } from '../model/reasons.ts';

/**
 * The reason of a message that SQS itself moved to the dead-letter queue. Its receive count ran out because the function crashed
 * or timed out, so the function could not give a reason.
 */
export const CRASHED = 'crashed-or-timed-out';

export const CRASHED_ENTRY: ReasonEntry = {
  disposition: 'quarantine',
  meaning: 'The function crashed or ran out of time on the message, and SQS moved it.',
  fix: 'Find the request of the message in the log of the replicate function (docs/operations.md) and fix the cause; then redrive.',
};

export const DEAD_LETTER_REASONS: ReadonlyMap<string, ReasonEntry> = new Map([
  ...ALL_REASONS.map((reason) => [reason, reasonEntry(reason)] as const).filter(
    ([, { disposition }]) => disposition === 'quarantine',
  ),
  [CRASHED, CRASHED_ENTRY],
]);
