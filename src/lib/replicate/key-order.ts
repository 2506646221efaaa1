/**
 * Runs the tasks of one key at one destination one after the other, because concurrent tasks would only lose races against each
 * other.
 */
import type { Assignment } from '../hint/route.ts';

export type KeyOrder = <T>(assignment: Assignment, work: () => Promise<T>) => Promise<T>;

export const createKeyOrder = (): KeyOrder => {
  const last = new Map<string, Promise<unknown>>();
  return ({ destination, hint }, work) => {
    const chain = JSON.stringify([destination.bucket, destination.prefix, hint.key]);
    const result = (last.get(chain) ?? Promise.resolve()).then(work);
    last.set(
      chain,
      result.catch(() => undefined),
    );
    return result;
  };
};
