import type { DeadMessage } from '../../lib/dead-letters/dead-message.ts';
import { duration } from '../../lib/text/duration.ts';
import { printable } from '../../lib/text/printable.ts';
import { tableLines } from '../terminal/table.ts';

/**
 * Returns a table with one line for each message and the message's detail below that line. The key is the last column, because keys may be
 * long.
 */
export const messageLines = (messages: readonly DeadMessage[]): string[] => {
  const [header = '', ...rows] = tableLines(
    ['REASON', 'AGE', 'ATTEMPTS', 'RULE', 'DESTINATION', 'KEY'],
    messages.map((message) => [
      message.reason,
      duration(message.ageSeconds),
      message.attempts === null ? '-' : String(message.attempts),
      message.rule === null ? '-' : printable(message.rule),
      message.destination === null ? '-' : printable(message.destination),
      keyText(message),
    ]),
  );
  return [header, ...rows.flatMap((row, index) => [row, ...detailLine(messages[index]?.detail ?? null)])];
};

/** Returns two lines for each reason: the number of messages with this reason, and the fix. The most frequent reason comes first. */
export const reasonLines = (messages: readonly DeadMessage[]): string[] =>
  Object.entries(countByReason(messages)).flatMap(([reason, count]) => [
    `${count} × ${reason}`,
    `    ${messages.find((message) => message.reason === reason)?.fix ?? ''}`,
  ]);

/** Counts the messages of each reason. The most frequent reason comes first. */
export const countByReason = (messages: readonly DeadMessage[]): Record<string, number> => {
  const counts = new Map<string, number>();
  for (const { reason } of messages) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return Object.fromEntries([...counts].toSorted(([, a], [, b]) => b - a));
};

/** Returns a count with its noun: `1 message`, `2 messages`. */
export const messageCount = (count: number): string => `${count} message${count === 1 ? '' : 's'}`;

const keyText = ({ key, moreKeys }: DeadMessage): string => {
  if (key === null) return '-';
  return printable(key) + (moreKeys > 0 ? `  (and ${moreKeys} more)` : '');
};

const detailLine = (detail: string | null): string[] => (detail === null ? [] : [`    ${printable(detail)}`]);
