/** Transfers as they are shown on the terminal. */
import { byteText, countOf, countText } from '../../lib/text/amounts.ts';
import { duration } from '../../lib/text/duration.ts';
import { printable } from '../../lib/text/printable.ts';
import { table } from '../terminal/table.ts';
import type { PublicTransfer } from './transfer-state.ts';

/** One line each, and beneath those that wait for a person why, and what to do. */
export const transferLines = (transfers: readonly PublicTransfer[], nowMs: number): string[] => {
  if (transfers.length === 0) return ['No transfers.'];
  const [header = '', ...rows] = table(HEADER, transfers.map(cells));
  return [
    header,
    ...rows.flatMap((row, index) => [row, ...notes(transfers[index], nowMs)]),
    '',
    summary(transfers),
  ];
};

const HEADER = ['STATE', 'DONE', 'OF', 'PARTS', 'RATE', 'LEFT', 'WAY', 'RULE', 'DESTINATION', 'KEY'];

const cells = (transfer: PublicTransfer): string[] => [
  transfer.state,
  `${percentOf(transfer)} %`,
  byteText(transfer.bytes),
  `${countText(transfer.partsDone)}/${countText(transfer.parts)}`,
  transfer.bytesPerSecond === null ? '-' : `${byteText(transfer.bytesPerSecond)}/s`,
  transfer.secondsLeft === null ? '-' : duration(transfer.secondsLeft),
  transfer.way,
  transfer.rule,
  transfer.destination,
  printable(transfer.key),
];

/** Rounded down: all is there only when it is. */
const percentOf = ({ bytes, bytesDone }: PublicTransfer): number =>
  bytes === 0 ? 100 : Math.floor((bytesDone / bytes) * 100);

const notes = (transfer: PublicTransfer | undefined, nowMs: number): string[] => {
  if (transfer === undefined) return [];
  const { failure, seen } = transfer;
  if (failure !== null)
    return [`    ${failure.reason}: ${printable(failure.detail)}`, `    fix: ${failure.fix}`];
  const ageMs = seen === null ? 0 : nowMs - Date.parse(seen);
  return ageMs < OLD_MS ? [] : [`    as of ${duration(ageMs / 1_000)} ago`];
};

/** The sweep counts the parts of every transfer four times an hour. */
const OLD_MS = 20 * 60_000;

const summary = (transfers: readonly PublicTransfer[]): string => {
  const left = transfers.reduce((sum, { bytes, bytesDone }) => sum + bytes - bytesDone, 0);
  return `${countOf(transfers.length, 'transfer')}, ${byteText(left)} to go.`;
};
