import { PLAYS_ALL, PROPERTY_SEED } from '../seed.ts';
import type { Mutant } from './mutant.ts';

/**
 * Draws rounds of mutants. The mutants of a round are made at the same time. Each mutant of a round has a different cause, so a test can
 * check for every one that doctor names its cause. DRAW=all puts every mutant into a separate round, and then draws pairs. DRAW=pairs draws
 * only the pairs.
 */
export const drawnRounds = (
  all: readonly Mutant[],
  { rounds, perRound, pairs }: { rounds: number; perRound: number; pairs: number },
): Mutant[][] =>
  PLAYS_ALL || PLAYS_PAIRS
    ? [
        ...(PLAYS_PAIRS ? [] : all.map((mutant) => [mutant])),
        ...roundsOf(all, pairs, 2).filter((round) => round.length === 2),
      ]
    : roundsOf(all, rounds, perRound);

const PLAYS_PAIRS = process.env['DRAW'] === 'pairs';

const roundsOf = (all: readonly Mutant[], rounds: number, perRound: number): Mutant[][] => {
  const shuffled = shuffle(all);
  return Array.from({ length: rounds }, () => {
    const round: Mutant[] = [];
    for (const mutant of shuffled) {
      if (round.length === perRound) break;
      const isNew = !round.some((other) => overlaps(other, mutant));
      if (isNew) round.push(mutant);
    }
    for (const mutant of round) shuffled.splice(shuffled.indexOf(mutant), 1);
    return round;
  });
};

const overlaps = (one: Mutant, other: Mutant): boolean =>
  one.place === other.place || one.causes.some((cause) => other.causes.includes(cause));

/** Returns the same order for the same seed (mulberry32). */
const shuffle = (all: readonly Mutant[]): Mutant[] => {
  let state = PROPERTY_SEED;
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return all
    .map((mutant) => ({ mutant, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ mutant }) => mutant);
};
