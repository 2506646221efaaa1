/** The objects of the demo. Each is difficult to replicate for a different reason. */
import { generatedBuffer } from './generated-bytes.ts';
import type { ObjectName } from './replica-places.ts';

export interface DemoObject extends ObjectName {
  /** The sizes of the parts of a multipart upload; null if the object is uploaded by a single PUT. */
  partSizesBytes: number[] | null;
  sizeBytes: number;
  /** How many times the object is written. Each write has different content. */
  writes: number;
  headers: ContentHeaders;
  metadata: Record<string, string>;
}

export interface ContentHeaders {
  ContentType?: string;
  CacheControl?: string;
  ContentDisposition?: string;
  ContentEncoding?: string;
  ContentLanguage?: string;
  Expires?: Date;
}

export const DOCUMENTS = 'acme-documents';
export const MEDIA = 'acme-media';

/** Objects that the demo changes after their replication. */
export const OVERWRITTEN = 'invoices/ledger, written five times.csv';
export const RETAGGED = 'invoices/much metadata.json.gz';
export const DELETED = 'invoices/nothing in it.bin';

/** The policy of one destination bucket refuses replicas under this prefix, until the demo fixes that policy. */
export const LOCKED_PREFIX = 'invoices/locked/';

const KIB = 1024;
const MIB = 1024 * KIB;

/** The part size of the large object. S3 allows at most 10,000 parts. */
const LARGE_PART_BYTES = 16 * MIB;

/** Returns the name of the content of one write; see generated-bytes.ts. */
export const seedOf = ({ bucket, key }: ObjectName, write: number): string => `${bucket}/${key}#${write}`;

/** Returns the whole content of one write. */
export const contentOf = (object: DemoObject, write: number): Buffer =>
  generatedBuffer({ seed: seedOf(object, write), offset: 0, lengthBytes: object.sizeBytes });

/**
 * Returns the objects of the demo. Their buckets and prefixes are those of the repository's replication.yml. The large object is the last.
 */
export const demoObjects = (largeBytes: number): DemoObject[] => [
  document('2026-11/invoice 0815 + 5% off.pdf', 48 * KIB, { ContentType: 'application/pdf' }),
  document('what?&=#;:@,$ is //a path.txt', 1 * KIB, { ContentType: 'text/plain; charset=utf-8' }),
  document('Größe ½ – 株式会社 – счёт.pdf', 20 * KIB, { ContentType: 'application/pdf' }),
  document('\u{1f9fe} receipts/', 0, { ContentType: 'application/x-directory' }),
  document('control\u0001 and\ttab.csv', 2 * KIB, { ContentType: 'text/csv' }),
  single(DOCUMENTS, DELETED, 0),
  { ...single(DOCUMENTS, RETAGGED, 5 * KIB, RICH_HEADERS), metadata: RICH_METADATA },
  { ...single(DOCUMENTS, OVERWRITTEN, 30 * KIB, { ContentType: 'text/csv' }), writes: 5 },
  multipart(DOCUMENTS, 'invoices/scan in uneven parts.tif', [5 * MIB, 7 * MIB + 1, 6 * MIB + 4_321, 12_345]),
  document('locked/contract.docx', 12 * KIB),
  media('photos/caf\u00e9.jpg', 300 * KIB, { ContentType: 'image/jpeg' }),
  // This key looks the same as the key before it, but for S3 it is another key.
  media('photos/cafe\u0301.jpg', 301 * KIB, { ContentType: 'image/jpeg' }),
  media(longKey(), 7 * KIB),
  multipart(MEDIA, 'video/keynote \u{1f3ac} 4K.mov', equalParts(largeBytes), {
    ContentType: 'video/quicktime',
  }),
];

const single = (
  bucket: string,
  key: string,
  sizeBytes: number,
  headers: ContentHeaders = {},
): DemoObject => ({ bucket, key, partSizesBytes: null, sizeBytes, writes: 1, headers, metadata: {} });

const document = (name: string, sizeBytes: number, headers?: ContentHeaders): DemoObject =>
  single(DOCUMENTS, `invoices/${name}`, sizeBytes, headers);

const media = (key: string, sizeBytes: number, headers?: ContentHeaders): DemoObject =>
  single(MEDIA, key, sizeBytes, headers);

const multipart = (
  bucket: string,
  key: string,
  partSizesBytes: number[],
  headers?: ContentHeaders,
): DemoObject => ({
  ...single(
    bucket,
    key,
    partSizesBytes.reduce((sum, each) => sum + each, 0),
    headers,
  ),
  partSizesBytes,
  metadata: { 'part-sizes': 'kept' },
});

const equalParts = (sizeBytes: number): number[] => {
  const count = Math.ceil(sizeBytes / LARGE_PART_BYTES);
  return Array.from({ length: count }, (_, index) =>
    Math.min(LARGE_PART_BYTES, sizeBytes - index * LARGE_PART_BYTES),
  );
};

/** Returns a key of 1,024 bytes of UTF-8, which is the longest that S3 allows. It has 515 characters. */
function longKey(): string {
  const start = 'long/';
  return start + 'ß'.repeat(509) + '!';
}

const RICH_HEADERS: ContentHeaders = {
  ContentType: 'application/json',
  CacheControl: 'private, max-age=3600, stale-while-revalidate=60',
  ContentDisposition: `attachment; filename="ledger.json.gz"; filename*=UTF-8''B%C3%BCcher.json.gz`,
  ContentEncoding: 'gzip',
  ContentLanguage: 'de-AT, en',
  Expires: new Date('2030-01-01T00:00:00Z'),
};

/** Metadata that is close to S3's limit of 2 KB, but leaves room for the replicator's stamp. */
const RICH_METADATA: Record<string, string> = {
  author: 'Ada Lovelace',
  department: 'accounts; receivable, "EMEA"',
  'content-sha': 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9',
  'with-spaces': 'two  spaces inside',
  ...Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [`field-${index}`, `value ${index} `.repeat(8).trim()]),
  ),
};
