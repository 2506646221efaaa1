import { countOf } from '../../lib/text/amounts.ts';
import {
  attributeGetsOf,
  estimateBackfill,
  estimateVerify,
  type RunSettings,
} from '../../lib/runs/estimate/estimate.ts';
import { scopeOf } from '../../lib/runs/compare/scope.ts';
import type { RunSpec, RunEstimate } from '../../lib/runs/run.ts';
import { surveySource } from '../../lib/runs/estimate/sample-source.ts';
import { createWorkCounter, type Workload } from '../../lib/runs/estimate/workload.ts';
import type { CliIo } from '../terminal/io.ts';
import { interruptibleListings } from './interruptible-listing.ts';
import { createProgress } from '../terminal/progress.ts';
import type { RunPorts } from './run-ports.ts';
import type { StartRequest } from './run-request.ts';

/** A US cent buys 2,000 of them. */
const SAMPLE_PAGES = 400;
const WORKERS = 16;

/**
 * One for each run, in their order; null where none was wanted. The source is looked at once, since all runs are about the same keys.
 * Null altogether: interrupted.
 */
export const estimateRuns = async (
  { configuration, specs, estimate, destinationProfile }: StartRequest,
  io: CliIo,
  ports: RunPorts,
): Promise<(RunEstimate | null)[] | null> => {
  const [first] = specs;
  if (estimate === 'none' || first === undefined) return specs.map(() => null);
  const { replication, deployment } = configuration;
  const { rule, mapping } = scopeOf(replication, first);
  const { listings } = ports.buckets({ region: deployment.region, destinationProfile, signal: FOREVER });
  const patient = interruptibleListings(io, 2 * WORKERS);
  const progress = createProgress(io);
  const survey = await surveySource({
    listPage: patient(listings.source(rule, first.versions)),
    prefix: mapping.sourcePrefix,
    createCounter: () => createWorkCounter(rule, first),
    workers: WORKERS,
    mostPages: estimate === 'full' ? Infinity : SAMPLE_PAGES,
    random: ports.random,
    now: () => io.now(),
    signal: io.interrupted,
    onPages: (pages) =>
      progress.update(`estimating: ${countOf(pages, 'page')} of ${rule.source.bucket} listed`),
  })
    .catch((error: unknown) => {
      if (io.interrupted.aborted) return null;
      throw error;
    })
    .finally(() => progress.end());
  if (survey === null) return null;
  return specs.map((spec) => {
    const settings = settingsOf(configuration, spec);
    const copies = spec.kind === 'backfill' || spec.repair;
    return (copies ? estimateBackfill : estimateVerify)(survey, settings);
  });
};

/** Of what a comparison has found, for the keys that differ alone. */
export const estimateDifferences = (
  work: Pick<Workload, 'keys' | 'bytes' | 'pages'>,
  configuration: StartRequest['configuration'],
  spec: RunSpec,
): RunEstimate => {
  const found = { ...work, versions: work.keys, multiparts: 0, parts: 0 };
  return estimateBackfill({ work: found, basis: 'listing', errorShare: 0 }, settingsOf(configuration, spec));
};

const FOREVER = new AbortController().signal;

const settingsOf = (configuration: StartRequest['configuration'], spec: RunSpec): RunSettings => {
  const { backfill, deployment, replication } = configuration;
  const { rule, destination } = scopeOf(replication, spec);
  return {
    versions: spec.versions,
    concurrency: backfill.maximumConcurrency,
    listingConcurrency: backfill.listingConcurrency,
    isBetweenRegions: destination.region !== deployment.region,
    attributeGets: attributeGetsOf(spec, rule),
  };
};
