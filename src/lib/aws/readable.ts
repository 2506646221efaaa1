import type { Readable } from '../state/deployment-state.ts';
import { QueueError } from '../dead-letters/queue.ts';
import { ReplicationError } from '../model/errors.ts';
import { operatorProblem } from './errors.ts';

/**
 * Makes a call that needs the permission for the IAM action `action`. If the caller lacks the permission, resolves to `{
 * notReadable: action }`. Throws every other error.
 */
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
