import { expect } from 'vitest';
import { deadLetters } from './queues.ts';
import { settled, type Stage } from './stages/stage.ts';

/** Waits until the live queue is empty. Returns the attributes of the only dead letter. */
export const onlyDeadLetter = async (stage: Stage): Promise<Record<string, string>> => {
  expect(await settled(stage)).toBe(true);
  const letters = await deadLetters(stage);
  expect(letters).toHaveLength(1);
  return letters[0]?.attributes ?? {};
};
