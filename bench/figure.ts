/** One measured value. The bench prints the aim beside the value, but does not compare them. */
export interface Figure {
  what: string;
  unit: string;
  /** The value of the least disturbed round, which is the lowest cost or the highest rate. */
  best: number;
  /** Absent if the value does not vary. */
  median?: number;
  aim?: string;
}

export interface Section {
  title: string;
  figures: Figure[];
}

/** Makes the figure of a cost that was measured in several rounds. The round with the lowest cost is the least disturbed. */
export const cost = (what: string, unit: string, values: number[], aim?: string): Figure => ({
  what,
  unit,
  best: Math.min(...values),
  median: median(values),
  ...(aim === undefined ? {} : { aim }),
});

/** Makes the figure of a rate that was measured in several rounds. The round with the highest rate is the least disturbed. */
export const rate = (what: string, unit: string, values: number[]): Figure => ({
  what,
  unit,
  best: Math.max(...values),
  median: median(values),
});

/** Makes the figure of a value that does not vary between rounds. */
export const value = (what: string, unit: string, best: number, aim?: string): Figure => ({
  what,
  unit,
  best,
  ...(aim === undefined ? {} : { aim }),
});

/** Returns the median. For an even number of values, the median is the mean of the two values in the middle. */
export const median = (values: number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
};

/** Formats a section as lines of text with aligned columns. */
export const formatSection = ({ title, figures }: Section): string => {
  const rows = figures.map(({ what, unit, best, median: middle, aim }) => [
    what,
    formatNumber(best),
    middle === undefined ? '' : formatNumber(middle),
    unit,
    aim === undefined ? '' : `aim: ${aim}`,
  ]);
  const hasMedian = figures.some((figure) => figure.median !== undefined);
  const table = [['', hasMedian ? 'best' : '', hasMedian ? 'median' : '', '', ''], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = (hasMedian ? table : rows).map(([what = '', best = '', middle = '', unit = '', aim = '']) =>
    [
      what.padEnd(widths[0] ?? 0),
      best.padStart(widths[1] ?? 0),
      middle.padStart(widths[2] ?? 0),
      unit.padEnd(widths[3] ?? 0),
      aim,
    ]
      .join('  ')
      .trimEnd(),
  );
  return [title, ...lines.map((line) => `  ${line}`)].join('\n');
};

/** Formats a number with three significant digits. A number of 100 or more is formatted as an integer with thousands separators. */
const formatNumber = (number: number): string => {
  if (Math.abs(number) >= 100) return Math.round(number).toLocaleString('en-US');
  return String(Number(number.toPrecision(3)));
};
