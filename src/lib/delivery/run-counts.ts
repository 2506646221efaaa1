/** The counts that the replicate function adds to a run for its hints. */
import type { Reason } from '../model/reasons.ts';
import type { Receipt } from './outcome.ts';

/** How one hint of a run ended. */
export type RunPiece =
  | { kind: 'done'; key: string; receipt: Pick<Receipt, 'outcome' | 'copies' | 'bytes' | 'durationMs'> }
  | { kind: 'failed'; reason: Reason }
  /** Dropped, because the run was paused or cancelled. */
  | { kind: 'dropped' };

export interface RunCounts {
  /** True: the run was paused or cancelled. The answer may be a few seconds old. */
  isStopped(run: string): Promise<boolean>;
  /** Counts a piece of work, but never its duplicates. */
  count(run: string, piece: RunPiece): void;
  /** Adds the counts to the runs. Never throws: the work is done in any case, and the end of a run does not depend on its counts. */
  flush(): Promise<void>;
}

/** The sums of several pieces. */
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
