import { pairName } from './arrivals.ts';

interface FailedLine {
  rule: string | null;
  destination: string | null;
  reason: string | null;
}

/** Returns the most frequent reason for each rule and destination, by `pairName`. */
export const mostFrequentReasons = (lines: readonly FailedLine[]): Map<string, string> => {
  const counts = new Map<string, Map<string, number>>();
  for (const { rule, destination, reason } of lines) {
    if (rule === null || destination === null || reason === null) continue;
    const name = pairName(rule, destination);
    const ofPair = counts.get(name) ?? new Map<string, number>();
    counts.set(name, ofPair.set(reason, (ofPair.get(reason) ?? 0) + 1));
  }
  return new Map(
    [...counts].flatMap(([name, reasons]) => {
      const [first] = [...reasons].toSorted(([, one], [, other]) => other - one);
      return first === undefined ? [] : [[name, first[0]] as const];
    }),
  );
};
