/** Formats transfers as text for the terminal. */
import { byteText, countOf, countText } from '../../lib/text/amounts.ts';
import { duration } from '../../lib/text/duration.ts';
import { printable } from '../../lib/text/printable.ts';
import type { CliIo } from '../terminal/io.ts';
import { type Column, tableLines } from '../terminal/table.ts';
import type { TransferState } from '../../lib/state/transfer-state.ts';

/**
 * Returns a table of at most `columns` columns with one line for each transfer. The reason and the fix of a failed transfer are shown below
 * its line.
 */
export const transferLines = (
  transfers: readonly TransferState[],
  { now, columns }: Pick<CliIo, 'now' | 'columns'>,
): string[] => {
  if (transfers.length === 0) return ['No transfers.'];
  const [header = '', ...rows] = tableLines(HEADER, transfers.map(cells), columns);
  const nowMs = now();
  return [
    header,
    ...rows.flatMap((row, index) => [row, ...transferNotes(transfers[index], nowMs)]),
    '',
    totalText(transfers),
  ];
};

const HEADER: Column[] = [
  { title: 'STATE' },
  { title: 'DONE', align: 'right' },
  { title: 'OF', align: 'right' },
  { title: 'LEFT', align: 'right' },
  { title: 'PARTS', align: 'right', isOptional: true },
  { title: 'RATE', align: 'right', isOptional: true },
  { title: 'WAY', isOptional: true },
  { title: 'RULE → DESTINATION', least: 12 },
  { title: 'KEY', least: 14 },
];

const cells = (transfer: TransferState): string[] => [
  transfer.state,
  `${percentOf(transfer)} %`,
  byteText(transfer.bytes),
  transfer.secondsLeft === null ? '-' : duration(transfer.secondsLeft),
  `${countText(transfer.partsDone)}/${countText(transfer.parts)}`,
  transfer.bytesPerSecond === null ? '-' : `${byteText(transfer.bytesPerSecond)}/s`,
  transfer.way,
  `${transfer.rule} → ${transfer.destination}`,
  printable(transfer.key),
];

/** Returns the percentage of bytes that are done. The percentage is rounded down, so that 100 % means that all bytes are done. */
const percentOf = ({ bytes, bytesDone }: TransferState): number =>
  bytes === 0 ? 100 : Math.floor((bytesDone / bytes) * 100);

const transferNotes = (transfer: TransferState | undefined, nowMs: number): string[] => {
  if (transfer === undefined) return [];
  const { failure, seen } = transfer;
  if (failure !== null)
    return [`    ${failure.reason}: ${printable(failure.detail)}`, `    fix: ${failure.fix}`];
  const ageMs = seen === null ? 0 : nowMs - Date.parse(seen);
  return ageMs < OLD_MS ? [] : [`    as of ${duration(ageMs / 1_000)} ago`];
};

/** How old a count must be before its age is shown. The sweep counts the parts of every transfer every five minutes. */
const OLD_MS = 20 * 60_000;

const totalText = (transfers: readonly TransferState[]): string => {
  const left = transfers.reduce((sum, { bytes, bytesDone }) => sum + bytes - bytesDone, 0);
  return `${countOf(transfers.length, 'transfer')}, ${byteText(left)} to go.`;
};
