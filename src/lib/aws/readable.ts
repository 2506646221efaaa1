import type { Readable } from '../state/deployment-state.ts';
import { QueueError } from '../dead-letters/queue.ts';
import { ReplicationError } from '../model/errors.ts';
import { operatorProblem } from './errors.ts';

/** Resolves to the action if the caller does not have the permission. Throws every other error. */
export const readable = async <Value>(
  action: string,
  ask: () => Promise<Value>,
): Promise<Readable<Value>> => {
  try {
    return await ask();
  } catch (error) {
    if (isDenied(error)) return { notReadable: action };
    throw error;
  }
};

const isDenied = (error: unknown): boolean =>
  (error instanceof QueueError && error.problem === 'access-denied') ||
  (error instanceof ReplicationError && operatorProblem(error) === 'access-denied');
