/**
 * Remembers which keys have converged within a batch. All events of the batch are older than the batch, and converge has seen both sides
 * agree since it began. So further hints about the content of such a key need no call.
 */
import type { Convergence } from '../converge/convergence.ts';
import type { Task } from '../model/task.ts';

export interface SettledKeys {
  /** Returns the outcome for another hint about the key, or null if this task has to converge. */
  find(task: Task): Convergence | null;
  /** Remembers a key if its two sides agreed at the end. */
  note(task: Task, convergence: Convergence): void;
}

export const createSettledKeys = (): SettledKeys => {
  const settled = new Map<string, Convergence>();
  const nameOf = ({ rule, destination, key }: Task): string => JSON.stringify([rule.id, destination.id, key]);
  return {
    // A released key has a record at the brake, and a transfer waits for its own hint to complete it.
    find: (task) =>
      task.concern === 'content' && !task.released && task.chain === null
        ? (settled.get(nameOf(task)) ?? null)
        : null,
    note(task, convergence) {
      const agreed = agreement(convergence);
      if (agreed === null) settled.delete(nameOf(task));
      else settled.set(nameOf(task), agreed);
    },
  };
};

/** Outcomes without a replica are left out: they are rare, and whether another hint ends like this depends on the hint. */
const agreement = (convergence: Convergence): Convergence | null => {
  if (convergence.outcome === 'unchanged') return convergence.replica === null ? null : convergence;
  if (convergence.outcome !== 'replicated' || convergence.newer !== null) return null;
  const { version, copied } = convergence;
  return { outcome: 'unchanged', sourceVersion: version.versionId, replica: copied.written };
};
