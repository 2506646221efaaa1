/** Estimates a run from a sample of its source. */
import { createPace } from '../../listing/pace.ts';
import { patientListing } from '../../listing/patient-listing.ts';
import { scopeOf } from '../compare/scope.ts';
import type { RunDeps } from '../ports.ts';
import type { RunEstimate, RunSpec } from '../run.ts';
import { attributeGetsOf, estimateVerify } from './estimate.ts';
import { surveySource } from './sample-source.ts';
import { createWorkCounter } from './workload.ts';

/** Maximum pages of a sample. 2,000 pages cost one US cent. */
export const SAMPLE_PAGES = 400;
/** How many pages are listed at once. */
export const SAMPLE_WORKERS = 16;

/** Estimates a verify. Throws what the listing throws, and `unknown-rule`. Resolves to null if nothing could be counted. */
export const estimateRun = async (spec: RunSpec, deps: RunDeps): Promise<RunEstimate | null> => {
  const { clock, random, deadlineMs, listings, listingConcurrency } = deps;
  const { rule, mapping } = scopeOf(deps.configuration, spec);
  const patience = { clock, pace: createPace({ clock, most: 2 * SAMPLE_WORKERS }), random, deadlineMs };
  const survey = await surveySource({
    listPage: patientListing(listings.source(rule, spec.versions), patience),
    prefix: mapping.sourcePrefix,
    createCounter: () => createWorkCounter(rule, spec),
    workers: SAMPLE_WORKERS,
    mostPages: SAMPLE_PAGES,
    random,
    now: () => clock.now(),
    signal: new AbortController().signal,
  });
  if (survey === null) return null;
  const attributeGets = attributeGetsOf(spec, rule);
  return estimateVerify(survey, {
    versions: spec.versions,
    concurrency: 1,
    listingConcurrency,
    isBetweenRegions: false,
    attributeGets,
    prefixes: 1,
  });
};
