import { scopeOf } from '../../lib/runs/compare/scope.ts';
import {
  attributeGetsOf,
  estimateBackfill,
  estimateVerify,
  type RunSettings,
  withReading,
} from '../../lib/runs/estimate/estimate.ts';
import { SAMPLE_PAGES, SAMPLE_WORKERS } from '../../lib/runs/estimate/estimate-run.ts';
import { type Survey, surveySource } from '../../lib/runs/estimate/sample-source.ts';
import { createWorkCounter } from '../../lib/runs/estimate/workload.ts';
import type { RunEstimate, RunSpec } from '../../lib/runs/run.ts';
import { countOf } from '../../lib/text/amounts.ts';
import { createProgress } from '../terminal/progress.ts';
import { interruptibleListings } from './interruptible-listing.ts';
import type { StartCommand, StartRequest } from './run-request.ts';

/**
 * Resolves to one estimate for each run, in the same order. If no estimate was requested, each estimate is null. The source is read only
 * once, because all runs concern the same keys. Resolves to null instead of a list when the command is interrupted.
 */
export const estimateRuns = async (command: StartCommand): Promise<(RunEstimate | null)[] | null> => {
  const { configuration, specs, estimate, reading } = command.request;
  const [first] = specs;
  if (estimate === 'none' || first === undefined) return specs.map(() => null);
  const survey = await surveyFor(command, first);
  if (survey === null) return null;
  return specs.map((spec) => {
    const settings = settingsOf(configuration, spec);
    const copies = spec.kind === 'backfill' || spec.repair;
    const run = (copies ? estimateBackfill : estimateVerify)(survey, settings);
    return reading === 'none' ? run : withReading(run, survey);
  });
};

/** Reads the source of a run for its estimate. Resolves to null when the command is interrupted. */
const surveyFor = async ({ request, io, ports }: StartCommand, spec: RunSpec): Promise<Survey | null> => {
  const { replication, deployment } = request.configuration;
  const { rule, mapping } = scopeOf(replication, spec);
  const { listings } = await ports.buckets({
    region: deployment.region,
    source: null,
    destination: null,
    signal: NEVER_ABORTED,
  });
  const patient = interruptibleListings(io, 2 * SAMPLE_WORKERS);
  const progress = createProgress(io);
  try {
    return await surveySource({
      listPage: patient(listings.source(rule, spec.versions)),
      prefix: mapping.sourcePrefix,
      createCounter: () => createWorkCounter(rule, spec),
      workers: SAMPLE_WORKERS,
      mostPages: request.estimate === 'full' ? Infinity : SAMPLE_PAGES,
      random: ports.random,
      now: () => io.now(),
      signal: io.interrupted,
      onPages: (pages) =>
        progress.update(`estimating: ${countOf(pages, 'page')} of ${rule.source.bucket} listed`),
    });
  } catch (error) {
    if (io.interrupted.aborted) return null;
    throw error;
  } finally {
    progress.end();
  }
};

const NEVER_ABORTED = new AbortController().signal;

const settingsOf = (configuration: StartRequest['configuration'], spec: RunSpec): RunSettings => {
  const { backfill, deployment, replication } = configuration;
  const { rule, destination } = scopeOf(replication, spec);
  return {
    versions: spec.versions,
    concurrency: backfill.maximumConcurrency,
    listingConcurrency: backfill.listingConcurrency,
    isBetweenRegions: destination.region !== deployment.region,
    attributeGets: attributeGetsOf(spec, rule),
    prefixes: 1,
  };
};
