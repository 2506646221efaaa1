/**
 * Remembers which keys have converged within a batch. All events of the batch are older than the batch. If converge has seen both
 * sides of a key agree since the batch began, further hints about the content of that key need no call.
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
    // Two kinds of hints always have to converge: the hint of a released key, because the brake has a record of the key, and the
    // hint of a transfer, because the transfer waits for this hint to complete it.
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

/**
 * Returns the outcome to remember for a key whose sides agree, or null. Outcomes without a replica are not remembered. They are
 * rare, and whether another hint ends in the same way depends on the hint.
 */
const agreement = (convergence: Convergence): Convergence | null => {
  if (convergence.outcome === 'unchanged') return convergence.replica === null ? null : convergence;
  if (convergence.outcome !== 'replicated' || convergence.newer !== null) return null;
  const { version, copied } = convergence;
  return { outcome: 'unchanged', sourceVersion: version.versionId, replica: copied.written };
};
