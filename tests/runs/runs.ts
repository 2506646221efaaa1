/** Rules, runs and reports for tests. */
import { createHash } from 'node:crypto';
import type { ReplicationRule, Source, VerifySchedule } from '../../src/lib/model/rule.ts';
import type { RunReport } from '../../src/lib/runs/report/report-data.ts';
import { NO_LIMITS } from '../../src/lib/model/run-limits.ts';
import type { RunSettings } from '../../src/lib/runs/estimate/estimate.ts';
import type { CompareCounters, CopyCounters, RunSpec } from '../../src/lib/runs/run.ts';
import { NOTHING_COMPARED, nothingCopied } from '../../src/lib/runs/run.ts';

export const aRule = (
  given: Omit<Partial<ReplicationRule>, 'source'> & { source?: Partial<Source> } = {},
): ReplicationRule => ({
  id: 'invoices',
  filter: { tags: {}, minimumBytes: null, maximumBytes: null },
  exclude: [],
  destinations: [
    {
      id: 'archive',
      bucket: 'acme-archive',
      region: 'eu-west-1',
      roleArn: 'arn:aws:iam::222222222222:role/archive',
      externalId: 'acme',
      account: '222222222222',
      service: null,
      prefix: null,
      storageClass: null,
      minimumStorageClass: null,
      encryption: null,
      kmsKeyArn: null,
      objectLock: 'replicate',
      maxRetentionDays: 3_650,
      overMaxRetention: 'cap',
    },
  ],
  versions: 'all',
  deletes: 'ignore',
  copy: 'stream',
  stamp: true,
  replicas: 'ignore',
  tags: 'replicate',
  acl: 'ignore',
  announce: 'none',
  restore: null,
  brake: null,
  verify: null,
  limits: NO_LIMITS,
  ...given,
  source: {
    bucket: 'acme-documents',
    prefix: 'invoices/',
    suffix: '',
    events: 's3',
    roleArn: null,
    externalId: null,
    replicators: [],
    account: null,
    region: null,
    service: null,
    ...given.source,
  },
});

export const aSpec = (given: Partial<RunSpec> = {}): RunSpec => ({
  kind: 'backfill',
  rule: 'invoices',
  destination: 'archive',
  prefix: '',
  since: null,
  versions: 'all',
  attributes: 'listed',
  repair: false,
  deleteExtra: false,
  acceptLeftOut: false,
  ...given,
});

/** Settings with which tests estimate a run. */
export const RUN_SETTINGS: RunSettings = {
  versions: 'all',
  concurrency: 10,
  listingConcurrency: 8,
  isBetweenRegions: true,
  attributeGets: null,
  prefixes: 1,
};

export const aVerifySchedule = (given: Partial<VerifySchedule> = {}): VerifySchedule => ({
  everyDays: 7,
  atMinutes: 180,
  timeZone: 'UTC',
  attributes: 'listed',
  maxRequests: null,
  maxDollars: 10,
  ...given,
});

export const compared = (given: Partial<CompareCounters> = {}): CompareCounters => ({
  ...NOTHING_COMPARED,
  ...given,
});

export const copied = (given: Partial<CopyCounters> = {}): CopyCounters => ({
  ...nothingCopied(),
  ...given,
});

const BEGAN_MS = Date.parse('2026-11-22T10:00:00Z');

export const aReport = (given: Partial<RunReport> = {}): RunReport => ({
  version: 1,
  run: '20261122-100000-k3f9bx',
  stack: 's3-replicator-prod',
  spec: aSpec(),
  source: { bucket: 'acme-documents', prefix: 'invoices/' },
  destination: { bucket: 'acme-archive', region: 'eu-west-1', prefix: 'invoices/' },
  createdMs: BEGAN_MS,
  endedMs: BEGAN_MS + 3_600_000,
  phases: [{ work: 'checking', beganMs: BEGAN_MS, endedMs: BEGAN_MS + 3_600_000 }],
  compared: null,
  copied: null,
  checked: compared({ keys: 10, same: 10, versions: 12, bytes: 12_000, sourcePages: 1, destinationPages: 1 }),
  agrees: true,
  proven: true,
  estimate: null,
  files: [],
  differences: [],
  filesLeftOut: 0,
  ...given,
});

/** The digest of a report in a world that is completely in memory. */
export const digestOf = (report: RunReport): string =>
  createHash('sha256').update(JSON.stringify(report)).digest('hex');

/** Keeps the report where a deployment would write it as a file. Returns its digests. */
export const keepReport = (reports: RunReport[], report: RunReport): Record<string, string> => {
  reports.push(report);
  return { 'report.json': digestOf(report) };
};
