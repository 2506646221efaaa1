/** The result of one hint at one destination. The receipt is stored, and the record is logged and counted. */
import type { Reason } from '../model/reasons.ts';
import type { Proof } from '../replica/proof.ts';
import { STAMP_NAME } from '../replica/stamp.ts';
import type { Convergence } from '../converge/convergence.ts';

/** The durable record of how a hint ended, stored with the idempotency record. */
export interface Receipt {
  outcome: Convergence['outcome'] | 'passed-over' | 'range-copied';
  sourceVersion: string | null;
  replicaVersion: string | null;
  etag: string | null;
  /** How many versions were written. */
  copies: number;
  bytes: number;
  /** Set if the replica got a shorter retention than the source version has, because of `maxRetentionDays`. */
  lock?: 'capped';
  checksum: string | null;
  proof: Proof | null;
  durationMs: number;
  /** Seconds between the source's Last-Modified and the end of the replication; null: nothing was written. */
  latencySeconds: number | null;
  /**
   * `replica`: the stamp of the source object claims that it is a replica, but the object was replicated, because the rule replicates
   * replicas or because the stamp is not proven. Null: the object has no stamp, or was not replicated.
   */
  claims: 'replica' | null;
}

/** The content of one log line and of one set of metrics. The record contains no object data and no metadata. */
export type OutcomeRecord = {
  rule: string | null;
  sourceBucket: string | null;
  destinationBucket: string | null;
  destination: string | null;
  key: string | null;
  version: string | null;
  /** The size that the event or the run names; null: it names none. */
  sizeBytes: number | null;
  attempts: number;
  /** When the message was first seen, ISO 8601; null: the work has no message. */
  firstSeen: string | null;
} & (
  | ({ ending: 'done'; duplicate: boolean } & Receipt)
  | { ending: 'skip'; why: 'test-event' | 'no-rule' | 'run-stopped' }
  /** The work of one invocation on a part range. The range may take several invocations. */
  | {
      ending: 'range';
      duplicate: boolean;
      firstPart: number;
      lastPart: number;
      bytes: number;
      durationMs: number;
    }
  /** The destination was avoided when the schedule looked at it. */
  | { ending: 'avoided'; reason: Reason; detail: string; since: string }
  /** The brake was closed when the schedule looked at it. */
  | { ending: 'paused'; detail: string; since: string }
  /** `wait`: the destination is avoided. Either no attempt was made, or its failure does not count. */
  | { ending: 'retry' | 'wait' | 'quarantine'; reason: Reason; detail: string; requestId: string | null }
);

/** Receives all records. */
export interface Reporter {
  report(record: OutcomeRecord): void;
}

/** Returns the receipt of a convergence that began at `startedMs` and ended at `endedMs` (milliseconds since the epoch). */
export const receiptOf = (convergence: Convergence, startedMs: number, endedMs: number): Receipt => {
  const durationMs = endedMs - startedMs;
  const { outcome } = convergence;
  switch (outcome) {
    case 'source-gone':
    case 'not-ours':
    case 'held':
    case 'filtered':
    case 'replica':
    case 'restore-requested':
    case 'transferring':
      return { ...NOTHING_WRITTEN, outcome, durationMs };
    case 'deleted':
      return {
        ...NOTHING_WRITTEN,
        outcome,
        replicaVersion: convergence.replicaVersion,
        durationMs,
      };
    case 'updated': {
      const { version, replicaVersion } = convergence;
      return { ...NOTHING_WRITTEN, outcome, sourceVersion: version.versionId, replicaVersion, durationMs };
    }
    case 'unchanged':
      return {
        ...NOTHING_WRITTEN,
        outcome,
        sourceVersion: convergence.sourceVersion,
        replicaVersion: convergence.replica?.versionId ?? null,
        etag: convergence.replica?.etag ?? null,
        durationMs,
      };
    case 'replicated': {
      const { version, copied, copies, bytes } = convergence;
      return {
        outcome,
        sourceVersion: version.versionId,
        replicaVersion: copied.written.versionId,
        etag: copied.written.etag,
        copies,
        bytes,
        checksum: copied.written.checksum?.value ?? null,
        proof: copied.proof,
        durationMs,
        latencySeconds: Math.max(0, (endedMs - version.lastModifiedMs) / 1_000),
        claims: STAMP_NAME in version.attributes.metadata ? 'replica' : null,
      };
    }
  }
};

const NOTHING_WRITTEN = {
  sourceVersion: null,
  replicaVersion: null,
  etag: null,
  copies: 0,
  bytes: 0,
  checksum: null,
  proof: null,
  latencySeconds: null,
  claims: null,
} as const;

/**
 * The receipt of a version or a failed transfer that was sent to the dead-letter queue. Because this receipt is stored, no
 * version and no failed transfer is sent twice.
 */
export const PASSED_OVER: Receipt = { ...NOTHING_WRITTEN, outcome: 'passed-over', durationMs: 0 };

/** The receipt of a part range whose parts were all copied. */
export const PART_RANGE_COPIED: Receipt = { ...NOTHING_WRITTEN, outcome: 'range-copied', durationMs: 0 };
