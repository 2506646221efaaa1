/**
 * Converts user metadata between headers and stored names and values. On a write, S3 decodes values according to RFC 2047. On a read, it
 * encodes values that are not plain ASCII in the same way.
 *
 * Source: Amazon S3 User Guide "Working with object metadata" (UsingMetadata.html).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { S3Error } from '../errors.ts';

const METADATA_PREFIX = 'x-amz-meta-';
const MAX_BYTES = 2048;

/** Returns the values by name, without the prefix of the names. Throws MetadataTooLarge if names and values exceed 2 KB. */
export const parseUserMetadata = (headers: IncomingHttpHeaders): Record<string, string> => {
  const entries: [string, string][] = [];
  let sizeBytes = 0;
  for (const header in headers) {
    if (!header.startsWith(METADATA_PREFIX)) continue;
    const raw = headers[header];
    const name = header.slice(METADATA_PREFIX.length);
    const value = decodeWords((Array.isArray(raw) ? raw.join(',') : (raw ?? '')).trim());
    entries.push([name, value]);
    sizeBytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (sizeBytes > MAX_BYTES)
    throw new S3Error('MetadataTooLarge', {
      elements: { Size: String(sizeBytes), MaxSizeAllowed: String(MAX_BYTES) },
    });
  // Object.fromEntries is used, because an assignment to a member named `__proto__` would be lost.
  return Object.fromEntries(entries);
};

export const userMetadataHeaders = (metadata: Record<string, string>): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const name in metadata) headers[METADATA_PREFIX + name] = encodeWord(metadata[name] ?? '');
  return headers;
};

const ENCODED_WORD = /=\?utf-8\?([BbQq])\?([^?]*)\?=/gi;

const decodeWords = (value: string): string =>
  value.includes('=?')
    ? value
        .replace(/(\?=)\s+(=\?)/g, '$1$2')
        .replace(ENCODED_WORD, (_, encoding: string, text: string) =>
          encoding.toUpperCase() === 'B' ? Buffer.from(text, 'base64').toString('utf8') : decodeQuoted(text),
        )
    : value;

const decodeQuoted = (text: string): string =>
  Buffer.from(
    text
      .replaceAll('_', ' ')
      .replace(/=([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))),
    'latin1',
  ).toString('utf8');

const PRINTABLE_ASCII = /^[\u0020-\u007e]*$/;

/** Encodes a value as quoted-printable if most of it is ASCII, and as base64 otherwise. */
const encodeWord = (value: string): string => {
  if (PRINTABLE_ASCII.test(value)) return value;
  const ascii = value.split('').filter((character) => PRINTABLE_ASCII.test(character)).length;
  if (ascii * 2 <= value.length) return `=?UTF-8?B?${Buffer.from(value).toString('base64')}?=`;
  const quoted = [...Buffer.from(value)].map(quoteByte).join('');
  return `=?UTF-8?Q?${quoted}?=`;
};

const quoteByte = (byte: number): string => {
  if (byte === 0x20) return '_';
  const character = String.fromCharCode(byte);
  return PRINTABLE_ASCII.test(character) && !'=?_'.includes(character)
    ? character
    : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
};
