/** The fields of a transfer that are shown to operators. */
import type { Way } from '../copy/part-layout.ts';
import { reasonEntry } from '../model/reasons.ts';
import { partCount } from '../copy/part-plan.ts';
import type { Transfer } from '../copy/transfer/transfer.ts';

export interface TransferState {
  rule: string;
  destination: string;
  bucket: string;
  key: string;
  version: string | null;
  destinationBucket: string;
  replicaKey: string;
  uploadId: string;
  way: Way;
  /** The state is `waiting` until a first part has been counted. In the state `failed` an operator must act. */
  state: 'waiting' | 'moving' | 'failed';
  bytes: number;
  bytesDone: number;
  parts: number;
  partsDone: number;
  /** The average rate since the start; null as long as no byte has been moved. */
  bytesPerSecond: number | null;
  secondsLeft: number | null;
  /** When the transfer began, ISO 8601. */
  started: string;
  /** When the parts were last counted, ISO 8601; null if they have not been counted yet. */
  seen: string | null;
  /** A number that increases each time all part ranges are sent again. */
  attempt: number;
  failure: { reason: string; detail: string; fix: string } | null;
  run: string | null;
}

export const transferStateOf = (transfer: Transfer): TransferState => {
  const { version, seen, failure, startedMs } = transfer;
  const bytesDone = seen?.bytes ?? 0;
  const bytesPerSecond = rateOf(transfer);
  return {
    rule: transfer.rule,
    destination: transfer.destination,
    bucket: transfer.bucket,
    key: transfer.key,
    version: version.versionId,
    destinationBucket: transfer.destinationBucket,
    replicaKey: transfer.replicaKey,
    uploadId: transfer.uploadId,
    way: transfer.way,
    state: failure !== null ? 'failed' : bytesDone > 0 ? 'moving' : 'waiting',
    bytes: version.sizeBytes,
    bytesDone,
    parts: partCount(transfer.layout, version.sizeBytes),
    partsDone: seen?.parts ?? 0,
    bytesPerSecond,
    secondsLeft:
      failure !== null || bytesPerSecond === null
        ? null
        : Math.round((version.sizeBytes - bytesDone) / bytesPerSecond),
    started: isoTime(startedMs),
    seen: seen === null ? null : isoTime(seen.atMs),
    attempt: transfer.attempt,
    failure: failure === null ? null : { ...failure, fix: reasonEntry(failure.reason).fix },
    run: transfer.run,
  };
};

const rateOf = ({ seen, startedMs }: Transfer): number | null => {
  if (seen === null || seen.bytes === 0 || seen.atMs <= startedMs) return null;
  return Math.max(1, Math.round((seen.bytes / (seen.atMs - startedMs)) * 1_000));
};

const isoTime = (ms: number): string => new Date(ms).toISOString();
