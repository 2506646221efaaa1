import type { Clock } from './clock.ts';

/** How long a change is not known everywhere, by the clock. AWS gives no guarantee. Absent values mean that a change is known at once. */
export interface PropagationDelays {
  /** Policies and trust policies of roles, key policies and grants, queue policies and bucket policies. */
  policyMs?: number;
  /** Events of a bucket for which EventBridge was switched on: they are lost meanwhile. */
  eventBridgeMs?: number;
}

/** The values of settings whose changes take effect in AWS only after a delay. The owner of a value is e.g. the ARN of a queue. */
export interface Propagating<T> {
  /** Notes that the value changes now. `before` is the value until now. */
  changing(owner: string, before: T): void;
  /** Returns the value by which AWS acts: `current`, or an older one if the change to `current` is not known yet. */
  known(owner: string, current: T): T;
  /** Forgets the changes of what was deleted. */
  forget(owner: string): void;
}

/** `delayMs` is asked for each change and for each value, so that a test can switch the delay on and off. */
export const createPropagating = <T>(clock: Clock, delayMs: () => number | undefined): Propagating<T> => {
  /** The changes that may not be known yet, oldest first. */
  const changes = new Map<string, { atMs: number; before: T }[]>();
  const unknown = (owner: string): { atMs: number; before: T }[] => {
    const sinceMs = clock.now() - (delayMs() ?? 0);
    return (changes.get(owner) ?? []).filter(({ atMs }) => atMs > sinceMs);
  };
  return {
    changing: (owner, before) => {
      if (delayMs() !== undefined) changes.set(owner, [...unknown(owner), { atMs: clock.now(), before }]);
    },
    known: (owner, current) => {
      const [first] = unknown(owner);
      return first ? first.before : current;
    },
    forget: (owner) => void changes.delete(owner),
  };
};
