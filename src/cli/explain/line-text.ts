import type { LogLine } from '../../lib/inspect/log-lines.ts';
import { printable } from '../../lib/text/printable.ts';

/** Formats one line of a log: the time in UTC, the message, the place, and the reason. */
export const lineText = ({ time, message, rule, destination, key, reason, detail }: LogLine): string =>
  printable(
    [
      `${time.slice(0, 19).replace('T', ' ')}Z`,
      message,
      ...(rule === null ? [] : [`${rule} → ${destination ?? '-'}`]),
      ...(key === null ? [] : [key]),
      ...(reason === null ? [] : [reason]),
      ...(detail === null ? [] : [detail]),
    ].join('  '),
  );
