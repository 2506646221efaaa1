/** Lines of a table of keys that differ. The columns have fixed widths, because each line is shown before the later lines are known. */
import type { ReportRow } from '../../lib/runs/report/report-data.ts';
import { printable } from '../../lib/text/printable.ts';
import { shorten, textWidth } from '../terminal/width.ts';

const DIFFERENCE_WIDTH = 'history-shorter'.length;
const BYTES = 'REPLICA BYTES'.length;

export const differenceHeader = (): string =>
  `${'DIFFERENCE'.padEnd(DIFFERENCE_WIDTH)}  ${'SOURCE BYTES'.padStart(BYTES)}  REPLICA BYTES  KEY\n`;

/** Returns the line of one key. A key that does not fit into `columns` loses its middle. */
export const differenceLine = (
  { difference, source, replica, key, reason }: ReportRow,
  columns: number,
): string => {
  const start = `${difference.padEnd(DIFFERENCE_WIDTH)}  ${sizeText(source)}  ${sizeText(replica)}  `;
  const end = reason === null ? '' : `  (${reason})`;
  const left = Math.max(LEAST_KEY, columns - start.length);
  const whole = printable(key) + end;
  return `${start}${textWidth(whole) <= left ? whole : shorten(printable(key), left) + (end === '' ? '' : `\n    ${end.trim()}`)}\n`;
};

/** Minimum number of columns in which a key is shown. */
const LEAST_KEY = 12;

const sizeText = (side: ReportRow['source']): string =>
  (side === null ? '-' : String(side.sizeBytes)).padStart(BYTES);
