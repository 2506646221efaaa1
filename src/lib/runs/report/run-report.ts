/** Collects the data of a run's report, and formats the data as `report.json`. */
import type { ReportFiles, RunDeps } from '../ports.ts';
import type { ReplicationConfiguration } from '../../model/rule.ts';
import type { ReportRow, RunReport } from './report-data.ts';
import type { RunRecord } from '../run-store.ts';
import { scopeOf } from '../compare/scope.ts';
import { agrees } from './comparison-text.ts';
import { attributeGetsOf, usedBy } from '../estimate/estimate.ts';
import { withoutEarlierFailures } from '../failures.ts';
import { type CompareCounters, NOTHING_COMPARED, type RunEstimate, type RunSpec } from '../run.ts';

/** Maximum number of files that the report names. */
const MAX_NAMED_FILES = 1_000;

/** Maximum number of rows that the report shows itself. */
export const MAX_SHOWN_ROWS = 50;

export const reportOf = async (
  run: RunRecord & { endedMs: number },
  {
    stack,
    configuration,
    store,
    files,
  }: Pick<RunDeps, 'stack' | 'configuration' | 'store'> & { files: Pick<ReportFiles, 'bucket'> | null },
): Promise<RunReport> => {
  const named = await store.files(run, MAX_NAMED_FILES);
  const checked = run.checked ?? NOTHING_COMPARED;
  const isRepair = run.spec.kind === 'backfill' || run.spec.repair;
  return {
    ...foundBy(configuration, run.spec, checked),
    run: run.id,
    stack,
    createdMs: run.createdMs,
    endedMs: run.endedMs,
    phases: run.history.map(({ work, beganMs }, index) => ({
      work,
      beganMs,
      endedMs: run.history[index + 1]?.beganMs ?? run.endedMs,
    })),
    compared: isRepair ? run.compared : null,
    copied: isRepair ? withoutEarlierFailures(await store.copied(run.id), run) : null,
    estimate: run.estimate,
    files: named.files.map(({ key, rows, sha256 }) => ({ bucket: files?.bucket ?? '', key, rows, sha256 })),
    differences: shownRows(named.files.flatMap(({ first }) => first)),
    filesLeftOut: named.leftOut,
  };
};

/** Returns the part of a report that says what the last listing found between the two places of the run. */
export const foundBy = (configuration: ReplicationConfiguration, spec: RunSpec, checked: CompareCounters) => {
  const { rule, destination, mapping } = scopeOf(configuration, spec);
  return {
    version: 1,
    spec,
    source: { bucket: rule.source.bucket, prefix: mapping.sourcePrefix },
    destination: {
      bucket: destination.bucket,
      region: destination.region,
      prefix: mapping.destinationPrefix,
    },
    checked,
    agrees: agrees(spec, checked),
    proven: checked.presumed === 0,
  } as const satisfies Partial<RunReport>;
};

/** Returns the rows that the report itself shows, sorted by key. */
export const shownRows = (rows: readonly ReportRow[]): ReportRow[] =>
  rows.toSorted((one, other) => (one.key < other.key ? -1 : 1)).slice(0, MAX_SHOWN_ROWS);

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
