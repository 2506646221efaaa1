import { setTimeout as sleep } from 'node:timers/promises';

/** How long the pauses between the attempts are, milliseconds. */
const PAUSES_MS = [100, 300, 900];

/** Repeats a call whose error is transient, with a pause before each repetition. Throws the last error. */
export const withPauses = async <T>(
  ask: () => Promise<T>,
  isTransient: (error: unknown) => Promise<boolean>,
): Promise<T> => {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await ask();
    } catch (error) {
      if (!(await isTransient(error))) throw error;
      await sleep(pauseMs);
    }
  }
  return await ask();
};
