/** Keys that differ, as they are found: one line each, of which the widths are known beforehand. */
import type { ReportRow } from '../../lib/runs/report/report-data.ts';
import { printable } from '../../lib/text/printable.ts';

const WIDTH = 'history-shorter'.length;
const BYTES = 'REPLICA BYTES'.length;

export const differenceHeader = (): string =>
  `${'DIFFERENCE'.padEnd(WIDTH)}  ${'SOURCE BYTES'.padStart(BYTES)}  REPLICA BYTES  KEY\n`;

export const differenceLine = ({ difference, source, replica, key, reason }: ReportRow): string =>
  `${difference.padEnd(WIDTH)}  ${bytesOf(source)}  ${bytesOf(replica)}  ${printable(key)}${reason === null ? '' : `  (${reason})`}\n`;

const bytesOf = (side: ReportRow['source']): string =>
  (side === null ? '-' : String(side.sizeBytes)).padStart(BYTES);
