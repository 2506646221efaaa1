/** Random histories of a bucket: after any steps, the bucket lists and reads as the model predicts. */
import fc from 'fast-check';
import { behaviour, s3Guide } from './behaviour.ts';
import { history, play, type Step } from './history.ts';

const GUIDE = s3Guide('versioning-workflows');

/** Histories that depend only on the seed, so that every endpoint gets the same ones. */
const sample = (seed: number): Step[][] => fc.sample(history, { seed, numRuns: 3 });

export const shortHistoriesEndAsTheModelSays = behaviour(
  'Any short history of writes, deletes, copies, uploads and changes of versioning leaves what the guide says.',
  GUIDE,
  async (context) => {
    for (const steps of sample(1)) await play(context, steps);
  },
);

export const moreHistoriesEndAsTheModelSays = behaviour('So do others.', GUIDE, async (context) => {
  for (const steps of sample(20261122)) await play(context, steps);
});
