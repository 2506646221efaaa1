import { expect } from 'vitest';
import { deadLetters } from './queues.ts';
import { PERMISSION_SECONDS, settled, type Stage } from './stages/stage.ts';

/** Waits until the live queue is empty. Returns the attributes of the only dead letter. */
export const onlyDeadLetter = async (stage: Stage): Promise<Record<string, string>> => {
  expect(await settled(stage, 3_600, PERMISSION_SECONDS)).toBe(true);
  const letters = await deadLetters(stage);
  expect(letters).toHaveLength(1);
  return letters[0]?.attributes ?? {};
};
