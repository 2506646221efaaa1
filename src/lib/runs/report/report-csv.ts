/**
 * Differences as CSV (RFC 4180): a header, one line for each key that differs, CRLF at the end of lines.
 *
 * Keys are exact. A key may contain anything, including line ends and quotation marks, so it is always quoted. Nothing is put before keys
 * that begin with `=`, `+`, `-` or `@`, although a spreadsheet takes them for formulas: a changed key would no longer name its object.
 * The files are for programs; a spreadsheet has to import the column as text.
 */
import type { ListedSide, ReportRow } from './report-data.ts';

const CSV_COLUMNS = [
  'key',
  'difference',
  'sourceVersion',
  'sourceBytes',
  'sourceEtag',
  'replicaVersion',
  'replicaBytes',
  'replicaEtag',
  'reason',
] as const;

export const csvHeader = (): string => `${CSV_COLUMNS.join(',')}\r\n`;

export const csvLine = ({ key, difference, source, replica, reason }: ReportRow): string =>
  `${[quoted(key), difference, ...sideFields(source), ...sideFields(replica), reason ?? ''].join(',')}\r\n`;

const sideFields = (side: ListedSide | null): string[] =>
  side === null
    ? ['', '', '']
    : [whereNeeded(side.versionId ?? ''), String(side.sizeBytes), whereNeeded(bare(side.etag))];

/** S3 returns ETags in quotation marks, which are not part of the ETag. */
const bare = (etag: string): string => /^"(.*)"$/s.exec(etag)?.[1] ?? etag;

const whereNeeded = (text: string): string => (/[",\r\n]/.test(text) ? quoted(text) : text);

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
