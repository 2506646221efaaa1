/** The counts that the replicate function adds to a run when hints of the run have ended. */
import type { Reason } from '../model/reasons.ts';
import type { Receipt } from './outcome.ts';

type CountedReceipt = Pick<Receipt, 'outcome' | 'copies' | 'bytes' | 'durationMs' | 'lock'>;

/** How one hint of a run ended. */
export type RunPiece =
  | { kind: 'done'; key: string; receipt: CountedReceipt }
  | { kind: 'failed'; key: string; reason: Reason }
  /** The hint failed and was given back, to be tried again. */
  | { kind: 'tried' }
  /** A version was passed over. The run itself has not sent the hint in the dead letter of this version. */
  | { kind: 'passed-over'; key: string; reason: Reason }
  /** The hint was dropped, because the run was paused or cancelled, or was outside its hours. */
  | { kind: 'dropped' };

export interface RunCounts {
  /** Resolves to true if the run was paused or cancelled, or is outside its hours. The result may be a few seconds old. */
  isStopped(run: string): Promise<boolean>;
  /** Counts one hint of a run. Callers must not count duplicates. */
  count(run: string, piece: RunPiece): void;
  /**
   * Writes the collected counts to the runs. Never throws, because the work is done in any case, and the end of a run does not
   * depend on its counts.
   */
  flush(): Promise<void>;
}

/** The sums over several hints of one run. */
export interface RunDelta {
  /**
   * The sums by the names of {@link CopyCounters}: `done`, `failed`, `dropped`, `sent`, `tried`, `copies`, `bytes`,
   * `outcomes.<outcome>`, `reasons.<reason>`.
   */
  sums: Map<string, number>;
  copied: { key: string; bytes: number; durationMs: number }[];
  /** One failed key for each reason. */
  examples: Map<Reason, string>;
}

export const emptyDelta = (): RunDelta => ({ sums: new Map(), copied: [], examples: new Map() });

export const addPiece = ({ sums, copied, examples }: RunDelta, piece: RunPiece): void => {
  const add = (name: string, amount: number): void => void sums.set(name, (sums.get(name) ?? 0) + amount);
  switch (piece.kind) {
    case 'passed-over':
    case 'failed':
      if (piece.kind === 'passed-over') add('sent', 1);
      add('failed', 1);
      examples.set(piece.reason, examples.get(piece.reason) ?? piece.key);
      return add(`reasons.${piece.reason}`, 1);
    case 'done':
    case 'dropped':
    case 'tried':
      add(piece.kind, 1);
  }
  if (piece.kind !== 'done') return;
  const { outcome, copies, bytes, durationMs, lock } = piece.receipt;
  add(`outcomes.${outcome}`, 1);
  if (lock === 'capped') add('outcomes.lock-capped', 1);
  add('copies', copies);
  add('bytes', bytes);
  if (copies > 0) copied.push({ key: piece.key, bytes, durationMs });
};
