import type { OperatorQueue } from '../../lib/dead-letters/queue.ts';
import type { DeadMessageFilter } from '../../lib/dead-letters/filter.ts';
import type { LetterGroup } from '../../lib/dead-letters/summary.ts';
import { countOf } from '../../lib/text/amounts.ts';
import { groupLines, type LetterPlace } from './dead-letter-text.ts';

export interface RedriveRequest {
  filter: DeadMessageFilter;
  /** Maximum number of messages to send; null if there is no limit. */
  limit: number | null;
  /** Maximum messages per second; null if there is no limit. */
  maxPerSecond: number | null;
}

/** The result of a redrive. `dlq redrive --json` prints it, so its names are stable. */
export interface RedriveResult {
  /** The name of the queue from which messages were taken. */
  queue: string;
  /** The name of the queue to which messages were sent. */
  liveQueue: string;
  method: 'one-by-one' | 'dry-run';
  status: 'done' | 'failed' | 'interrupted';
  /** How many messages were sent; 0 in a dry run. */
  moved: number;
  /** How many messages should have been moved but remained in the dead-letter queue. */
  notMoved: number;
  /**
   * How many of the moved messages could not be deleted from the dead-letter queue. These messages do no harm, because replicating the same
   * hint again changes nothing.
   */
  inBothQueues: number;
  /**
   * How many messages of each reason were moved. In a dry run, how many would be moved.
   */
  byReason: Record<string, number>;
  /** False if only a part of the queue was read to count the reasons. */
  byReasonComplete: boolean;
  /** Why the redrive failed; null if it did not. */
  problem: string | null;
  /** The groups of messages that would be sent, in the format of `dlq list --json`; null if this is not a dry run. */
  groups: LetterGroup[] | null;
}

/** Returns the result of a redrive that has moved no messages yet. */
export const unmoved = (queue: OperatorQueue, method: RedriveResult['method']): RedriveResult => ({
  queue: queue.name,
  liveQueue: queue.liveName,
  method,
  status: 'done',
  moved: 0,
  notMoved: 0,
  inBothQueues: 0,
  byReason: {},
  byReasonComplete: true,
  problem: null,
  groups: null,
});

/** Returns a count with its noun: `1 message`, `2 messages`. */
export const messageCount = (count: number): string => countOf(count, 'message');

/** Counts the messages of each reason. The most frequent reason comes first. */
export const countByReason = (groups: readonly LetterGroup[]): Record<string, number> => {
  const counts = new Map<string, number>();
  for (const { reason, letters } of groups) counts.set(reason, (counts.get(reason) ?? 0) + letters);
  return Object.fromEntries([...counts].toSorted(([, a], [, b]) => b - a));
};

/** Returns the result as text for the terminal. */
export const resultText = (result: RedriveResult, place: LetterPlace): string => {
  const { queue, liveQueue, groups, moved } = result;
  if (groups !== null) {
    const count = groups.reduce((sum, { letters }) => sum + letters, 0);
    const rows = groups.length === 0 ? [] : [...groupLines(groups, place), ''];
    return [...rows, `Dry run: ${messageCount(count)} would be sent from ${queue} to ${liveQueue}.`, ''].join(
      '\n',
    );
  }
  if (moved === 0 && result.status === 'done') return `Nothing to redrive in ${queue}.\n`;
  return [
    `${messageCount(moved)} sent from ${queue} to ${liveQueue}.`,
    ...countLines(result, moved),
    ...(result.notMoved > 0 ? [`${messageCount(result.notMoved)} stayed in ${queue}.`] : []),
    ...(result.inBothQueues > 0
      ? [`${messageCount(result.inBothQueues)} stayed in ${queue} as well: harmless, a replay does nothing.`]
      : []),
    '',
  ].join('\n');
};

/**
 * Returns one line for each reason. SQS does not report which messages it moved, so the counts may not match the messages that were moved.
 * In that case a heading describes what was counted.
 */
const countLines = ({ byReason, byReasonComplete }: RedriveResult, moved: number): string[] => {
  const counts = Object.values(byReason);
  if (counts.length === 0) return [];
  const counted = counts.reduce((sum, count) => sum + count, 0);
  const heading = byReasonComplete
    ? 'Before, the queue held:'
    : `The first ${counted} messages in the queue before:`;
  return [
    ...(counted === moved ? [] : [heading]),
    ...Object.entries(byReason).map(([reason, count]) => `  ${count} × ${reason}`),
  ];
};
