/** Gathers what the report of a run is made of. */
import type { RunDeps } from '../ports.ts';
import type { RunReport } from './report-data.ts';
import type { RunRecord } from '../run-store.ts';
import { scopeOf } from '../compare/scope.ts';
import { NOTHING_COMPARED } from '../run.ts';

/** So many files are named. */
const FILES = 1_000;

export const reportOf = async (
  run: RunRecord & { endedMs: number },
  { stack, configuration, store, files }: Pick<RunDeps, 'stack' | 'configuration' | 'store' | 'files'>,
): Promise<RunReport> => {
  const { rule, destination, mapping } = scopeOf(configuration, run.spec);
  const named = await store.files(run, FILES);
  const checked = run.checked ?? NOTHING_COMPARED;
  const { missing, different, attributes, historyShorter } = checked;
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
    copied: isRepair ? await store.copied(run.id) : null,
    checked,
    agrees: missing + different + attributes + historyShorter === 0,
    estimate: run.estimate,
    files: named.files.map(({ key, rows }) => ({ bucket: files?.bucket ?? '', key, rows })),
    filesLeftOut: named.leftOut,
  };
};
