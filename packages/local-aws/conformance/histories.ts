/** Random histories of a bucket. After each history, the bucket must list and read as the model predicts. */
import fc from 'fast-check';
import { behaviour, s3Guide } from './behaviour.ts';
import { history, play, type Step } from './history.ts';

const GUIDE = s3Guide('versioning-workflows');

/**
 * Returns histories that depend only on the seed, so that every endpoint is tested with the same histories.
 */
const sample = (seed: number): Step[][] => fc.sample(history, { seed, numRuns: 3 });

export const shortHistoriesEndAsTheModelSays = behaviour(
  'A bucket ends as S3’s guide describes after short random histories of writes, deletes, copies, uploads and versioning changes.',
  GUIDE,
  async (context) => {
    for (const steps of sample(1)) await play(context, steps);
  },
);

export const moreHistoriesEndAsTheModelSays = behaviour(
  'A bucket ends as S3’s guide describes after further random histories of writes, deletes, copies, uploads and versioning changes.',
  GUIDE,
  async (context) => {
    for (const steps of sample(20261122)) await play(context, steps);
  },
);
