/** Collects the data of a run's report, and formats the data as `report.json`. */
import type { ReportFiles, RunDeps } from '../ports.ts';
import type { RunReport } from './report-data.ts';
import type { RunRecord } from '../run-store.ts';
import { scopeOf } from '../compare/scope.ts';
import { agrees } from './comparison-text.ts';
import { attributeGetsOf, usedBy } from '../estimate/estimate.ts';
import { withoutEarlierFailures } from '../failures.ts';
import { NOTHING_COMPARED, type RunEstimate } from '../run.ts';

/** Maximum number of files that the report names. */
const MAX_NAMED_FILES = 1_000;

/** Maximum number of rows that the report shows itself. */
const MAX_SHOWN_ROWS = 50;

export const reportOf = async (
  run: RunRecord & { endedMs: number },
  {
    stack,
    configuration,
    store,
    files,
  }: Pick<RunDeps, 'stack' | 'configuration' | 'store'> & { files: Pick<ReportFiles, 'bucket'> | null },
): Promise<RunReport> => {
  const { rule, destination, mapping } = scopeOf(configuration, run.spec);
  const named = await store.files(run, MAX_NAMED_FILES);
  const checked = run.checked ?? NOTHING_COMPARED;
  const isRepair = run.spec.kind === 'backfill' || run.spec.repair;
  return {
    version: 1,
    run: run.id,
    stack,
    spec: run.spec,
    source: { bucket: rule.source.bucket, prefix: mapping.sourcePrefix },
    destination: {
      bucket: destination.bucket,
      region: destination.region,
      prefix: mapping.destinationPrefix,
    },
    createdMs: run.createdMs,
    endedMs: run.endedMs,
    phases: run.history.map(({ work, beganMs }, index) => ({
      work,
      beganMs,
      endedMs: run.history[index + 1]?.beganMs ?? run.endedMs,
    })),
    compared: isRepair ? run.compared : null,
    copied: isRepair ? withoutEarlierFailures(await store.copied(run.id), run) : null,
    checked,
    agrees: agrees(run.spec, checked),
    proven: checked.presumed === 0,
    estimate: run.estimate,
    files: named.files.map(({ key, rows, sha256 }) => ({ bucket: files?.bucket ?? '', key, rows, sha256 })),
    differences: named.files
      .flatMap(({ first }) => first)
      .toSorted((one, other) => (one.key < other.key ? -1 : 1))
      .slice(0, MAX_SHOWN_ROWS),
    filesLeftOut: named.leftOut,
  };
};

/** Returns the text of `report.json`: the report itself, and the run's use of AWS according to its counters. */
export const reportJson = (report: RunReport): string =>
  `${JSON.stringify({ ...report, used: usedIn(report) }, null, 2)}\n`;

/**
 * Calculates the run's work, requests and cost. Only the estimate says whether bytes cross regions. Without an estimate, the cost
 * of transfer between regions is left out.
 */
export const usedIn = (report: RunReport): RunEstimate => {
  const { spec, estimate, compared, copied, checked, createdMs, endedMs } = report;
  return usedBy(
    { compared, copied, checked, beganMs: createdMs, endedMs },
    {
      versions: spec.versions,
      isBetweenRegions: (estimate?.dollars['transfer'] ?? 0) > 0,
      // The report does not show whether the rule replicates grants, so requests for grants are left out.
      attributeGets: attributeGetsOf(spec, { tags: 'replicate', acl: 'ignore' }),
    },
  );
};
