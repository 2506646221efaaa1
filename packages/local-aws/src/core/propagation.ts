import type { Clock } from './clock.ts';

/**
 * How long changes take until they take effect, by the clock. AWS guarantees no such times. Without a delay, a change takes effect
 * immediately.
 */
export interface PropagationDelays {
  /** Delay of role policies and trust policies, key policies and grants, queue policies and bucket policies. */
  policyMs?: number;
  /** Delay after EventBridge is switched on for a bucket. Events of the bucket are lost until then. */
  eventBridgeMs?: number;
}

/** Settings whose changes take effect only after a delay. Each setting has an owner, e.g. the ARN of a queue. */
export interface Propagating<T> {
  /** Records that the owner's value changes now. `before` is the value until now. */
  changing(owner: string, before: T): void;
  /** Returns the value that is in effect: `current`, or the previous one if the change has not taken effect yet. */
  known(owner: string, current: T): T;
  /** Forgets the changes of an owner, after it was deleted. */
  forget(owner: string): void;
}

/** `delayMs` is called for every change and every value, so that a test can switch the delay on and off. */
export const createPropagating = <T>(clock: Clock, delayMs: () => number | undefined): Propagating<T> => {
  /** The changes that may not have taken effect yet, oldest first. */
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
