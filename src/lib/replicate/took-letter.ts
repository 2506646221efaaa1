import type { Deps, QueueMessage } from '../delivery/deps.ts';
import { letterKey } from '../delivery/known-letters.ts';
import { giveBack } from '../delivery/settle.ts';
import { asReplicationError } from '../model/errors.ts';

/**
 * Forgets the record of the letter that was redriven as this message. If the record remained without its letter, the next failure
 * of the key would get no letter. So if the record cannot be removed, gives the message back and resolves to false.
 */
export const tookLetter = async (message: QueueMessage, deps: Deps): Promise<boolean> => {
  const of = message.earlier === null ? null : letterKey(message.earlier);
  if (of === null) return true;
  try {
    await deps.letters.forget([of]);
    return true;
  } catch (error) {
    await giveBack(message, { error: asReplicationError(error), assignment: null }, deps);
    return false;
  }
};
