/** Lines of a table of keys that differ. The columns have fixed widths, because each line is shown before the later lines are known. */
import type { ReportRow } from '../../lib/runs/report/report-data.ts';
import { printable } from '../../lib/text/printable.ts';

const DIFFERENCE_WIDTH = 'history-shorter'.length;
const BYTES = 'REPLICA BYTES'.length;

export const differenceHeader = (): string =>
  `${'DIFFERENCE'.padEnd(DIFFERENCE_WIDTH)}  ${'SOURCE BYTES'.padStart(BYTES)}  REPLICA BYTES  KEY\n`;

export const differenceLine = ({ difference, source, replica, key, reason }: ReportRow): string =>
  `${difference.padEnd(DIFFERENCE_WIDTH)}  ${sizeText(source)}  ${sizeText(replica)}  ${printable(key)}${reason === null ? '' : `  (${reason})`}\n`;

const sizeText = (side: ReportRow['source']): string =>
  (side === null ? '-' : String(side.sizeBytes)).padStart(BYTES);
