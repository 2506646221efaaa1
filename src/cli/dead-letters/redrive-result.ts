import type { DeadLetterQueue } from '../../lib/dead-letters/queue.ts';
import type { DeadMessage, DeadMessageFilter } from '../../lib/dead-letters/dead-message.ts';
import { messageCount, messageLines } from './dead-letter-text.ts';

export interface RedriveRequest {
  filter: DeadMessageFilter;
  /** Null: all that match. */
  limit: number | null;
  /** Null: as fast as it goes. */
  maxPerSecond: number | null;
}

/** What a redrive did. Also the shape of `dlq redrive --json`: names are stable. */
export interface RedriveResult {
  /** Where messages were taken from. */
  queue: string;
  /** Where they were sent. */
  liveQueue: string;
  method: 'message-move-task' | 'one-by-one' | 'dry-run';
  status: 'done' | 'failed' | 'interrupted';
  /** Messages now in the live queue; for a move task what SQS says, approximately. 0 in a dry run. */
  moved: number;
  /** Messages that should have been moved and stayed in the dead-letter queue. */
  notMoved: number;
  /** Of those moved, how many could not be deleted from the dead-letter queue. Harmless: a replay does nothing. */
  inBothQueues: number;
  /** What was moved, or in a dry run would be. For a move task: what was in the queue just before. */
  byReason: Record<string, number>;
  /** False where the queue was not read to its end to count the reasons. */
  byReasonComplete: boolean;
  /** Why it failed. */
  problem: string | null;
  /** In a dry run what would be sent, as `dlq list --json` shows it; else null. */
  messages: DeadMessage[] | null;
}

/** The result of having done nothing so far. */
export const unmoved = (queue: DeadLetterQueue, method: RedriveResult['method']): RedriveResult => ({
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
  messages: null,
});

/** For a person. */
export const resultText = (result: RedriveResult): string => {
  const { queue, liveQueue, messages, moved } = result;
  if (messages !== null) {
    const rows = messages.length === 0 ? [] : [...messageLines(messages), ''];
    const summary = `Dry run: ${messageCount(messages.length)} would be sent from ${queue} to ${liveQueue}.`;
    return [...rows, summary, ...countLines(result, messages.length), ''].join('\n');
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

/** SQS does not say which messages it moved: where the counts are of others too, they are called so. */
const countLines = ({ byReason, byReasonComplete }: RedriveResult, moved: number): string[] => {
  const counts = Object.values(byReason);
  if (counts.length === 0) return [];
  const counted = counts.reduce((sum, count) => sum + count, 0);
  const heading = byReasonComplete
    ? 'Before, the queue held:'
    : `Of the ${counted} messages looked at before:`;
  return [
    ...(counted === moved ? [] : [heading]),
    ...Object.entries(byReason).map(([reason, count]) => `  ${count} × ${reason}`),
  ];
};
