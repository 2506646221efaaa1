import type { KnownLetters, LetterKey } from '../../src/lib/delivery/known-letters.ts';

/** Keeps in memory which letters are known to be in the dead-letter queue. */
export const memoryLetters = (): KnownLetters => {
  const known = new Set<string>();
  const nameOf = ({ rule, destination, bucket, key }: LetterKey): string =>
    JSON.stringify([rule, destination, bucket, key]);
  return {
    keep: async (of) => void known.add(nameOf(of)),
    has: async (of) => known.has(nameOf(of)),
    forget: async (letters) => {
      for (const of of letters) known.delete(nameOf(of));
    },
  };
};
