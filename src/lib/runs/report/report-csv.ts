/**
 * Formats differences as CSV (RFC 4180). The file has a header and one line for each key that differs. Lines end with CRLF.
 * A key may contain anything, including line ends and quotation marks, so it is always quoted. A spreadsheet executes a cell that
 * begins with `=`, `+`, `-` or `@` as a formula, and anyone who may write into the source bucket can choose keys. So an
 * apostrophe is put before such a text. An apostrophe is also put before a text that begins with an apostrophe. A program that
 * reads the file therefore removes one apostrophe from the beginning of a text, if there is one, and has the exact text.
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

const whereNeeded = (text: string): string => (/^[^\w]|[",\r\n]/.test(text) ? quoted(text) : text);

const quoted = (text: string): string => `"${withoutFormula(text).replaceAll('"', '""')}"`;

const withoutFormula = (text: string): string => (FORMULA.test(text) ? `'${text}` : text);

/**
 * Matches a text that a spreadsheet may execute, also in its full-width form, after white space, or behind an apostrophe.
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
const FORMULA = /^[\s\p{C}]*[=+\-@＝＋－＠']|^[\t\r\n]/u;
