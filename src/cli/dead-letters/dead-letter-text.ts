/** Formats dead letters as text for the terminal. */
import type { DeadMessage } from '../../lib/dead-letters/dead-message.ts';
import type { LetterGroup, LetterSummary } from '../../lib/dead-letters/summary.ts';
import { countOf, countText } from '../../lib/text/amounts.ts';
import { duration } from '../../lib/text/duration.ts';
import { printable } from '../../lib/text/printable.ts';
import { tableLines } from '../terminal/table.ts';
import { shorten } from '../terminal/width.ts';
import { wrapCommand } from '../terminal/wrap.ts';

/** The data that the texts need besides the letters. */
export interface LetterPlace {
  nowMs: number;
  /** The width of the terminal; Infinity if there is no terminal. */
  columns: number;
  /** Converts words like `dlq redrive …` to a command for this deployment. */
  command(words: string): string;
}

/** Returns one line that says how many letters there are, how old they are, and whether their number grows. */
export const answerLine = (
  { letters, objects, oldest, newest, lastMinute, lastHour }: LetterSummary,
  { name, region }: { name: string; region: string },
  nowMs: number,
): string => {
  const age = (time: string | null): string => duration((nowMs - Date.parse(time ?? '')) / 1_000);
  const growth =
    lastMinute > 0
      ? `+${countText(lastMinute)} in the last minute`
      : lastHour > 0
        ? `+${countText(lastHour)} in the last hour`
        : 'none in the last hour';
  return [
    `${letterCount(letters)} for ${countOf(objects, 'object')} in ${name} (${region})`,
    `oldest ${age(oldest)}`,
    `newest ${age(newest)}`,
    growth,
  ].join(' · ');
};

/**
 * Returns a table of the groups. Below each row stands the failure of its example. Below the last row with the same fix stands that fix.
 */
export const groupLines = (groups: readonly LetterGroup[], place: LetterPlace): string[] => {
  const [header = '', ...rows] = tableLines(
    [
      'REASON',
      { title: 'MSGS', align: 'right' },
      { title: 'KEYS', align: 'right' },
      { title: 'RULE → DESTINATION', least: 18 },
      'SINCE',
      { title: 'EXAMPLE', least: 32, isOptional: true },
    ],
    groups.map((group) => [
      group.reason,
      countText(group.letters),
      countText(group.objects),
      whereText(group.rule, group.destinations),
      timeText(group.since, place.nowMs),
      keyText(group.example),
    ]),
    place.columns,
  );
  const hasExamples = header.endsWith('EXAMPLE');
  return [
    header,
    ...groups.flatMap((group, index) => [
      rows[index] ?? '',
      ...(hasExamples ? [] : [`   e.g. ${shorten(keyText(group.example), place.columns - 8)}`]),
      ...(group.example.detail === null ? [] : [`   ${printable(group.example.detail)}`]),
      ...(group.fix === groups[index + 1]?.fix ? [] : fixLines(group, place)),
    ]),
  ];
};

/** Returns two lines about one letter. Each letter is shown before the later ones are known, so the lines have no aligned columns. */
export const letterLines = (letter: DeadMessage): string[] => [
  `${letter.reason}  ${whereText(letter.rule, letter.destination === null ? [] : [letter.destination])}  ${keyText(letter)}`,
  [
    `   since ${letter.deadSince.slice(0, 19)}Z`,
    ...(letter.attempts === null ? [] : [countOf(letter.attempts, 'attempt')]),
    ...(letter.detail === null ? [] : [printable(letter.detail)]),
  ].join(' · '),
];

/** Returns a count with its noun: `1 dead letter`, `2 dead letters`. */
export const letterCount = (count: number): string => countOf(count, 'dead letter');

const fixLines = ({ reason, fix, endedBy }: LetterGroup, { command, columns }: LetterPlace): string[] => [
  `   fix  ${fix}`,
  ...[
    ...(endedBy === 'discard' ? [] : [`dlq redrive --reason ${reason} --limit 10`]),
    ...(endedBy === 'redrive' ? [] : [`dlq discard --reason ${reason}`]),
  ].map((words) => `${INDENT}${wrapCommand(command(words), columns, INDENT.length)}`),
];

/** The space before a command, so that it stands below the fix. */
const INDENT = ' '.repeat('   fix  '.length);

const whereText = (rule: string | null, destinations: readonly string[]): string => {
  const [first] = destinations;
  const to =
    destinations.length > 1
      ? `${destinations.length} destinations`
      : first === undefined
        ? null
        : printable(first);
  if (rule === null) return to ?? '-';
  return to === null ? printable(rule) : `${printable(rule)} → ${to}`;
};

/** Returns the time of day if the time is today, otherwise the day and the time. UTC, as in logs. */
const timeText = (time: string, nowMs: number): string =>
  time.slice(0, 10) === new Date(nowMs).toISOString().slice(0, 10)
    ? `${time.slice(11, 19)}Z`
    : `${time.slice(5, 10)} ${time.slice(11, 16)}Z`;

const keyText = ({ key, moreKeys }: Pick<DeadMessage, 'key' | 'moreKeys'>): string => {
  if (key === null) return '-';
  return printable(key) + (moreKeys > 0 ? ` (and ${moreKeys} more)` : '');
};
