/**
 * Formats differences as CSV (RFC 4180). The file has a header and one line for each key that differs. Lines end with CRLF.
 *
 * Keys are written unchanged. A key may contain anything, including line ends and quotation marks, so it is always quoted. A
 * spreadsheet treats keys that begin with `=`, `+`, `-` or `@` as formulas. Nevertheless no character is put before them, because
 * a changed key would no longer name its object. The files are meant for programs. A spreadsheet has to import the column as
 * text.
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

/** Removes the quotation marks in which S3 returns ETags. They are not part of the ETag. */
const bare = (etag: string): string => /^"(.*)"$/s.exec(etag)?.[1] ?? etag;

const whereNeeded = (text: string): string => (/[",\r\n]/.test(text) ? quoted(text) : text);

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
