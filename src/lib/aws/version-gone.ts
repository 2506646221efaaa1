import { ReplicationError } from '../model/errors.ts';
import { isVersionGone } from './errors.ts';

/** Null for a version or key that is not there, or is a delete marker; a missing bucket stays an error. */
export const unlessGone = async <T>(answer: Promise<T>): Promise<T | null> => {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ReplicationError && isVersionGone(error.cause)) return null;
    throw error;
  }
};
