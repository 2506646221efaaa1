/** What the replicate function tells of the hints of runs. */
import type { Reason } from '../model/reasons.ts';
import type { Receipt } from './outcome.ts';

/** How one hint of a run ended. */
export type RunPiece =
  | { kind: 'done'; key: string; receipt: Pick<Receipt, 'outcome' | 'copies' | 'bytes' | 'durationMs'> }
  | { kind: 'failed'; reason: Reason }
  /** Let go, because the run was paused or cancelled. */
  | { kind: 'dropped' };

export interface RunCounts {
  /** Was the run paused or cancelled? As it was within the last seconds. */
  isStopped(run: string): Promise<boolean>;
  /** Of work that was done, not of its duplicates. */
  count(run: string, piece: RunPiece): void;
  /** Adds to the run what was counted. Never throws: what is done is done, and the run's end does not hang on it. */
  flush(): Promise<void>;
}

/** Sums of some pieces. */
export interface RunDelta {
  /** By the names of {@link CopyCounters}: `done`, `failed`, `dropped`, `copies`, `bytes`, `outcomes.<outcome>`, `reasons.<reason>`. */
  sums: Map<string, number>;
  copied: { key: string; bytes: number; durationMs: number }[];
}

export const emptyDelta = (): RunDelta => ({ sums: new Map(), copied: [] });

export const addPiece = ({ sums, copied }: RunDelta, piece: RunPiece): void => {
  const add = (name: string, amount: number): void => void sums.set(name, (sums.get(name) ?? 0) + amount);
  add(piece.kind, 1);
  if (piece.kind === 'failed') add(`reasons.${piece.reason}`, 1);
  if (piece.kind !== 'done') return;
  const { outcome, copies, bytes, durationMs } = piece.receipt;
  add(`outcomes.${outcome}`, 1);
  add('copies', copies);
  add('bytes', bytes);
  if (copies > 0) copied.push({ key: piece.key, bytes, durationMs });
};
