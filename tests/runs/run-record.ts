import type { RunRecord } from '../../src/lib/runs/run-store.ts';
import { NOTHING_COMPARED } from '../../src/lib/runs/run.ts';

/** Returns the record of a backfill that has just begun. */
export const runRecord = (fields: Partial<RunRecord>): RunRecord => ({
  id: 'run',
  spec: {
    kind: 'backfill',
    rule: 'rule',
    destination: 'replica',
    prefix: '',
    since: null,
    versions: 'all',
    attributes: 'listed',
    repair: false,
    deleteExtra: false,
    acceptLeftOut: false,
  },
  scope: 's3://source/* to s3://replica/*',
  phase: 'comparing',
  work: 'comparing',
  failure: null,
  createdMs: 0,
  endedMs: null,
  history: [{ work: 'comparing', beganMs: 0 }],
  openRanges: 1,
  epoch: 1,
  compared: NOTHING_COMPARED,
  checked: null,
  estimate: null,
  revision: 0,
  still: null,
  digests: null,
  droppedBefore: 0,
  endedBefore: null,
  deniedSinceMs: null,
  announced: false,
  ...fields,
});
