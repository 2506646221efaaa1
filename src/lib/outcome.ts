/**
 * What became of one hint at one destination: the receipt that is kept, and the record that is logged and counted.
 */
import type { Convergence } from './converge.ts';
import type { Reason } from './errors.ts';
import type { Proof } from './proof.ts';

/** Durable proof of an outcome, stored with the idempotency record. */
export interface Receipt {
  outcome: Convergence['outcome'];
  sourceVersion: string | null;
  replicaVersion: string | null;
  etag: string | null;
  bytes: number;
  checksum: string | null;
  proof: Proof | null;
  durationMs: number;
  /** Seconds between the source's Last-Modified and the end of the replication; null where nothing was written. */
  latencySeconds: number | null;
}

/** One log line, one set of metrics. No object data, no metadata. */
export type OutcomeRecord = {
  rule: string | null;
  sourceBucket: string | null;
  destinationBucket: string | null;
  destination: string | null;
  key: string | null;
  version: string | null;
  attempts: number;
} & (
  | ({ ending: 'done'; duplicate: boolean } & Receipt)
  | { ending: 'skip'; why: 'test-event' | 'no-rule' }
  | { ending: 'retry' | 'quarantine'; reason: Reason; detail: string; requestId: string | null }
);

/** Where records go. */
export interface Reporter {
  report(record: OutcomeRecord): void;
}

/** The receipt of a convergence that took from `startedMs` to `endedMs` (milliseconds since the epoch). */
export const receiptOf = (convergence: Convergence, startedMs: number, endedMs: number): Receipt => {
  const durationMs = endedMs - startedMs;
  switch (convergence.outcome) {
    case 'source-gone':
      return { ...NOTHING, outcome: 'source-gone', durationMs };
    case 'unchanged':
      return {
        ...NOTHING,
        outcome: 'unchanged',
        sourceVersion: convergence.version.versionId,
        replicaVersion: convergence.replica.versionId,
        etag: convergence.replica.etag,
        durationMs,
      };
    case 'replicated': {
      const { version, copied } = convergence;
      return {
        outcome: 'replicated',
        sourceVersion: version.versionId,
        replicaVersion: copied.written.versionId,
        etag: copied.written.etag,
        bytes: version.sizeBytes,
        checksum: copied.written.checksum?.value ?? null,
        proof: copied.proof,
        durationMs,
        latencySeconds: Math.max(0, (endedMs - version.lastModifiedMs) / 1_000),
      };
    }
  }
};

const NOTHING = {
  sourceVersion: null,
  replicaVersion: null,
  etag: null,
  bytes: 0,
  checksum: null,
  proof: null,
  latencySeconds: null,
} as const;
