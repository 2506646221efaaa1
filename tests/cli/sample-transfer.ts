/** A transfer as the functions record it. */
import type { Transfer } from '../../src/lib/copy/transfer/transfer.ts';

export const NOW = Date.parse('2026-11-22T12:00:00Z');
export const GIB = 1024 ** 3;

export const transfer = (fields: Partial<Transfer> = {}): Transfer => ({
  id: 'acme-archive/acme/invoices/large.bin',
  uploadId: 'upload-1',
  rule: 'invoices',
  destination: 'archive',
  bucket: 'acme-documents',
  key: 'invoices/large.bin',
  destinationBucket: 'acme-archive',
  replicaKey: 'acme/invoices/large.bin',
  version: {
    versionId: 'v1',
    etag: '"e-40"',
    sizeBytes: 40 * GIB,
    lastModifiedMs: NOW - 7_200_000,
    encryption: 'AES256',
    checksum: null,
  },
  way: 'stream',
  layout: { kind: 'numbered', parts: 40 },
  provenBy: 'etag',
  isLocked: false,
  plansLeft: 1,
  isRefused: false,
  startedMs: NOW - 100_000,
  chain: { hops: 1, fruitless: 0, version: 'v1' },
  run: null,
  byReplicator: false,
  concern: 'content',
  sentMs: NOW - 99_000,
  attempt: 0,
  failure: null,
  seen: { parts: 10, bytes: 10 * GIB, atMs: NOW },
  tried: null,
  fruitless: 0,
  ...fields,
});
