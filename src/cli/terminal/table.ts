import { pad, shorten, shortenEnd, textWidth } from './width.ts';

export interface Column {
  title: string;
  /** Numbers are aligned to the right. */
  align?: 'left' | 'right';
  /** The number of columns to which the cells may be cut in the middle. Such cells have no colours. Absent if they are never cut. */
  least?: number;
  /** Whether the column is left out if the table does not fit. The last optional column is left out first. */
  isOptional?: boolean;
}

/** The space between two columns. */
const GAP = '  ';

/**
 * Formats a table in at most `columns` columns of a terminal. Returns the line of titles and one line for each row. If the table is too
 * wide, optional columns are left out first. Then the widest cells that may be cut lose their middle. Without `columns`, the output goes
 * to another program, so the table is complete.
 */
export const tableLines = (
  header: readonly (string | Column)[],
  rows: readonly (readonly string[])[],
  columns = Infinity,
): string[] => {
  const all = header.map((column, index): Measured => {
    const of: Column = typeof column === 'string' ? { title: column } : column;
    const cells = [of.title, ...rows.map((row) => row[index] ?? '')];
    const width = Math.max(...cells.map(textWidth));
    return { ...of, cells, width, least: Math.min(width, of.least ?? width) };
  });
  const fitted = cut(chosen(all, columns), columns);
  return [header, ...rows].map((_, line) =>
    fitted
      .map(({ cells, width, align }) => {
        const cell = cells[line] ?? '';
        return pad(line === 0 ? shortenEnd(cell, width) : shorten(cell, width), width, align);
      })
      .join(GAP)
      .trimEnd(),
  );
};

interface Measured extends Column {
  /** The title and the cells below it. */
  cells: string[];
  width: number;
  least: number;
}

/** Leaves out optional columns until the others can be cut to the width. */
const chosen = (all: readonly Measured[], columns: number): Measured[] => {
  const least = all.reduce((sum, column) => sum + column.least, GAP.length * (all.length - 1));
  const last = all.findLastIndex(({ isOptional }) => isOptional);
  return least <= columns || last === -1 ? [...all] : chosen(all.toSpliced(last, 1), columns);
};

/** Cuts the widest column by one, until the table fits or nothing more may be cut. */
const cut = (all: readonly Measured[], columns: number): Measured[] => {
  const fitted = all.map((column) => ({ ...column }));
  let over = fitted.reduce((sum, { width }) => sum + width, GAP.length * (all.length - 1)) - columns;
  for (; over > 0; over -= 1) {
    const [widest] = fitted
      .filter(({ width, least }) => width > least)
      .toSorted((one, other) => other.width - one.width);
    if (widest === undefined) break;
    widest.width -= 1;
  }
  return fitted;
};
