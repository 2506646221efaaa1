/** `report.json`, and what the other forms of a report are made of besides. */
import type { RunEstimate } from '../run.ts';
import { attributeGetsOf, usedBy } from '../estimate/estimate.ts';
import type { RunReport } from './report-data.ts';

/** `report.json`: the report as it is, and what the run used, reckoned from its counters. */
export const reportJson = (report: RunReport): string =>
  `${JSON.stringify({ ...report, used: usedIn(report) }, null, 2)}\n`;

/** Whether bytes went from one region to another is known from the estimate alone: without one that is left out. */
export const usedIn = (report: RunReport): RunEstimate => {
  const { spec, estimate, compared, copied, checked, createdMs, endedMs } = report;
  return usedBy(
    { compared, copied, checked, beganMs: createdMs, endedMs },
    {
      versions: spec.versions,
      isBetweenRegions: (estimate?.dollars['transfer'] ?? 0) > 0,
      // Nor is it known here whether the rule replicates grants.
      attributeGets: attributeGetsOf(spec, { acl: 'ignore' }),
    },
  );
};
