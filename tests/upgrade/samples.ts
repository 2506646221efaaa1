/** One sample of each format, with every field filled in. */
import type { ReplicaEvent } from '../../src/lib/model/replica-event.ts';
import type { Transfer } from '../../src/lib/copy/transfer/transfer.ts';
import type { DeadLetter } from '../../src/lib/delivery/dead-letter.ts';
import type { Receipt } from '../../src/lib/delivery/outcome.ts';
import type { Retry } from '../../src/lib/delivery/retry.ts';
import type { Hint } from '../../src/lib/hint/hint.ts';
import type { VersionReceipt } from '../../src/lib/replica/version-receipt.ts';
import type { RunMessage } from '../../src/lib/runs/ports.ts';
import type { RunRecord } from '../../src/lib/runs/run-store.ts';
import { NOTHING_COMPARED } from '../../src/lib/runs/run.ts';

/** The time at which the samples are written. */
export const NOW = Date.parse('2026-12-01T12:00:00Z');

const CHAIN = { hops: 2, fruitless: 1, version: 'v1' };

export const HINT: Required<Hint> = {
  bucket: 'acme-documents',
  key: 'invoices/2026/ü 🙂.pdf',
  versionId: 'v1',
  sizeBytes: 184_221,
  kind: 'ObjectCreated:Put',
  identity: '0068E0D1A2B3C4D5E6',
  principalId: 'AWS:AROA4R74ZO52QCLEXAMPLE:billing-export',
  rule: 'invoices',
  destination: 'archive',
  run: '20261201-120000-k3f9xz',
  chain: CHAIN,
  released: true,
  notBeforeMs: NOW + 3_600_000,
};

export const RETRY: Retry = {
  id: '6d7e3c1c-0000-4000-8000-000000000001',
  origin: 'backfill',
  tries: 3,
  attempts: 5,
  firstSeenMs: NOW - 90_000,
  waitingSinceMs: NOW - 60_000,
  firstFailedMs: NOW - 30_000,
  reason: 'throttled',
  detail: 'PutObject: slow down',
};

export const LETTER: DeadLetter = {
  reason: 'access-denied',
  rule: 'invoices',
  destination: 'archive',
  bucket: HINT.bucket,
  key: HINT.key,
  version: 'v1',
  firstSeenMs: NOW - 90_000,
  attempts: 4,
  requestId: 'R1',
  detail: 'PutObject: AccessDenied',
};

export const TRANSFER: Transfer = {
  id: 'acme-archive/invoices/video.mp4',
  uploadId: 'upload-1',
  rule: 'invoices',
  destination: 'archive',
  bucket: HINT.bucket,
  key: 'invoices/video.mp4',
  destinationBucket: 'acme-archive',
  replicaKey: 'invoices/video.mp4',
  version: {
    versionId: 'v1',
    etag: '"e-3"',
    sizeBytes: 21_474_836_480,
    lastModifiedMs: NOW - 3_600_000,
    encryption: 'KMS',
    checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'abc=' },
  },
  way: 'stream',
  layout: {
    kind: 'sized',
    runs: [
      { parts: 1, bytes: 5_242_880 },
      { parts: 7, bytes: 8_388_608 },
    ],
  },
  provenBy: 'checksum',
  isLocked: true,
  plansLeft: 1,
  isRefused: false,
  startedMs: NOW - 60_000,
  chain: CHAIN,
  run: HINT.run,
  byReplicator: false,
  concern: 'content',
  sentMs: NOW - 50_000,
  attempt: 2,
  failure: { atMs: NOW - 40_000, reason: 'access-denied', detail: 'UploadPart: AccessDenied' },
  seen: { parts: 5, bytes: 38_797_312, atMs: NOW - 45_000 },
  tried: 2,
  fruitless: 1,
};

export const RANGE_MESSAGE: RunMessage = {
  run: '20261201-120000-k3f9xz',
  epoch: 2,
  from: 'invoices/ü',
  hops: 3,
  fruitless: 1,
};

export const RUN: RunRecord = {
  id: '20261201-120000-k3f9xz',
  spec: {
    kind: 'verify',
    rule: 'invoices',
    destination: 'archive',
    prefix: 'invoices/2026/',
    since: '2026-11-01T00:00:00.000Z',
    versions: 'all',
    attributes: 'all',
    repair: true,
    deleteExtra: false,
    acceptLeftOut: true,
    isDryRun: true,
    scheduled: { requests: 1_000, dollars: 10 },
  },
  limits: {
    requestsPerSecond: 500,
    bytesPerSecond: 50_000_000,
    hours: { fromMinutes: 1_320, toMinutes: 360, timeZone: 'Europe/Berlin' },
  },
  requestsPerHint: 5,
  isResting: true,
  scope: 's3://acme-documents/invoices/* to s3://acme-archive/*',
  phase: 'comparing',
  work: 'comparing',
  failure: { reason: 'access-denied', detail: 'ListObjectVersions: AccessDenied' },
  createdMs: NOW,
  endedMs: NOW + 60_000,
  history: [{ work: 'comparing', beganMs: NOW }],
  openRanges: 1,
  epoch: 1,
  compared: { ...NOTHING_COMPARED, versions: 12, bytes: 34_567, keys: 11, same: 10, missing: 1, hints: 1 },
  checked: { ...NOTHING_COMPARED, versions: 12, keys: 11, same: 11 },
  estimate: {
    keys: 11,
    bytes: 34_567,
    bytesReadTwice: 0,
    requests: { list: 2, get: 11 },
    dollars: { s3: 0.01, lambda: 0.02 },
    hours: 0.1,
    basis: 'sample',
    errorShare: 0.05,
  },
  still: { progress: '11/0', sinceMs: NOW },
  digests: { 'report.json': '0'.repeat(64) },
  revision: 0,
  droppedBefore: 1,
  endedBefore: 2,
  deniedSinceMs: NOW,
  announced: false,
};

export const RECEIPT: Receipt = {
  outcome: 'replicated',
  sourceVersion: 'v1',
  replicaVersion: 'w1',
  etag: '"e"',
  copies: 1,
  bytes: 184_221,
  lock: 'capped',
  checksum: 'CRC64NVME:abc=',
  proof: 'checksum',
  durationMs: 120,
  latencySeconds: 2,
  claims: 'replica',
};

export const VERSION_RECEIPT: VersionReceipt = { from: '0'.repeat(43), proof: 'checksum' };

export const EVENT: ReplicaEvent = {
  version: '1',
  rule: 'invoices',
  bucket: { name: 'acme-documents' },
  object: {
    key: 'invoices/ä.pdf',
    size: 1_024,
    etag: '0123456789abcdef0123456789abcdef',
    'version-id': 'source-version',
    'last-modified': '2026-01-02T03:04:05.000Z',
  },
  destination: { id: 'archive', bucket: { name: 'acme-archive' }, region: 'eu-west-1' },
  replica: {
    key: 'invoices/ä.pdf',
    etag: '0123456789abcdef0123456789abcdef',
    'version-id': 'replica-version',
    checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'AAAAAAAAAAA=' },
  },
  proof: 'checksum',
  run: 'run',
  'replicated-at': '2026-01-02T03:04:06.789Z',
};
