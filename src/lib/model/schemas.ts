/**
 * The schema numbers of everything that one release writes and another may read: records in tables, bodies and attributes of messages.
 * A change that an older release would misread gets the next number, and its reader keeps the earlier numbers. A release that finds a number
 * above its own leaves the record as it is and gives the message back (decision 039).
 */
import { ReplicationError } from './errors.ts';
import { isCount } from './json.ts';

export const SCHEMAS = {
  hint: 1,
  /** A message that contains several messages. */
  several: 1,
  /** Events of replicas that the event bus has not accepted yet. */
  announcement: 1,
  /** The message attributes of retries, waiting messages and dead letters. */
  attributes: 1,
  /** A message of the transfer queue. */
  'part range': 1,
  /** A message of the queue of ranges, and the range in the table of runs. */
  range: 1,
  /** A run, with its counters and files. */
  run: 1,
  transfer: 1,
  receipt: 1,
  'version receipt': 1,
} as const satisfies Record<string, number>;

export type Schema = keyof typeof SCHEMAS;

/**
 * Returns the field `v` of a record or body. A record without a number was written by hand, or before there were numbers. It counts as 1.
 */
export const schemaField = (schema: Schema): { v: number } => ({ v: SCHEMAS[schema] });

/** Returns the error if the number is not one that this release reads, and null otherwise. */
export const newerThanKnown = (schema: Schema, number: unknown): ReplicationError | null =>
  number === undefined || (isCount(number) && number > 0 && number <= SCHEMAS[schema])
    ? null
    : new ReplicationError(
        'newer-release',
        `the schema number of this ${schema} is ${String(number).slice(0, 20)}, and this release knows up to ${SCHEMAS[schema]}: deploy the newer release again`,
        // The message is not the cause of this failure, so the failure does not count as an attempt.
        { isAvoided: true },
      );

/** Throws `newer-release` if this release does not know the number. */
export const assertKnown = (schema: Schema, number: unknown): void => {
  const error = newerThanKnown(schema, number);
  if (error !== null) throw error;
};
