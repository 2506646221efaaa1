/** The result of a check of one bucket, and the texts for the operator. */
import type { SubscriptionProperties } from './subscription.ts';

export interface Finding {
  wanted: SubscriptionProperties;
  /**
   * - `back`: the subscription was lost, and was restored.
   * - `lost`: the subscription is lost, and was not repaired.
   * - `unchecked`: the configuration of the bucket could not be read.
   */
  kind: 'back' | 'lost' | 'unchecked';
  /** The time since which events may be missing, in milliseconds since the epoch. */
  sinceMs: number;
  /** Why the subscription was not repaired or checked, and what to do about it; empty for `back`. */
  why: string;
  /** The entries of others that changed during the repair. For `lost`, the existing entries of others. */
  others: string[];
}

/** Returns one line for the log and the subject of the announcement. */
export const findingTitle = ({ wanted: { bucket }, kind }: Finding): string =>
  ({
    back: `${bucket} had lost its subscription and has it again`,
    lost: `${bucket} has lost its subscription`,
    unchecked: `the subscription of ${bucket} cannot be checked`,
  })[kind];

/**
 * Returns the text for the operator, with the commands that replicate the objects of lost events. `options` are the options by
 * which the commands find the stack.
 */
export const findingText = (finding: Finding, options: string): string => {
  const { kind, why, others, sinceMs } = finding;
  return [
    `${findingTitle(finding)}. Events since ${timeText(sinceMs)} may be missing.`,
    ...(why === '' ? [] : [`${kind === 'lost' ? 'It was not repaired: ' : ''}${why}`]),
    ...(others.length === 0
      ? []
      : [
          `${kind === 'lost' ? 'Entries of others that are there now' : 'Entries of others that changed meanwhile, and are there as they were changed'}: ${others.join('; ')}.`,
        ]),
    ...closeTheGap(finding, options),
  ].join('\n');
};

const closeTheGap = ({ wanted, kind, sinceMs }: Finding, options: string): string[] => {
  const wait =
    wanted.events === 'eventbridge' ? 'wait five minutes, until EventBridge reports the bucket, and ' : '';
  const first = kind === 'back' ? '' : 'deploy again (`npx serverless deploy`), which repairs it, ';
  const sentence = `${first}${wait}close the gap:`;
  return [
    `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`,
    ...backfillCommands(wanted, sinceMs, options),
  ];
};

/** Returns the commands that replicate everything that was written since a time, one for each rule. */
export const backfillCommands = (
  { rules }: SubscriptionProperties,
  sinceMs: number,
  options: string,
): string[] =>
  rules.map(
    (rule) => `  npx s3-replicator backfill start --rule ${rule} --since ${timeText(sinceMs)} ${options}`,
  );

/** Returns the time, rounded down to a second. */
const timeText = (ms: number): string =>
  new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
