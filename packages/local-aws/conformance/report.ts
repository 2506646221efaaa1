/** Formats the results of a run as text. */
import { styleText } from 'node:util';
import { show } from './difference.ts';
import type { Result } from './run.ts';

export interface Summary {
  endpoint: string;
  same: number;
  differ: number;
  failed: number;
  skipped: number;
  seconds: number;
}

export const summarise = (endpoint: string, results: readonly Result[], durationMs: number): Summary => {
  const count = (verdict: Result['verdict']) => results.filter((one) => one.verdict === verdict).length;
  return {
    endpoint,
    same: count('same'),
    differ: count('differs'),
    failed: count('failed'),
    skipped: count('skipped'),
    seconds: Math.round(durationMs / 100) / 10,
  };
};

/**
 * Lists each difference with the sentence of its behaviour, then the skipped behaviours with the reasons, and
 * then the totals.
 */
export const reportText = (summary: Summary, results: readonly Result[]): string =>
  [
    ...results.flatMap(differenceLines),
    ...skippedLines(results),
    `${summary.endpoint}: ${summary.same} as documented, ${summary.differ} different, ${summary.failed} without an answer, ` +
      `${summary.skipped} skipped, ${summary.seconds} s`,
    '',
  ].join('\n');

const differenceLines = (result: Result): string[] => {
  if (result.verdict !== 'differs' && result.verdict !== 'failed') return [];
  const rows =
    result.verdict === 'differs'
      ? [
          ['at', result.what],
          ['expected', short(show(result.expected))],
          ['found', short(show(result.found))],
        ]
      : [['error', short(result.error)]];
  return [
    `${styleText('red', result.verdict)}  ${styleText('bold', `${result.group} / ${result.name}`)}`,
    `  ${result.title}`,
    ...rows.map(([head = '', text]) => `  ${head.padEnd(9)} ${text}`),
    `  ${'document'.padEnd(9)} ${result.document}`,
    '',
  ];
};

const skippedLines = (results: readonly Result[]): string[] => {
  const reasons = new Map<string, number>();
  for (const result of results)
    if (result.verdict === 'skipped') reasons.set(result.why, (reasons.get(result.why) ?? 0) + 1);
  return [...reasons].map(([why, count]) => `${count} skipped: ${short(why)}`);
};

const short = (text: string): string => (text.length > 600 ? `${text.slice(0, 600)} …` : text);
